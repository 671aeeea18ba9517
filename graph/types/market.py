"""Market: the latest price of a symbol, and its candles."""

from datetime import datetime
from decimal import Decimal

from graph.describes import describes, publish
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import candles, market

publish(candles.Timeframe)


@describes(market.Quote)
class MarketSnapshot:
    symbol: str
    timestamp: datetime
    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    volume: Decimal | None
    spread_pct: float | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    ob_imbalance: float | None


@describes(candles.Candle)
class Candle:
    timestamp: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    complete: bool


@describes(paging.Edge)
class CandleEdge:
    """A candle, and where it stands in the list."""

    node: Candle
    cursor: str


@describes(paging.Connection)
class CandleConnection:
    """A page of candles, newest first."""

    edges: list[CandleEdge]
    page_info: PageInfo
