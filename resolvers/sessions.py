"""Sessions: the trading days."""

from resolvers.context import Context
from resolvers.paging import Connection, connection
from trading_bot.domain.sessions import BotSession
from trading_bot.store import sessions


async def list_sessions(
    context: Context, *, bot_id: str | None = None, first: int, after: str | None = None
) -> Connection[BotSession]:
    """A page of sessions, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: sessions.list_sessions(r, first, after)))
