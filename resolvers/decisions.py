"""Decisions: what was decided and why, and what came of it."""

from resolvers.context import Context
from resolvers.inputs import DecisionFilter
from resolvers.paging import Connection, connection
from trading_bot.domain.decisions import Decision
from trading_bot.domain.trades import Trade
from trading_bot.store import decisions


async def list_decisions(
    context: Context,
    *,
    bot_id: str | None = None,
    first: int,
    after: str | None = None,
    filter: DecisionFilter | None = None,
) -> Connection[Decision]:
    """A page of decisions, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    wanted = filter or DecisionFilter()
    page = await context.read(
        lambda r: decisions.list_decisions(
            r,
            first,
            after,
            symbol=wanted.symbol,
            strategy_name=wanted.strategy_name,
            acted=wanted.acted,
            start=wanted.start,
            end=wanted.end,
        )
    )
    return connection(page)


async def find_trade_decision(context: Context, trade: Trade) -> Decision | None:
    """The decision that opened the trade: it has the id of its plan, which is the trade's."""
    return await context.read(lambda r: decisions.find_decision(r, trade.id))
