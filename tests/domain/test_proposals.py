from decimal import Decimal

import pytest

from tests.domain.samples import sample_proposal


@pytest.mark.parametrize("stop", ["100.00", "100.01", "0", "-1"])
def test_a_stop_stands_above_zero_and_below_the_entry(stop: str) -> None:
    with pytest.raises(ValueError, match=f"Expected a stop above zero and below the entry at 100.00, was {stop}"):
        sample_proposal(stop_price=Decimal(stop))


@pytest.mark.parametrize("target", ["100.00", "99.99"])
def test_a_target_stands_above_the_entry(target: str) -> None:
    with pytest.raises(ValueError, match=f"Expected a target above the entry at 100.00, was {target}"):
        sample_proposal(target_price=Decimal(target))


def test_a_proposal_needs_no_target() -> None:
    assert sample_proposal(target_price=None).target_price is None


@pytest.mark.parametrize("bars", [0, -1])
def test_an_entry_rests_for_a_bar_at_least(bars: int) -> None:
    with pytest.raises(ValueError, match=f"Expected an entry that is good for at least one bar, was {bars}"):
        sample_proposal(good_for_bars=bars)
