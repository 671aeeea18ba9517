from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_bot.domain.instruments import AssetClass, instrument

KINDS = st.sampled_from(["ACME", "BTC/USD"])


@pytest.mark.parametrize("symbol", ["A", "AAPL", "GOOGL"])
def test_one_to_five_capital_letters_are_an_equity(symbol: str) -> None:
    known = instrument(symbol)

    assert (known.symbol, known.asset_class) == (symbol, AssetClass.EQUITY)
    assert known.quantity_step == known.min_quantity == 1
    assert known.max_quantity == 10_000
    assert (known.cash_step, known.price_step) == (Decimal("0.01"), Decimal("0.01"))


@pytest.mark.parametrize("symbol", ["BTC/USD", "ETH/EUR", "1INCH/USDT", "DOGE/BTC"])
def test_a_pair_is_crypto(symbol: str) -> None:
    known = instrument(symbol)

    assert (known.symbol, known.asset_class) == (symbol, AssetClass.CRYPTO)
    assert known.quantity_step == known.min_quantity == known.cash_step == known.price_step == Decimal("0.00000001")
    assert known.max_quantity == 1_000_000_000


@pytest.mark.parametrize(
    "symbol",
    ["", "aapl", "TOOLONG", "BRK.B", "A1", "BTC-USD", "/USD", "BTC/", "B/USD", "BTC/USDTXX", "ACME\n", "ÄPFEL"],
)
def test_anything_else_is_refused_and_shown(symbol: str) -> None:
    with pytest.raises(ValueError, match="Expected one to five capital letters or a pair such as BTC/USD, was `"):
        instrument(symbol)


@pytest.mark.parametrize(
    ("symbol", "wanted", "expected"),
    [
        ("ACME", "12.99", "12"),
        ("ACME", "0.99", "0"),
        ("ACME", "1", "1"),
        ("ACME", "10000.5", "10000"),
        ("ACME", "123456", "10000"),
        ("ACME", "-3", "0"),
        ("ACME", "0", "0"),
        ("BTC/USD", "0.123456789", "0.12345678"),
        ("BTC/USD", "0.000000009", "0"),
        ("BTC/USD", "2E+9", "1000000000"),
    ],
)
def test_a_wanted_quantity_is_cut_down_to_one_that_is_allowed(symbol: str, wanted: str, expected: str) -> None:
    assert instrument(symbol).quantity(Decimal(wanted)) == Decimal(expected)


@given(KINDS, st.decimals(0, 10**10, places=10))
def test_a_cut_quantity_is_zero_or_allowed_and_never_more_than_wanted(symbol: str, wanted: Decimal) -> None:
    known = instrument(symbol)

    quantity = known.quantity(wanted)

    assert quantity <= wanted
    assert quantity == 0 or known.allows(quantity)


@pytest.mark.parametrize(
    ("symbol", "quantity", "is_allowed"),
    [
        ("ACME", "1", True),
        ("ACME", "10000", True),
        ("ACME", "10001", False),
        ("ACME", "0", False),
        ("ACME", "-1", False),
        ("ACME", "1.5", False),
        ("ACME", "1E+30", False),
        ("BTC/USD", "0.00000001", True),
        ("BTC/USD", "0.000000001", False),
        ("BTC/USD", "1.5", True),
    ],
)
def test_an_instrument_knows_which_quantities_an_order_may_have(symbol: str, quantity: str, is_allowed: bool) -> None:  # noqa: FBT001 (a table)
    assert instrument(symbol).allows(Decimal(quantity)) is is_allowed


@pytest.mark.parametrize(
    ("symbol", "wanted", "expected"),
    [("ACME", "100.019", "100.01"), ("ACME", "0.001", "0.01"), ("BTC/USD", "7424.910000019", "7424.91000001")],
)
def test_a_wanted_price_is_rounded_down_to_the_step_but_not_to_nothing(symbol: str, wanted: str, expected: str) -> None:
    assert instrument(symbol).price(Decimal(wanted)) == Decimal(expected)
