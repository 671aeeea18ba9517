"""Fills: single executions."""

from resolvers.context import Context
from resolvers.paging import Connection, connection
from trading_bot.domain.fills import Fill
from trading_bot.domain.trades import Trade
from trading_bot.store import fills


async def list_fills(
    context: Context, *, bot_id: str | None = None, first: int, after: str | None = None, symbol: str | None = None
) -> Connection[Fill]:
    """A page of fills, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: fills.list_fills(r, first, after, symbol)))


async def list_trade_fills(context: Context, trade: Trade) -> tuple[Fill, ...]:
    """The trade's executions in the venue's order."""
    return await context.read(lambda r: fills.list_plan_fills(r, trade.id))
