"""Candles: the market as it was seen, in any timeframe."""

from datetime import datetime

from resolvers.context import Context
from resolvers.paging import Connection, connection
from trading_bot.domain.candles import Candle, Timeframe
from trading_bot.services import ohlcv


async def list_candles(
    context: Context,
    *,
    bot_id: str | None = None,
    symbol: str,
    timeframe: Timeframe,
    start: datetime | None = None,
    end: datetime | None = None,
    first: int,
    after: str | None = None,
) -> Connection[Candle]:
    """A page of candles, newest first. Fault QRY_004 for `first` outside 1 to 100, a cursor that is none, and a symbol without bars."""
    await context.choose_bot(bot_id)
    page = await context.read(
        lambda r: ohlcv.list_candles(r, symbol, timeframe, first=first, after=after, start=start, end=end)
    )
    return connection(page)
