"""Paging: lists by the key of their last row, so that rows which arrive meanwhile neither repeat nor hide any."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import orjson
import sqlalchemy as sa

from trading_bot.errors.fault import Fault
from trading_bot.store.columns import Utc, micros_of, moment_of
from trading_bot.store.transaction import Reading

T = TypeVar("T")

LONGEST_PAGE = 100
_INT64 = 2**63
_MOMENT: sa.Column[Any] = sa.Column("moment", Utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list, newest first."""

    items: tuple[T, ...]
    """The values."""
    cursors: tuple[str, ...]
    """For each value, what to give as `after` to go on behind it."""
    has_next: bool
    """Whether older values follow."""
    has_previous: bool
    """Whether newer values were left out before these."""


def page_of(
    r: Reading,
    query: sa.Select[Any],
    keys: tuple[sa.Column[Any], ...],
    *,
    first: int,
    after: str | None,
    load: Callable[[sa.Row[Any]], T],
) -> Page[T]:
    """The first rows of `query` behind the cursor `after`, by falling `keys`, which name each row uniquely.

    QRY_004 when `first` is not 1 to 100 or `after` is no cursor of such a list.
    """
    checked_first(first)
    if after is not None:
        last = zip(_opened(after, keys), keys, strict=True)
        query = query.where(sa.tuple_(*keys) < sa.tuple_(*(sa.literal(value, key.type) for value, key in last)))
    query = query.add_columns(*(key.label(f"key_{n}") for n, key in enumerate(keys)))
    rows = r.connection.execute(query.order_by(*(key.desc() for key in keys)).limit(first + 1)).all()
    shown = rows[:first]
    return Page(
        items=tuple(load(row) for row in shown),
        cursors=tuple(cursor_of(row[-len(keys) :]) for row in shown),
        has_next=len(rows) > first,
        has_previous=after is not None,
    )


def checked_first(first: int) -> int:
    """`first` when it is 1 to 100; QRY_004 otherwise."""
    if not 1 <= first <= LONGEST_PAGE:
        raise Fault(
            "QRY_004",
            f"Expected `first` between 1 and {LONGEST_PAGE}, was {first}.",
            context={"argument": "first", "min": 1, "max": LONGEST_PAGE},
        )
    return first


def moment_of_cursor(cursor: str) -> datetime:
    """The moment in a cursor that was made of one; QRY_004 for any other."""
    (moment,) = _opened(cursor, (_MOMENT,))
    return cast("datetime", moment)


def cursor_of(values: tuple[Any, ...]) -> str:
    """The cursor of the row with those keys."""
    key = [micros_of(value) if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def _opened(cursor: str, keys: tuple[sa.Column[Any], ...]) -> list[Any]:
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return [_key_value(value, key) for value, key in zip(values, keys, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise Fault(
            "QRY_004",
            "Expected a cursor that this list has given, under `after`.",
            context={"argument": "after"},
        ) from None


def _key_value(value: object, key: sa.Column[Any]) -> object:
    if isinstance(key.type, Utc):
        return moment_of(_whole(value))
    if isinstance(key.type, sa.Integer):
        return _whole(value)
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT64 <= value < _INT64:
        raise TypeError
    return value
