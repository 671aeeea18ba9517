from decimal import Decimal

import pytest

from tests.venues.hand_made import OPEN, bar
from trading_bot.domain.fills import Liquidity
from trading_bot.domain.orders import OrderStatus, OrderType, Side
from trading_bot.venues.paper.pricing import strike
from trading_bot.venues.venue import VenueOrder

BUY, SELL = Side.BUY, Side.SELL
MARKET, LIMIT, STOP, STOP_LIMIT = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT


def order(
    side: Side, kind: OrderType, *, limit: str | None = None, stop: str | None = None, symbol: str = "ACME"
) -> VenueOrder:
    return VenueOrder(
        order_id="o-000001",
        client_order_id="a",
        symbol=symbol,
        side=side,
        order_type=kind,
        quantity=Decimal(10),
        filled=Decimal(0),
        price=Decimal(limit) if limit else None,
        stop_price=Decimal(stop) if stop else None,
        average_price=None,
        status=OrderStatus.ACCEPTED,
        reason=None,
        created_at=OPEN,
        updated_at=OPEN,
    )


def struck(order: VenueOrder, prices: str, *, slippage: str = "0", is_triggered: bool = False) -> str | None:
    """Price and liquidity; `triggered` when only that, null for nothing."""
    found = strike(order, bar(prices, symbol=order.symbol), is_triggered=is_triggered, slippage=Decimal(slippage))
    if found is None:
        return None
    return "triggered" if found.price is None else f"{found.price} {found.liquidity.value}"


# Bars are "open high low close".
@pytest.mark.parametrize(
    ("side", "limit", "prices", "expected"),
    [
        (BUY, "99", "100 101 98 100", "99 MAKER"),  # reached within the bar
        (BUY, "99", "100 101 99 100", "99 MAKER"),  # touched
        (BUY, "99", "100 101 99.01 100", None),  # missed by a cent
        (BUY, "99", "97 98 96 97", "97 TAKER"),  # opens below: the better price
        (SELL, "101", "100 102 99 100", "101 MAKER"),
        (SELL, "101", "100 101 99 100", "101 MAKER"),
        (SELL, "101", "100 100.99 99 100", None),
        (SELL, "101", "103 104 102 103", "103 TAKER"),
    ],
)
def test_a_limit_trades_at_its_price_or_the_better_open(
    side: Side, limit: str, prices: str, expected: str | None
) -> None:
    assert struck(order(side, LIMIT, limit=limit), prices, slippage="0.01") == expected


@pytest.mark.parametrize(
    ("side", "stop", "prices", "expected"),
    [
        (BUY, "101", "100 102 99 100", "101 TAKER"),
        (BUY, "101", "100 101 99 100", "101 TAKER"),
        (BUY, "101", "100 100.99 99 100", None),
        (BUY, "101", "103 104 102 103", "103 TAKER"),  # a gap over the stop
        (SELL, "99", "100 101 98 100", "99 TAKER"),
        (SELL, "99", "100 101 99.01 100", None),
        (SELL, "99", "97 98 96 97", "97 TAKER"),  # a gap through the stop
    ],
)
def test_a_stop_trades_at_its_price_or_the_worse_open(side: Side, stop: str, prices: str, expected: str | None) -> None:
    assert struck(order(side, STOP, stop=stop), prices) == expected


@pytest.mark.parametrize(
    ("side", "prices", "slippage", "expected"),
    [
        (BUY, "100 101 99 100", "0", "100 TAKER"),
        (BUY, "100 101 99 100", "0.001", "100.1000 TAKER"),
        (SELL, "100 101 99 100", "0.001", "99.9000 TAKER"),
        (BUY, "100 100.05 99 100", "0.001", "100.05 TAKER"),  # never above the bar
        (SELL, "100 101 99.95 100", "0.001", "99.95 TAKER"),  # never below it
        (BUY, "33.33 34 33 33", "0.0001", "33.3334 TAKER"),  # 33.333333, rounded against the order
        (SELL, "33.33 34 33 33", "0.0001", "33.3266 TAKER"),  # 33.326667
    ],
)
def test_a_market_order_trades_at_the_open_with_slippage(side: Side, prices: str, slippage: str, expected: str) -> None:
    assert struck(order(side, MARKET), prices, slippage=slippage) == expected


def test_a_stop_slips_too_but_not_beyond_the_bar() -> None:
    assert struck(order(BUY, STOP, stop="101"), "100 102 99 100", slippage="0.001") == "101.1010 TAKER"
    assert struck(order(BUY, STOP, stop="101"), "100 101.05 99 100", slippage="0.001") == "101.05 TAKER"
    assert struck(order(SELL, STOP, stop="99"), "100 101 98.95 100", slippage="0.001") == "98.95 TAKER"


def test_a_coin_slips_in_finer_steps() -> None:
    assert struck(order(BUY, MARKET, symbol="BTC/USD"), "3 4 2 3", slippage="0.000000001") == "3.00000001 TAKER"


@pytest.mark.parametrize(
    ("side", "stop", "limit", "prices", "expected"),
    [
        (BUY, "101", "102", "100 103 99 100", "101 TAKER"),  # triggered within, marketable at once
        (BUY, "101", "102", "101.5 103 99 100", "101.5 TAKER"),  # opens between stop and limit
        (BUY, "101", "102", "103 104 102.5 103", "triggered"),  # opens above the limit and stays there
        (BUY, "101", "102", "103 104 101.5 103", "102 MAKER"),  # opens above the limit and comes back
        (BUY, "101", "100.5", "100 103 99 100", "triggered"),  # limit below the stop: what came later is unknown
        (BUY, "101", "102", "100 100.5 99 100", None),
        (SELL, "99", "98", "100 101 97 100", "99 TAKER"),
        (SELL, "99", "98", "97 97.5 96 97", "triggered"),
        (SELL, "99", "98", "97 98.5 96 97", "98 MAKER"),
        (SELL, "99", "98", "100 101 99.5 100", None),
    ],
)
def test_a_stop_limit_needs_its_stop_first(
    side: Side, stop: str, limit: str, prices: str, expected: str | None
) -> None:
    assert struck(order(side, STOP_LIMIT, stop=stop, limit=limit), prices) == expected


def test_the_slippage_of_a_stop_limit_ends_at_its_limit() -> None:
    assert (
        struck(order(BUY, STOP_LIMIT, stop="101", limit="101.05"), "100 103 99 100", slippage="0.001") == "101.05 TAKER"
    )


def test_a_triggered_stop_goes_on_as_a_market_order_and_a_triggered_stop_limit_as_a_limit() -> None:
    assert struck(order(SELL, STOP, stop="99"), "105 106 104 105", is_triggered=True) == "105 TAKER"
    assert struck(order(BUY, STOP_LIMIT, stop="101", limit="102"), "103 104 101 103", is_triggered=True) == "102 MAKER"


def test_liquidity_is_named_for_every_execution() -> None:
    found = strike(order(BUY, MARKET), bar("1 1 1 1"), is_triggered=False, slippage=Decimal(0))

    assert found is not None
    assert found.liquidity is Liquidity.TAKER
