"""Candles: the market as it was seen, minute by minute."""

from collections.abc import Iterable

import sqlalchemy as sa

from trading_bot.domain.market import Bar
from trading_bot.store.inserts import insert_new
from trading_bot.store.rows import made, of_bot, select_of, values_of
from trading_bot.store.tables import candles
from trading_bot.store.transaction import Reading, Writing


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


def list_symbols(r: Reading) -> tuple[str, ...]:
    """The symbols that have bars, sorted."""
    symbols: list[str] = []
    # One step through the primary key for each symbol: DISTINCT would read every bar.
    following = sa.select(sa.func.min(candles.c.symbol)).where(of_bot(r, candles))
    while (symbol := r.connection.execute(following).scalar()) is not None:
        symbols.append(symbol)
        following = sa.select(sa.func.min(candles.c.symbol)).where(of_bot(r, candles), candles.c.symbol > symbol)
    return tuple(symbols)
