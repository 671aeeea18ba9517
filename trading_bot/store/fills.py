"""Fills: executions, each booked once."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from trading_bot.domain.fills import Fill
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import add, made, of_bot, select_of, values_of
from trading_bot.store.tables import fills
from trading_bot.store.transaction import Reading, Writing

_VENUE_ORDER = (fills.c.timestamp, fills.c.number)
_ROWS_AT_A_TIME = 500


def save_fill(w: Writing, fill: Fill) -> bool:
    """Book the fill; False, and nothing changed, when its id is booked already."""
    return add(w, fills, values_of(fill))


def list_plan_fills(r: Reading, trade_id: str) -> tuple[Fill, ...]:
    """All fills of a trade (the id of its plan), in the order in which they happened."""
    query = _all(r).where(fills.c.trade_id == trade_id).order_by(*_VENUE_ORDER)
    return tuple(made(Fill, row) for row in r.connection.execute(query))


def list_fills(r: Reading, first: int, after: str | None = None, symbol: str | None = None) -> Page[Fill]:
    """Fills, newest first; of one symbol, where one is named."""
    query = _all(r) if symbol is None else _all(r).where(fills.c.symbol == symbol)
    return page_of(r, query, _VENUE_ORDER, first=first, after=after, load=partial(made, Fill))


def list_all_fills(r: Reading) -> Iterator[Fill]:
    """Every fill, in the order in which they happened, read as they are taken."""
    query = _all(r).order_by(*_VENUE_ORDER).execution_options(yield_per=_ROWS_AT_A_TIME)
    return (made(Fill, row) for row in r.connection.execute(query))


def find_latest_fill_time(r: Reading) -> datetime | None:
    """Venue time of the latest fill, UTC; null before the first."""
    return r.connection.execute(sa.select(sa.func.max(fills.c.timestamp)).where(of_bot(r, fills))).scalar()


def count_fills_since(r: Reading, since_wall: datetime) -> int:
    """Fills booked at or after a wall-clock time."""
    since = sa.select(sa.func.count()).where(of_bot(r, fills), fills.c.recorded_at >= since_wall)
    return r.connection.execute(since).scalar_one()


def known_fill_ids(r: Reading, since: datetime) -> frozenset[str]:
    """Ids of the fills that happened at or after a venue time."""
    query = sa.select(fills.c.id).where(of_bot(r, fills), fills.c.timestamp >= since)
    return frozenset(r.connection.execute(query).scalars())


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(Fill, fills).where(of_bot(r, fills))
