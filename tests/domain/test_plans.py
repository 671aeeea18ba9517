from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import sample_bar, sample_plan
from trading_bot.domain.market import Bar
from trading_bot.domain.plans import PlanStatus, exit_due

PLAN = sample_plan(stop_price=Decimal("99.00"), target_price=Decimal("102.00"))


def bar(first: str, high: str, low: str, last: str) -> Bar:
    return sample_bar(open=Decimal(first), high=Decimal(high), low=Decimal(low), close=Decimal(last))


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (bar("100.00", "101.99", "99.01", "100.50"), None),
        (bar("100.00", "100.10", "99.00", "99.50"), "stop: traded at 99.00, stop was 99.00"),
        (bar("100.00", "100.10", "98.50", "99.50"), "stop: traded at 98.50, stop was 99.00"),
        (bar("99.00", "99.50", "99.00", "99.50"), "stop: traded at 99.00, stop was 99.00"),
        (bar("100.00", "102.00", "99.50", "101.00"), "target: traded at 102.00, target was 102.00"),
        (bar("103.00", "103.50", "102.50", "103.00"), "target: traded at 103.50, target was 102.00"),
    ],
)
def test_a_plan_ends_where_its_stop_or_target_traded(seen: Bar, reason: str | None) -> None:
    assert exit_due(PLAN, seen) == reason


def test_the_stop_wins_over_a_target_in_the_same_bar() -> None:
    assert exit_due(PLAN, bar("100.00", "105.00", "98.00", "104.00")) == "stop: traded at 98.00, stop was 99.00"


def test_a_gap_through_the_stop_is_called_one() -> None:
    assert (
        exit_due(PLAN, bar("97.00", "103.00", "96.00", "98.00"))
        == "stop: opened at 97.00, through the stop at 99.00 (gap); exit at the next price"
    )


def test_a_plan_without_a_target_ends_at_its_stop_only() -> None:
    open_ended = replace(PLAN, target_price=None)

    assert exit_due(open_ended, bar("100.00", "999.00", "99.01", "500.00")) is None
    assert exit_due(open_ended, bar("100.00", "999.00", "99.00", "500.00")) == "stop: traded at 99.00, stop was 99.00"


CENTS = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)


@given(stop=CENTS, target=CENTS, first=CENTS, last=CENTS, above=CENTS, below=CENTS)
def test_a_plan_goes_on_exactly_while_a_bar_keeps_between_stop_and_target(
    *, stop: Decimal, target: Decimal, first: Decimal, last: Decimal, above: Decimal, below: Decimal
) -> None:
    low, high = min(first, last, below), max(first, last, above)
    seen = sample_bar(open=first, high=high, low=low, close=last)
    plan = replace(PLAN, stop_price=stop, target_price=target)

    assert (exit_due(plan, seen) is None) == (stop < low and high < target)
    assert (exit_due(plan, seen) or "target").startswith("stop" if low <= stop else "target")


def test_only_a_closed_plan_is_not_open() -> None:
    assert [replace(PLAN, status=status).is_open for status in PlanStatus] == [True, True, False]


@pytest.mark.parametrize(
    ("entry", "stop", "target", "ratio"),
    [
        ("100.00", "99.00", "102.00", 2.0),
        ("100.00", "99.70", "100.20", 0.6667),
        ("100.00", "99.00", None, None),
        ("100.00", "100.00", "102.00", None),
        ("100.00", "101.00", "102.00", None),
    ],
)
def test_risk_and_reward_are_measured_from_the_planned_entry(
    entry: str, stop: str, target: str | None, ratio: float | None
) -> None:
    plan = replace(
        PLAN,
        entry_price=Decimal(entry),
        stop_price=Decimal(stop),
        target_price=None if target is None else Decimal(target),
    )

    assert plan.risk_reward_ratio == ratio
