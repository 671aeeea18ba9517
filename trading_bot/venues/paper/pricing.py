"""Pricing: at which price, if any, an order trades within one bar. Pure.

A bar tells four prices and not their order in time, so every rule takes the case that is worse for the order: what is triggered within the
bar may use only the prices that surely came later.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from trading_bot.domain.fills import Liquidity
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderType, Side
from trading_bot.venues.venue import VenueOrder

# Executions may be finer than order prices: US equities print in hundredths of a cent.
_EXECUTION_STEPS = {AssetClass.EQUITY: Decimal("0.0001"), AssetClass.CRYPTO: Decimal("0.00000001")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Where an order trades in a bar."""

    price: Decimal | None
    """Price of the execution, within the bar; null when it only has been triggered."""
    liquidity: Liquidity
    """MAKER when it rested at its limit and was taken."""


def strike(order: VenueOrder, bar: Bar, *, is_triggered: bool, slippage: Decimal) -> Strike | None:
    """What the bar does to the order; null for nothing. `slippage` is a share of the price: 0.0001 is one basis point."""
    kind = order.order_type
    if kind is OrderType.MARKET or (kind is OrderType.STOP and is_triggered):
        return _taker(_slipped(order.side, bar.open, bar, slippage))
    if kind is OrderType.STOP and order.stop_price is not None:
        trigger = _trigger_price(order.side, order.stop_price, bar)
        return None if trigger is None else _taker(_slipped(order.side, trigger, bar, slippage))
    if kind is OrderType.STOP_LIMIT and not is_triggered and order.stop_price is not None and order.price is not None:
        return _stop_limit(order.side, order.stop_price, order.price, bar, slippage)
    return None if order.price is None else _limit(order.side, order.price, bar)


def _stop_limit(side: Side, stop: Decimal, limit: Decimal, bar: Bar, slippage: Decimal) -> Strike | None:
    trigger = _trigger_price(side, stop, bar)
    if trigger is None:
        return None
    if _is_within(side, trigger, limit):
        slipped = _slipped(side, trigger, bar, slippage)
        return _taker(slipped if _is_within(side, slipped, limit) else limit)
    if trigger == bar.open:  # the whole bar comes after the trigger
        later = _limit(side, limit, bar)
        return later if later is not None else _taker(None)
    return _taker(None)


def _limit(side: Side, limit: Decimal, bar: Bar) -> Strike | None:
    reached = bar.low if side is Side.BUY else bar.high
    if not _is_within(side, reached, limit):
        return None
    if _is_within(side, bar.open, limit):
        return _taker(bar.open)
    return Strike(price=limit, liquidity=Liquidity.MAKER)


def _trigger_price(side: Side, stop: Decimal, bar: Bar) -> Decimal | None:
    if side is Side.BUY:
        return max(stop, bar.open) if bar.high >= stop else None
    return min(stop, bar.open) if bar.low <= stop else None


def _is_within(side: Side, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


def _slipped(side: Side, price: Decimal, bar: Bar, slippage: Decimal) -> Decimal:
    """`price` made worse, rounded against the order, and never outside of what the bar traded at."""
    if not slippage:
        return price
    step = _EXECUTION_STEPS[instrument(bar.symbol).asset_class]
    if side is Side.BUY:
        return min((price * (1 + slippage)).quantize(step, rounding=ROUND_CEILING), bar.high)
    return max((price * (1 - slippage)).quantize(step, rounding=ROUND_FLOOR), bar.low)


def _taker(price: Decimal | None) -> Strike:
    return Strike(price=price, liquidity=Liquidity.TAKER)
