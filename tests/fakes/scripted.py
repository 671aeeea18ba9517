"""A market that a test writes down bar by bar, and what a strategy might want of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal

OPEN = datetime(2025, 1, 6, 14, 30, tzinfo=UTC)
"""A Monday, 9:30 in New York."""


def minute(index: int) -> datetime:
    """The start of the bar of that number after the open."""
    return OPEN + timedelta(minutes=index)


def bar(
    index: int,
    price: str,
    *,
    low: str | None = None,
    high: str | None = None,
    symbol: str = "ACME",
    volume: str = "100000",
) -> Bar:
    """A bar that opens and closes at `price`."""
    at = Decimal(price)
    return Bar(
        symbol=symbol,
        timestamp=minute(index),
        open=at,
        high=Decimal(high) if high else at,
        low=Decimal(low) if low else at,
        close=at,
        volume=Decimal(volume),
    )


def proposal(
    *,
    symbol: str = "ACME",
    entry: str = "100",
    stop: str = "99",
    target: str | None = "102",
    order_type: OrderType = OrderType.MARKET,
    good_for_bars: int = 5,
) -> EntryProposal:
    """What a strategy might want."""
    return EntryProposal(
        symbol=symbol,
        strategy_name="by-hand",
        entry_type="breakout",
        order_type=order_type,
        entry_price=Decimal(entry),
        stop_price=Decimal(stop),
        target_price=Decimal(target) if target else None,
        good_for_bars=good_for_bars,
        reasoning="a test wants it",
        indicators={"VWAP": entry},
    )
