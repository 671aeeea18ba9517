"""Sessions: the bot's trading days."""

from functools import partial

import sqlalchemy as sa

from trading_bot.domain.sessions import BotSession
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import sessions
from trading_bot.store.transaction import Reading, Writing


def save_session(w: Writing, session: BotSession) -> None:
    """Add the session, or renew it."""
    put(w, sessions, values_of(session))


def find_session(r: Reading, id: str) -> BotSession | None:
    """The session of that id."""
    row = r.connection.execute(_all(r).where(sessions.c.id == id)).one_or_none()
    return None if row is None else made(BotSession, row)


def find_current_session(r: Reading) -> BotSession | None:
    """The latest session; null before the first bar."""
    latest = _all(r).order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(1)
    row = r.connection.execute(latest).one_or_none()
    return None if row is None else made(BotSession, row)


def count_sessions(r: Reading) -> int:
    """How many sessions there were, the current one included."""
    return r.connection.execute(sa.select(sa.func.count()).where(of_bot(r, sessions))).scalar_one()


def list_sessions(r: Reading, first: int, after: str | None = None) -> Page[BotSession]:
    """Sessions, newest first."""
    keys = (sessions.c.created_at, sessions.c.id)
    return page_of(r, _all(r), keys, first=first, after=after, load=partial(made, BotSession))


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(BotSession, sessions).where(of_bot(r, sessions))
