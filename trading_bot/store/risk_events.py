"""Risk events: refusals, trips and resets; and the breaker's present state."""

from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.breaker import Breaker
from trading_bot.domain.errors import Severity
from trading_bot.domain.events import EventKind
from trading_bot.domain.money import plain
from trading_bot.domain.records import record_of
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.store.paging import Page, page_of
from trading_bot.store.risk_tables import breakers, risk_events
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.transaction import Reading, Writing


def save_risk_event(w: Writing, event: RiskEvent, *, breaker: Breaker | None = None) -> RiskEvent:
    """Store the event, with an event in the stream and a line for the log, and return it as stored.

    The line also holds what the breaker has become, where that is given: so it can be made again from the log.

    One whose id is there already is counted up, without event or line: what is refused at every bar floods nothing. It is counted once for
    each venue time, however often the bot is killed within a bar.
    """
    known = find_risk_event(w, event.id)
    if known is not None:
        counted = known.repeated(event.timestamp)
        if counted != known:
            put(w, risk_events, values_of(counted))
        return counted
    put(w, risk_events, values_of(event))
    data = {"eventType": event.event_type, "severity": event.severity.name, "action": event.action_taken}
    if event.symbol is not None:
        data["symbol"] = event.symbol
    if event.code is not None:
        data["code"] = event.code
    w.changed(EventKind.RISK, event.id, event.detail, data)
    w.log("risk-management", _record(event) | ({"breaker": record_of(breaker)} if breaker is not None else {}))
    return event


def insert_risk_event(w: Writing, event: RiskEvent) -> None:
    """Store an event that the log has already, as when the store is rebuilt from it."""
    put(w, risk_events, values_of(event))


def find_risk_event(r: Reading, id: str) -> RiskEvent | None:
    """The event of that id."""
    row = r.connection.execute(_all(r).where(risk_events.c.id == id)).one_or_none()
    return None if row is None else made(RiskEvent, row)


def list_risk_events(
    r: Reading,
    first: int,
    after: str | None = None,
    *,
    event_type: str | None = None,
    severity: Severity | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Page[RiskEvent]:
    """Risk events, newest first, that pass every filter which is not null; `start` (inclusive) and `end` (exclusive) are venue times."""
    c = risk_events.c
    filters = (
        event_type is not None and c.event_type == event_type,
        severity is not None and c.severity == severity,
        start is not None and c.timestamp >= start,
        end is not None and c.timestamp < end,
    )
    query = _all(r).where(*(wanted for wanted in filters if wanted is not False))
    return page_of(r, query, (c.timestamp, c.id), first=first, after=after, load=partial(made, RiskEvent))


def find_breaker(r: Reading) -> Breaker:
    """The circuit breaker as it is; one that never tripped where nothing is stored."""
    row = r.connection.execute(select_of(Breaker, breakers).where(of_bot(r, breakers))).one_or_none()
    return Breaker() if row is None else made(Breaker, row)


def save_breaker(w: Writing, breaker: Breaker) -> None:
    """Keep the circuit breaker; in the transaction that stores its trip or reset."""
    put(w, breakers, values_of(breaker))


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(RiskEvent, risk_events).where(of_bot(r, risk_events))


def _record(event: RiskEvent) -> dict[str, Any]:
    """The event as it stands in the audit log: times in ISO 8601, amounts as decimal strings. Its count stays in the store."""
    record = {field.name: getattr(event, field.name) for field in fields(event)}
    del record["count"], record["last_seen_at"]
    record["timestamp"] = event.timestamp.isoformat().replace("+00:00", "Z")
    record["severity"] = event.severity.name
    record["daily_pnl"], record["daily_pnl_pct"] = plain(event.daily_pnl), plain(event.daily_pnl_pct)
    return record
