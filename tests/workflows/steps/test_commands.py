"""Command steps over a real store: what the bot is asked, once, by whom, and what its answer makes of the step."""

import asyncio

import pytest

from tests.workflows.definitions import caller, scene_at
from tests.workflows.steps.stepping import Moving, beside, ending, refused, step_of
from trading_bot.domain.commands import CommandKind, CommandStatus, RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.store import commands
from trading_bot.store.store import Store
from workflows.installation import Installation
from workflows.model import SYSTEM


def test_a_command_is_done_when_the_bot_has_verified_it(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"})
    work = here.steps.run(step, scene_at(clock))
    output = asyncio.run(beside(work, ending(store, CommandStatus.DONE, {"runState": "PAUSED"})))

    with store.reading("main") as r:
        kept = commands.find_command(r, output["command_id"])
    assert output["status"] == "DONE"
    assert output["outcome"] == {"runState": "PAUSED"}
    assert kept is not None
    assert (kept.kind, kept.user, kept.reason) == (CommandKind.PAUSE, "k1", "Because the test says so.")


def test_a_command_that_fails_fails_the_step(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "resume"}, {"status": "DONE"})
    with pytest.raises(Fault, match="WF_004.*RESUME ended FAILED: BOT_003") as raised:  # noqa: RUF043 - meant
        asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.FAILED)))

    assert raised.value.context["commandErrorCode"] == "BOT_003"


def test_a_step_that_is_run_again_asks_the_bot_once(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"})
    outputs = [
        asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.DONE))) for _ in range(2)
    ]

    assert outputs[0] == outputs[1]
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 2  # the other one is of the demo bot


def test_a_command_of_risk_high_is_confirmed_by_its_run_and_needs_admin(
    here: Installation, store: Store, clock: Moving
) -> None:
    step = step_of(here, "command", {"command": "reset-breaker"}, {"status": "DONE"})
    output = asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.DONE)))
    fault = refused("AUTH_002", here, step, scene_at(clock, caller=caller(Scope.OPERATE), run_id="another"))

    assert output["status"] == "DONE"
    assert fault.context["needs"] == "ADMIN"
    assert here.steps.risk(step, {}) is RiskLevel.HIGH


def test_a_rollback_runs_as_the_system(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "reset-breaker"}, {"status": "DONE"})
    scene = scene_at(clock, caller=SYSTEM)
    output = asyncio.run(beside(here.steps.run(step, scene), ending(store, CommandStatus.DONE)))

    with store.reading("main") as r:
        kept = commands.find_command(r, output["command_id"])
    assert kept is not None
    assert kept.user == "system"


@pytest.mark.parametrize(
    ("policy", "risk"), [("keep", RiskLevel.MEDIUM), ("cancel", RiskLevel.HIGH), ("flatten", RiskLevel.HIGH)]
)
def test_the_risk_of_a_stop_is_that_of_its_policy(here: Installation, policy: str, risk: RiskLevel) -> None:
    step = step_of(
        here, "command", {"command": "stop", "arguments": {"policy": "${{ parameters.x }}"}}, {"status": "DONE"}
    )

    assert here.steps.risk(step, {"x": policy}) is risk
    assert here.steps.worst_risk(step) is RiskLevel.HIGH


def test_a_value_that_is_no_argument_is_refused_before_anything_is_asked(
    here: Installation, store: Store, clock: Moving
) -> None:
    step = step_of(
        here, "command", {"command": "stop", "arguments": {"policy": "${{ parameters.x }}"}}, {"status": "DONE"}
    )
    fault = refused("WF_002", here, step, scene_at(clock, parameters={"x": "flatten; rm -rf /"}))

    assert fault.cause == "`policy`: expected one of keep, cancel, flatten."
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


def test_a_command_is_rehearsed_on_the_present_state(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "stop", "arguments": {"policy": "flatten"}}, {"status": "DONE"})
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert found.risk is RiskLevel.HIGH
    assert "Positions are closed at the market: SPY." in found.effect
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1
