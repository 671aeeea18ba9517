"""Positions: what the bot holds, lot by lot."""

from decimal import Decimal

import sqlalchemy as sa

from trading_bot.domain.money import plain
from trading_bot.domain.positions import Lot, Position
from trading_bot.store.rows import of_bot, put
from trading_bot.store.tables import positions
from trading_bot.store.transaction import Reading, Writing


def save_position(w: Writing, position: Position) -> None:
    """Keep what is held of one symbol; without lots nothing is, and the row goes."""
    if not position.lots:
        w.connection.execute(positions.delete().where(of_bot(w, positions), positions.c.symbol == position.symbol))
        return
    row = {
        "symbol": position.symbol,
        "lots": [[plain(lot.quantity), plain(lot.cost)] for lot in position.lots],
        "current_price": position.current_price,
        "last_updated": position.last_updated,
    }
    put(w, positions, row)


def list_positions(r: Reading) -> tuple[Position, ...]:
    """What is held, by symbol, each without its plan."""
    query = sa.select(positions).where(of_bot(r, positions)).order_by(positions.c.symbol)
    return tuple(
        Position(
            symbol=row.symbol,
            lots=tuple(Lot(quantity=Decimal(quantity), cost=Decimal(cost)) for quantity, cost in row.lots),
            current_price=row.current_price,
            last_updated=row.last_updated,
        )
        for row in r.connection.execute(query)
    )
