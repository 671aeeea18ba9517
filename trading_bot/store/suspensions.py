"""Suspensions: the symbols on which venue and books differ, kept so that a restart forgets none."""

import sqlalchemy as sa

from trading_bot.domain.suspensions import Suspension
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import suspensions
from trading_bot.store.transaction import Reading, Writing


def save_suspension(w: Writing, suspension: Suspension) -> None:
    """Add the suspension of its symbol, or renew it."""
    put(w, suspensions, values_of(suspension))


def delete_suspension(w: Writing, symbol: str) -> None:
    """Forget the suspension of a symbol: books and venue agree."""
    w.connection.execute(suspensions.delete().where(of_bot(w, suspensions), suspensions.c.symbol == symbol))


def list_suspensions(r: Reading) -> tuple[Suspension, ...]:
    """All of them, by symbol."""
    query: sa.Select[tuple[object, ...]] = select_of(Suspension, suspensions).where(of_bot(r, suspensions))
    return tuple(made(Suspension, row) for row in r.connection.execute(query.order_by(suspensions.c.symbol)))
