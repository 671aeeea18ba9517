from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.hand_made import Exchange, bar, flat, run
from trading_bot.domain.orders import Side

BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    """ACME and BTC/USD at 100, ten ACME held."""
    opened = Exchange(tmp_path, [*flat(5), *flat(5, symbol="BTC/USD")])
    opened.tick()
    opened.place("held")
    opened.tick()
    return opened


@pytest.mark.parametrize(
    ("quantity", "symbol", "reason"),
    [
        ("1.5", "ACME", "quantity 1.5 is not 1 to 10000 in steps of 1"),
        ("10001", "ACME", "quantity 10001 is not 1 to 10000 in steps of 1"),
        ("0.123456789", "BTC/USD", "quantity 0.123456789 is not 0.00000001 to 1000000000 in steps of 0.00000001"),
        ("1", "NOPE", "NOPE is not traded here"),
        ("1", "acme", "acme is not traded here"),
        ("1", "", " is not traded here"),
    ],
)
def test_quantity_and_symbol_must_fit_the_instrument(
    exchange: Exchange, quantity: str, symbol: str, reason: str
) -> None:
    assert exchange.refusal("wrong", quantity=quantity, symbol=symbol) == reason


@pytest.mark.parametrize(
    ("prices", "reason"),
    [
        ({"limit": "99.995"}, "price 99.995 is not a multiple of 0.01 up to 1000000000"),
        ({"stop": "99.995"}, "price 99.995 is not a multiple of 0.01 up to 1000000000"),
        ({"limit": "1000000001"}, "price 1000000001 is not a multiple of 0.01 up to 1000000000"),
    ],
)
def test_prices_come_in_steps(exchange: Exchange, prices: dict[str, str], reason: str) -> None:
    assert exchange.refusal("wrong", BUY, "10", **prices) == reason


@pytest.mark.parametrize("name", ["", "x" * 65, "ordré"])
def test_a_client_order_id_is_short_and_ascii(exchange: Exchange, name: str) -> None:
    assert exchange.refusal(name) == "a client order id has 1 to 64 characters"


def test_more_than_is_held_is_not_sold(exchange: Exchange) -> None:
    assert exchange.refusal("out", SELL, "11") == "no short selling: 11 to sell, 10 held, 0 of it in other sells"


def test_what_another_sell_will_deliver_is_not_sold_twice(exchange: Exchange) -> None:
    exchange.place("target", SELL, "7", limit="200")

    assert (
        exchange.refusal("stop", SELL, "4", stop="50") == "no short selling: 4 to sell, 10 held, 7 of it in other sells"
    )
    exchange.place("rest", SELL, "3", stop="50")
    run(exchange.venue.cancel("target"))
    exchange.place("stop", SELL, "7", stop="50")


def test_a_resting_buy_is_nothing_that_could_be_sold(exchange: Exchange) -> None:
    exchange.place("more", limit="1")

    assert exchange.refusal("out", SELL, "20") == "no short selling: 20 to sell, 10 held, 0 of it in other sells"


def test_a_buy_is_paid_from_cash_that_nothing_else_holds_back(exchange: Exchange) -> None:
    exchange.place("most", limit="98", quantity="1000")

    assert exchange.buying_power == Decimal(1000)
    assert (
        exchange.refusal("more", limit="100", quantity="11")
        == "insufficient buying power: 1100.00 needed, 1000.00 there"
    )
    exchange.place("rest", limit="100", quantity="10")
    assert exchange.buying_power == 0


def test_a_market_buy_is_measured_at_the_last_price_and_one_percent(exchange: Exchange) -> None:
    exchange.place("most", limit="98", quantity="1000")

    assert exchange.refusal("in") == "insufficient buying power: 1010.00 needed, 1000.00 there"


def test_a_market_buy_needs_a_price(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [*flat(3), bar("5 5 5 5", symbol="LATE", at=2)])
    exchange.tick()

    assert exchange.refusal("in", symbol="LATE") == "LATE has no price yet"
    assert exchange.place("in", symbol="LATE", limit="5").order_id == "o-000001"


def test_order_and_execution_ids_count_up(exchange: Exchange) -> None:
    exchange.refusal("wrong", quantity="10001")

    assert exchange.place("a").order_id == "o-000002"
    assert exchange.place("b", symbol="BTC/USD", quantity="0.5").order_id == "o-000003"
    exchange.tick()
    fills = run(exchange.venue.fills_since(exchange.after or exchange.order("a").created_at))
    assert [fill.id for fill in fills] == ["f-000002", "f-000003"]


def test_orders_of_any_name_are_taken(exchange: Exchange) -> None:
    """Somebody else may trade the same account."""
    assert exchange.place("SOMEBODY else's/order").client_order_id == "SOMEBODY else's/order"
