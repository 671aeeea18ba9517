"""Candles: the market as it was seen, minute by minute."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa

from trading_bot.domain.market import Bar
from trading_bot.domain.money import ZERO
from trading_bot.store.inserts import insert_new
from trading_bot.store.rows import made, of_bot, select_of, values_of
from trading_bot.store.tables import candles
from trading_bot.store.transaction import Reading, Writing


class Folded(NamedTuple):
    """Several bars as one."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


# Statements that are made once: for a page they run a hundred times, and making one costs more than running it.
_EARLIER = sa.and_(
    candles.c.bot_id == sa.bindparam("of_bot"),
    candles.c.symbol == sa.bindparam("of_symbol"),
    candles.c.timestamp < sa.bindparam("ends"),
)
_LATEST = sa.select(candles.c.timestamp).where(_EARLIER).order_by(candles.c.timestamp.desc()).limit(1)
# Figures as the database has them: a day has 1,440 bars, of which most prices are only compared.
_WITHIN = (
    sa.select(*(sa.type_coerce(candles.c[name], sa.Text).label(name) for name in Folded._fields))
    .where(_EARLIER, candles.c.timestamp >= sa.bindparam("begins"))
    .order_by(candles.c.timestamp)
)


def save_bars(w: Writing, bars: Iterable[Bar]) -> None:
    """Add bars; one that is there already stays as it was first seen."""
    rows = [{**values_of(bar), "bot_id": w.bot_id} for bar in bars]
    if rows:
        w.connection.execute(insert_new(w.connection.dialect.name, candles), rows)


def list_recent_bars(r: Reading, symbol: str, count: int) -> tuple[Bar, ...]:
    """The last `count` bars of a symbol, oldest first."""
    latest = select_of(Bar, candles).where(of_bot(r, candles), candles.c.symbol == symbol)
    rows = r.connection.execute(latest.order_by(candles.c.timestamp.desc()).limit(count)).all()
    return tuple(made(Bar, row) for row in reversed(rows))


def find_latest_before(r: Reading, symbol: str, before: datetime) -> datetime | None:
    """When the last bar of a symbol opened that did so before a moment; null when none did."""
    found: datetime | None = r.connection.execute(
        _LATEST, {"of_bot": r.bot_id, "of_symbol": symbol, "ends": before}
    ).scalar()
    return found


def fold_bars(r: Reading, symbol: str, begins: datetime, ends: datetime) -> Folded | None:
    """The bars of a symbol that opened from `begins` on and before `ends` made into one; null when there are none."""
    bounds = {"of_bot": r.bot_id, "of_symbol": symbol, "begins": begins, "ends": ends}
    rows = r.connection.execute(_WITHIN, bounds).all()
    if not rows:
        return None
    return Folded(
        open=Decimal(rows[0].open),
        high=max(Decimal(row.high) for row in rows),
        low=min(Decimal(row.low) for row in rows),
        close=Decimal(rows[-1].close),
        volume=sum((Decimal(row.volume) for row in rows), ZERO),
    )


def list_symbols(r: Reading) -> tuple[str, ...]:
    """The symbols that have bars, sorted."""
    symbols: list[str] = []
    # One step through the primary key for each symbol: DISTINCT would read every bar.
    following = sa.select(sa.func.min(candles.c.symbol)).where(of_bot(r, candles))
    while (symbol := r.connection.execute(following).scalar()) is not None:
        symbols.append(symbol)
        following = sa.select(sa.func.min(candles.c.symbol)).where(of_bot(r, candles), candles.c.symbol > symbol)
    return tuple(symbols)
