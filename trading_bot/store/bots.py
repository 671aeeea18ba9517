"""Bots: which there are, and what they are called."""

from typing import Any

import sqlalchemy as sa

from trading_bot.domain.account import TradingMode
from trading_bot.domain.health import RunState
from trading_bot.domain.state import Bot
from trading_bot.store.rows import of_bot, put
from trading_bot.store.tables import bots, runtime
from trading_bot.store.transaction import Reading, Writing


def register_bot(w: Writing, *, name: str, mode: TradingMode, venue: str, replay_of: str | None) -> None:
    """Say who the bot is; called at each start."""
    row = {"name": name, "mode": mode, "venue": venue, "replay_of": replay_of, "registered_at": w.now}
    put(w, bots, row, once=("registered_at",))


def find_bot(r: Reading) -> Bot | None:
    """The bot; null when it was never registered."""
    row = r.connection.execute(_QUERY.where(of_bot(r, bots))).one_or_none()
    return None if row is None else _bot(row)


def find_replay_of(r: Reading) -> str | None:
    """Name of the file that the bot replays; null when its market is no replay."""
    return r.connection.execute(sa.select(bots.c.replay_of).where(of_bot(r, bots))).scalar()


def list_bots(connection: sa.Connection, first: int) -> tuple[Bot, ...]:
    """Up to `first` bots of the whole store, by id."""
    return tuple(_bot(row) for row in connection.execute(_QUERY.order_by(bots.c.bot_id).limit(first)))


def list_ids(connection: sa.Connection) -> tuple[str, ...]:
    """The ids of all bots of the store, sorted."""
    return tuple(connection.execute(sa.select(bots.c.bot_id).order_by(bots.c.bot_id)).scalars())


_QUERY: sa.Select[Any] = sa.select(
    bots.c.bot_id, bots.c.name, bots.c.mode, bots.c.venue, runtime.c.run_state
).select_from(bots.outerjoin(runtime, runtime.c.bot_id == bots.c.bot_id))


def _bot(row: sa.Row[Any]) -> Bot:
    return Bot(
        id=row.bot_id, name=row.name, mode=row.mode, venue=row.venue, run_state=row.run_state or RunState.STARTING
    )
