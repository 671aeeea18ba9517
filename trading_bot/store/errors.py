"""Errors: what went wrong, kept; the same again and again is one row with a count."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.errors import Retry, SemanticError, Severity
from trading_bot.domain.events import EventKind
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import add, of_bot, values_of
from trading_bot.store.semantic import dumped, dumped_actions, loaded_actions
from trading_bot.store.tables import errors
from trading_bot.store.transaction import Reading, Writing

REPEATED_WITHIN = timedelta(seconds=60)
"""An error that comes again this soon (wall clock) after its last time is counted, not stored anew."""
_SUBJECT = ("symbol", "client_order_id", "plan_id", "fill_id")


def save_error(w: Writing, error: SemanticError) -> SemanticError:
    """Store the error, with an id where it has none, with an event and a line for the log, and return it as stored.

    When the bot's newest error has the same code and cause, is about the same (symbol, order, plan and fill of its context), was seen in
    the 60 s before and was not acknowledged, that one is counted up instead (`count` and `last_seen` in its context) and returned, without
    event or line: a step that fails at full speed floods nothing. Its count gets into the log with the next other error.
    """
    newest = w.connection.execute(_all(w).order_by(errors.c.number.desc()).limit(1)).one_or_none()
    if newest is not None and _is_repeat(newest, error):
        return _counted(w, newest, error)
    if newest is not None and newest.last_seen_at != newest.timestamp:
        w.log("errors", dumped(_error(newest)))  # it is not counted up any more: the line that its last count stands in
    error_id = error.id or uuid.uuid4().hex
    stored = replace(error, id=error_id)
    if add(w, errors, _row(stored)):
        data = {"errorCode": stored.error_code, "severity": stored.severity.name}
        w.changed(EventKind.ERROR, error_id, stored.message, data)
        w.log("errors", dumped(stored))
    return stored


def insert_error(w: Writing, error: SemanticError) -> None:
    """Store an error that the log has already, as when the store is rebuilt from it."""
    seen = error.context.get("last_seen")
    add(w, errors, _row(error) | ({"last_seen_at": datetime.fromisoformat(seen)} if isinstance(seen, str) else {}))


def acknowledge_error(w: Writing, id: str, *, user: str, reason: str) -> None:
    """Note that `user` has seen the error, with an event and a line for the log; one that was seen before keeps its date.

    KeyError for an id that no error has.
    """
    known = find_error(w, id)
    if known is None:
        raise KeyError(id)
    if known.acknowledged_at is not None:
        return
    seen = replace(known, acknowledged_at=w.now)
    w.connection.execute(errors.update().where(of_bot(w, errors), errors.c.id == id).values(acknowledged_at=w.now))
    w.changed(EventKind.ERROR, id, f"Acknowledged: {seen.message}", {"errorCode": seen.error_code, "user": user})
    w.log("errors", {**dumped(seen), "acknowledged_by": user, "acknowledged_because": reason})


def find_error(r: Reading, id: str) -> SemanticError | None:
    """The error of that id."""
    row = r.connection.execute(_all(r).where(errors.c.id == id)).one_or_none()
    return None if row is None else _error(row)


def list_errors(
    r: Reading,
    first: int,
    after: str | None = None,
    *,
    error_code: str | None = None,
    severity: Severity | None = None,
    acknowledged: bool | None = None,
    symbol: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Page[SemanticError]:
    """Errors, newest first, that pass every filter which is not null; `start` (inclusive) and `end` (exclusive) are wall-clock times."""
    c = errors.c
    filters = (
        error_code is not None and c.error_code == error_code,
        severity is not None and c.severity == severity,
        acknowledged is not None and c.acknowledged_at.is_not(None) == sa.literal(acknowledged),
        symbol is not None and c.symbol == symbol,
        start is not None and c.timestamp >= start,
        end is not None and c.timestamp < end,
    )
    query = _all(r).where(*(wanted for wanted in filters if wanted is not False))
    return page_of(r, query, (c.number,), first=first, after=after, load=_error)


def list_recent_errors(r: Reading, first: int) -> tuple[SemanticError, ...]:
    """The last `first` errors, newest first."""
    rows = r.connection.execute(_all(r).order_by(errors.c.number.desc()).limit(first))
    return tuple(_error(row) for row in rows)


def count_errors_since(r: Reading, since_wall: datetime) -> int:
    """Stored errors that occurred, or were repeated, at or after a wall-clock time."""
    since = sa.select(sa.func.count()).where(of_bot(r, errors), errors.c.last_seen_at >= since_wall)
    return r.connection.execute(since).scalar_one()


def _is_repeat(newest: sa.Row[Any], error: SemanticError) -> bool:
    return (
        (newest.error_code, newest.cause) == (error.error_code, error.cause)
        and _subject(newest.context) == _subject(error.context)
        and newest.acknowledged_at is None
        and abs(error.timestamp - newest.last_seen_at) <= REPEATED_WITHIN
    )


def _subject(context: dict[str, Any]) -> tuple[object, ...]:
    """What an error is about, where its context names it."""
    return tuple(context.get(name) for name in _SUBJECT)


def _counted(w: Writing, newest: sa.Row[Any], error: SemanticError) -> SemanticError:
    counted = _error(newest)
    context = {
        **counted.context,
        "count": int(counted.context.get("count", 1)) + 1,
        "last_seen": error.timestamp.isoformat(),
    }
    renewed = errors.update().where(errors.c.number == newest.number)
    w.connection.execute(renewed.values(context=context, last_seen_at=error.timestamp))
    return replace(counted, context=context)


def _all(r: Reading) -> sa.Select[Any]:
    return sa.select(errors).where(of_bot(r, errors))


def _row(error: SemanticError) -> dict[str, Any]:
    row = values_of(error)
    retry: Retry = row.pop("retry")
    symbol = error.context.get("symbol")
    return {
        **row,
        "actions": dumped_actions(error.actions),
        "retry_kind": retry.kind,
        "retry_after_seconds": retry.after_seconds,
        "symbol": symbol if isinstance(symbol, str) else None,
        "last_seen_at": error.timestamp,
    }


def _error(row: sa.Row[Any]) -> SemanticError:
    return SemanticError(
        id=row.id,
        error_code=row.error_code,
        error_type=row.error_type,
        message=row.message,
        cause=row.cause,
        impact=row.impact,
        remediation=row.remediation,
        actions=loaded_actions(row.actions),
        retry=Retry(kind=row.retry_kind, after_seconds=row.retry_after_seconds),
        context=row.context,
        timestamp=row.timestamp,
        severity=row.severity,
        acknowledged_at=row.acknowledged_at,
    )
