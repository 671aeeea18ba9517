from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_bot.domain.instruments import instrument
from trading_bot.strategies.levels import Levels, levels_of

SHARES, COINS = instrument("ACME"), instrument("BTC/USD")


def test_levels_stand_in_the_steps_of_the_instrument() -> None:
    assert levels_of(SHARES, entry=Decimal("100.019"), stop=Decimal("99.519"), risk_multiple=Decimal("1.5")) == Levels(
        entry=Decimal("100.01"), stop=Decimal("99.51"), target=Decimal("100.76")
    )
    assert levels_of(
        COINS, entry=Decimal("0.123456789"), stop=Decimal("0.113456789"), risk_multiple=Decimal(2)
    ) == Levels(entry=Decimal("0.12345678"), stop=Decimal("0.11345678"), target=Decimal("0.14345678"))


@pytest.mark.parametrize(
    ("entry", "stop", "is_wide_enough"),
    [
        ("5.02", "5.00", True),
        ("5.02", "5.01", False),  # one step
        ("100.05", "100.00", False),  # 0.049975 %
        ("100.00", "99.95", True),  # 0.05 %
        ("0.03", "0.01", True),
        ("0.03", "0.00", False),  # nothing is sold at zero
        ("0.03", "-1", False),
        ("5.00", "5.00", False),
        ("5.00", "5.10", False),
    ],
)
def test_a_stop_too_near_or_not_above_zero_gives_no_levels(entry: str, stop: str, is_wide_enough: bool) -> None:  # noqa: FBT001 (a table)
    found = levels_of(SHARES, entry=Decimal(entry), stop=Decimal(stop), risk_multiple=Decimal(2))

    assert (found is not None) == is_wide_enough


@given(st.decimals("0.01", "500", places=4), st.decimals("0.01", "500", places=4), st.decimals("0.5", "20", places=2))
def test_levels_are_always_in_order_and_never_promise_more_than_the_multiple(
    entry: Decimal, stop: Decimal, multiple: Decimal
) -> None:
    found = levels_of(SHARES, entry=entry, stop=stop, risk_multiple=multiple)

    if found is not None:
        assert 0 < found.stop < found.entry < found.target
        assert found.target - found.entry <= multiple * (found.entry - found.stop)
        assert (found.entry - found.stop) * 2000 >= found.entry
