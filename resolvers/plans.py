"""Plans: what the bot means to do with one symbol."""

from resolvers.context import Context
from resolvers.paging import Connection, connection
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.trades import Trade
from trading_bot.store import plans


async def list_plans(
    context: Context,
    *,
    bot_id: str | None = None,
    first: int,
    after: str | None = None,
    status: PlanStatus | None = None,
) -> Connection[TradePlan]:
    """A page of plans, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: plans.list_plans(r, first, after, status)))


async def find_trade_plan(context: Context, trade: Trade) -> TradePlan | None:
    """The intent behind the trade."""
    return await context.read(lambda r: plans.find_plan(r, trade.id))
