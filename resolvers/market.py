"""Market: the latest price of a symbol."""

from resolvers.context import Context
from trading_bot.domain.market import Quote
from trading_bot.store import quotes


async def find_snapshot(context: Context, *, bot_id: str | None = None, symbol: str) -> Quote | None:
    """The latest price of the symbol; null for one that the bot has not seen."""
    await context.choose_bot(bot_id)
    return await context.read(lambda r: quotes.find_quote(r, symbol))
