"""Bots: who is there."""

import asyncio

from resolvers.context import Context
from resolvers.paging import require_first
from resolvers.state import find_bot_summary
from trading_bot.domain.state import Bot, BotSummary


async def list_bots(context: Context, *, first: int) -> tuple[Bot, ...]:
    """The first `first` bots, 1 to 100, by id."""
    require_first(first)
    parts = context.parts
    return await asyncio.get_running_loop().run_in_executor(parts.workers, parts.store.list_bots, first)


async def summary_of_bot(context: Context, bot: Bot) -> BotSummary:
    """The bot's state, compressed."""
    return await find_bot_summary(context.fork(), bot_id=bot.id)
