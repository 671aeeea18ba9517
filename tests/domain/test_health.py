from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_check, sample_runtime
from trading_bot.domain.health import (
    MAY_ENTER,
    MAY_EXIT,
    RUN_TRANSITIONS,
    Health,
    RunState,
    assess,
    data_age_seconds,
)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("silence", "status", "reason"),
    [
        (-5, Health.HEALTHY, None),
        (0, Health.HEALTHY, None),
        (15, Health.HEALTHY, None),
        (15.001, Health.OFFLINE, "No heartbeat for 15 s."),
        (16, Health.OFFLINE, "No heartbeat for 16 s."),
        (86_400, Health.OFFLINE, "No heartbeat for 86400 s."),
    ],
)
def test_a_bot_is_offline_after_15_seconds_of_silence(silence: float, status: Health, reason: str | None) -> None:
    found = assess(sample_runtime(last_heartbeat=NOON), now=after(silence))

    assert (found.status, found.reason, found.last_heartbeat) == (status, reason, NOON)


def test_a_bot_is_offline_when_its_process_ended_however_young_the_heartbeat() -> None:
    found = assess(sample_runtime(last_heartbeat=NOON, process_ended_at=NOON), now=NOON)

    assert found.status is Health.OFFLINE
    assert found.reason == "The bot's process ended at 2025-01-06T17:00:00Z."


def test_a_bot_is_offline_before_its_first_sign_of_life() -> None:
    found = assess(sample_runtime(last_heartbeat=None), now=NOON)

    assert found.status is Health.OFFLINE
    assert found.reason == "The bot has not given a sign of life yet."


def test_a_failing_check_makes_it_degraded_and_is_named() -> None:
    checks = (
        sample_check(),
        sample_check(name="account", ok=False, detail="The venue answered 503."),
        sample_check(name="orders", ok=False),
    )

    found = assess(sample_runtime(checks=checks), now=NOON)

    assert found.status is Health.DEGRADED
    assert found.reason == "account: The venue answered 503.; orders: fails"
    assert found.checks == checks


def test_silence_counts_for_more_than_a_failing_check() -> None:
    failing = (sample_check(ok=False, detail="late"),)

    assert assess(sample_runtime(checks=failing), now=after(20)).status is Health.OFFLINE


def test_the_breaker_is_shown_and_does_not_make_a_bot_unhealthy() -> None:
    found = assess(sample_runtime(circuit_breaker_reason="Daily loss."), now=NOON)

    assert (found.status, found.circuit_breaker_active, found.circuit_breaker_reason) == (
        Health.HEALTHY,
        True,
        "Daily loss.",
    )
    assert assess(sample_runtime(), now=NOON).circuit_breaker_active is False


@given(st.text(min_size=1, max_size=900), st.lists(st.text(max_size=300), max_size=30))
def test_no_reason_is_longer_than_500_bytes_and_no_list_longer_than_20(text: str, details: list[str]) -> None:
    checks = tuple(sample_check(ok=False, detail=detail) for detail in details)

    found = assess(sample_runtime(run_state_reason=text, circuit_breaker_reason=text, checks=checks), now=NOON)

    assert found.circuit_breaker_active
    assert found.circuit_breaker_reason is not None
    assert found.run_state_reason is not None
    assert len((found.reason or "").encode()) <= 500
    assert len(found.circuit_breaker_reason.encode()) <= 500
    assert len(found.run_state_reason.encode()) <= 500
    assert len(found.checks) == min(len(details), 20)
    assert found.status is (Health.DEGRADED if details else Health.HEALTHY)


def test_data_is_as_old_as_the_last_successful_read() -> None:
    runtime = sample_runtime(observed_at=NOON, started_at=after(-60), last_heartbeat=after(30))

    assert data_age_seconds(runtime, now=after(42.1234567)) == 42.123
    assert data_age_seconds(runtime, now=after(-1)) == 0.0


def test_data_that_was_never_read_is_as_old_as_the_process() -> None:
    assert data_age_seconds(sample_runtime(observed_at=None, started_at=NOON), now=after(7)) == 7.0
    assert data_age_seconds(sample_runtime(observed_at=None, started_at=None), now=after(9)) == 9.0
    assert data_age_seconds(sample_runtime(observed_at=None, started_at=None, last_heartbeat=None), now=after(9)) == 0.0


# ---- run states ----

R = RunState
# Rows: before; columns: after, in the order of the enum.
TABLE = """
STARTING  . x x x x x
RUNNING   . . x x x x
PAUSED    . x . x x x
HALTED    . x x . x x
STOPPING  . x x x . x
STOPPED   . x . . x .
"""


def test_run_states_follow_each_other_as_the_table_says() -> None:
    found = {before.value: ["x" if after in RUN_TRANSITIONS[before] else "." for after in R] for before in R}

    assert found == {row.split()[0]: row.split()[1:] for row in TABLE.strip().splitlines()}


def test_only_a_running_bot_enters_and_all_but_a_stopped_one_exit() -> None:
    assert {R.RUNNING} == MAY_ENTER
    assert {R.RUNNING, R.PAUSED, R.HALTED, R.STOPPING} == MAY_EXIT


def test_every_state_can_reach_every_other_but_the_start() -> None:
    reach = {state: {state} for state in R}
    for _ in R:
        for before, after_ in product(R, R):
            if after_ in RUN_TRANSITIONS[before]:
                reach[before] |= reach[after_]

    assert all(found >= set(R) - {R.STARTING} for found in reach.values())
    assert [before for before in R if R.STARTING in RUN_TRANSITIONS[before]] == []
