"""Workflows of the library that end something: a shutdown that leaves nothing held, and a circuit breaker that is reset."""

from pathlib import Path

import pytest

from tests.workflows.house import housed, played, told

pytestmark = pytest.mark.long  # each plays a market of its own and starts processes on it
HELD = 370
"""After so many bars of the first recorded day AIG, BAC and SPY are held, and so they are for forty more."""
TRIPPED = 300
"""After so many bars, with a breaker that trips at the first loss, it has tripped and nothing is held."""


def test_safe_shutdown_that_flattens_ends_when_nothing_is_held(tmp_path: Path, candles_us: Path) -> None:
    home = tmp_path / "home"
    day = played(home, candles_us, HELD)
    with housed(home, day, speed="60") as house:
        held = [one["symbol"] for one in house.asked("positions")["botState"]["positions"]]
        begun = house.begun("safe-shutdown", policy="flatten")
        run = house.ended(begun["run"]["id"])
        state = house.asked("botHealth")["botState"]

        assert (sorted(held), begun["preview"]["risk"]) == (["AIG", "BAC", "SPY"], "HIGH")
        assert (run["status"], run["error"]) == ("COMPLETED", None), told(run)
        assert state["health"]["runState"] == "STOPPED"
        assert house.asked("positions")["botState"]["positions"] == []
        assert house.rows("SELECT count(*) FROM plans WHERE status <> 'CLOSED'") == [(0,)]
        assert (run["outputs"]["stop"]["outcome"]["positions"], run["outputs"]["stop"]["outcome"]["liveOrders"]) == (
            0,
            0,
        )


def test_safe_shutdown_that_keeps_everything_needs_no_token(tmp_path: Path, candles_us: Path) -> None:
    home = tmp_path / "home"
    day = played(home, candles_us, HELD)
    with housed(home, day, speed="0.05") as house:
        begun = house.begun("safe-shutdown", policy="keep")
        run = house.ended(begun["run"]["id"])

        assert begun["preview"]["confirmToken"] is None
        assert (run["status"], run["error"]) == ("COMPLETED", None), told(run)
        assert house.asked("botHealth")["botState"]["health"]["runState"] == "STOPPED"
        assert len(house.asked("positions")["botState"]["positions"]) == 3


def test_reset_circuit_breaker_clears_it_and_lets_the_bot_enter_again(tmp_path: Path, candles_us: Path) -> None:
    home = tmp_path / "home"
    day = played(home, candles_us, TRIPPED, config="risk:\n  max_consecutive_losses: 1\n")
    with housed(home, day, speed="0.05") as house:
        before = house.asked("botHealth")["botState"]["health"]
        begun = house.begun("reset-circuit-breaker", resume=True)
        run = house.ended(begun["run"]["id"])
        after = house.asked("botHealth")["botState"]["health"]

    assert (before["circuitBreakerActive"], before["runState"]) == (True, "HALTED")
    assert begun["preview"]["risk"] == "HIGH"
    assert (run["status"], run["error"]) == ("COMPLETED", None), told(run)
    assert (after["circuitBreakerActive"], after["runState"]) == (False, "RUNNING")
