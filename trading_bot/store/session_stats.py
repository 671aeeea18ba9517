"""Session statistics: a session's figures made again from its fills and trades, which are the truth.

A session's row is kept up to date fill by fill. It is made again when a late fill changes a trade that was closed, and when the store is
rebuilt from the log. A fill counts in the session in which it was booked, and a closed trade in that of its last exit.
"""

from dataclasses import replace

import sqlalchemy as sa

from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Side
from trading_bot.domain.sessions import BotSession
from trading_bot.store.rows import of_bot
from trading_bot.store.sessions import find_session
from trading_bot.store.tables import fills, trades
from trading_bot.store.transaction import Reading


def rebuild_session(r: Reading, session_id: str) -> BotSession:
    """The session with its fees, its result and its count of trades made again; what it began with and its model's cost are kept.

    KeyError for a session that is not stored.
    """
    session = find_session(r, session_id)
    if session is None:
        raise KeyError(session_id)
    booked = sa.select(fills.c.realized_pnl, fills.c.fee).where(of_bot(r, fills), fills.c.session_id == session_id)
    gross, fees = ZERO, ZERO
    for row in r.connection.execute(booked):
        gross += row.realized_pnl or ZERO
        fees += row.fee
    return replace(session, gross_pnl=gross, total_fees=fees, total_trades=_count_closed(r, session_id))


def sessions_of_trade(r: Reading, trade_id: str) -> tuple[str, ...]:
    """Ids of the sessions in which fills of a trade were booked."""
    query = sa.select(fills.c.session_id).where(of_bot(r, fills), fills.c.trade_id == trade_id).distinct()
    return tuple(sorted(found for found in r.connection.execute(query).scalars() if found is not None))


def _count_closed(r: Reading, session_id: str) -> int:
    """Closed trades whose last exit was booked in the session."""
    last_exits = (
        sa.select(sa.func.count(trades.c.id.distinct()))
        .join(fills, sa.and_(fills.c.bot_id == trades.c.bot_id, fills.c.trade_id == trades.c.id))
        .where(
            of_bot(r, trades),
            of_bot(r, fills),
            fills.c.session_id == session_id,
            fills.c.action == Side.SELL,
            fills.c.timestamp == trades.c.exit_timestamp,
        )
    )
    return r.connection.execute(last_exits).scalar_one()
