from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_bar
from trading_bot.domain.market import Bar, require_utc

PRICES = st.decimals("0.01", 1000, places=2)


def test_a_bar_is_known_only_when_it_is_over() -> None:
    assert sample_bar().known_at == datetime(2025, 1, 6, 17, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("low", "100.01"),  # above the open
        ("low", "0"),
        ("low", "-1"),
        ("high", "100.49"),  # below the close
        ("high", "98"),
        ("open", "101.01"),
        ("close", "98.99"),
    ],
)
def test_prices_out_of_order_are_refused_with_all_four(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"Expected 0 < low <= open, close <= high, was open .*high .*low .*close "):
        sample_bar(**{field: Decimal(value)})


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match="Expected finite prices and volume for ACME at 2025-01-06T17:00Z"):
        sample_bar(**{field: Decimal(value)})


def test_a_volume_below_zero_is_refused_and_zero_is_not() -> None:
    assert sample_bar(volume=Decimal(0)).volume == 0
    with pytest.raises(ValueError, match="Expected a volume of zero or more, was -1"):
        sample_bar(volume=Decimal(-1))


@pytest.mark.parametrize(
    "moment",
    [
        NOON.replace(tzinfo=None),
        NOON.astimezone(ZoneInfo("America/New_York")),
        NOON.astimezone(timezone(timedelta(hours=1))),
    ],
)
def test_a_time_that_is_not_aware_utc_is_refused(moment: datetime) -> None:
    with pytest.raises(ValueError, match="Expected `timestamp` in UTC"):
        sample_bar(timestamp=moment)
    with pytest.raises(ValueError, match="Expected `seen` in UTC"):
        require_utc("seen", moment)


@given(PRICES, PRICES, PRICES, PRICES)
def test_a_bar_exists_exactly_when_its_range_holds_open_and_close(
    first: Decimal, high: Decimal, low: Decimal, last: Decimal
) -> None:
    is_candle = low <= first <= high and low <= last <= high

    def make() -> Bar:
        return sample_bar(open=first, high=high, low=low, close=last)

    if is_candle:
        assert make().high == high
    else:
        with pytest.raises(ValueError, match="Expected 0 < low"):
            make()
