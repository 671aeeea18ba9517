"""Trades: what was entered and how it ended."""

from resolvers.context import Context
from resolvers.inputs import TradeFilter
from resolvers.paging import Connection, connection
from trading_bot.domain.trades import Trade
from trading_bot.store import trades


async def list_trades(
    context: Context,
    *,
    bot_id: str | None = None,
    first: int,
    after: str | None = None,
    filter: TradeFilter | None = None,
) -> Connection[Trade]:
    """A page of trades, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    wanted = filter or TradeFilter()
    page = await context.read(
        lambda r: trades.list_trades(
            r,
            first,
            after,
            symbol=wanted.symbol,
            strategy_name=wanted.strategy_name,
            outcome=wanted.outcome,
            start=wanted.start,
            end=wanted.end,
            min_profit_loss=wanted.min_profit_loss,
            max_profit_loss=wanted.max_profit_loss,
            search=wanted.search,
        )
    )
    return connection(page)
