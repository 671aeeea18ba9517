"""The runner: preconditions, waits, skipping, and whether an output is what was asked for."""

import asyncio
from datetime import timedelta

import pytest

from tests.api.conftest import NOW
from tests.workflows.definitions import caller, defined, loaded, scene_at
from tests.workflows.steps.stepping import Moving, refused, run, step_of
from trading_bot.domain.commands import Caller, RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.installation import Installation
from workflows.model import Wake
from workflows.steps.success import require_success


def test_what_a_workflow_needs_is_looked_at_before_it_is_run(graph: Installation, clock: Moving) -> None:
    rules = {
        "holds": {"condition": "parameters.x == 'x'", "otherwise": "x is not x."},
        "flat": {
            "operation": "positions",
            "condition": "data.botState.positions.size() == 0",
            "otherwise": "Close SPY first.",
        },
    }
    declared = {"x": {"type": "string", "description": "X.", "default": "x"}}
    workflow = loaded(
        defined(step={"parameters": {"command": "pause"}}, parameters=declared, validation_rules=rules), graph.steps
    )
    with pytest.raises(Fault, match="WF_003: Close SPY first") as raised:
        asyncio.run(graph.steps.require_preconditions(workflow, scene_at(clock, parameters={"x": "x"})))

    assert raised.value.context["rule"] == "flat"


def test_a_wait_gives_its_end_and_is_over_then_whoever_asks(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.seconds }}"}, {"status": "ELAPSED"})
    scene = scene_at(clock, parameters={"seconds": 30})
    first = run(here, step, scene)
    clock.advance(29.9)
    second = run(here, step, scene)
    clock.advance(0.1)

    assert first == second == Wake(at=NOW + timedelta(seconds=30))
    assert run(here, step, scene) == {"status": "ELAPSED", "waited_seconds": 30}


def test_a_wait_beyond_the_deadline_fails_at_once(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.seconds }}"}, {"status": "ELAPSED"})

    refused("WF_005", here, step, scene_at(clock, seconds=20, parameters={"seconds": 30}))


@pytest.mark.parametrize(("value", "effect"), [("2m", "120 seconds pass."), ("soon", "Some time passes.")])
def test_a_wait_is_rehearsed(here: Installation, clock: Moving, value: str, effect: str) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.x }}"}, {"status": "ELAPSED"})

    assert asyncio.run(here.steps.rehearse(step, scene_at(clock, parameters={"x": value}))).effect == effect


def test_a_wait_of_no_duration_is_refused(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.x }}"}, {"status": "ELAPSED"})

    refused("WF_002", here, step, scene_at(clock, parameters={"x": "soon"}))


def test_an_output_that_is_too_large_is_not_kept(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": 0}, {"status": "ELAPSED"})

    with pytest.raises(Fault, match=r"WF_004.*at most 65536 are kept"):
        require_success(step, {"status": "ELAPSED", "more": "x" * 70_000}, scene_at(clock))


def test_a_step_is_skipped_where_its_condition_is_false(here: Installation, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"}, when="parameters.x == 'flatten'")
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock, parameters={"x": "keep"})))

    assert here.steps.is_due(step, scene_at(clock, parameters={"x": "flatten"})) is True
    assert here.steps.is_due(step, scene_at(clock, parameters={"x": "keep"})) is False
    assert (found.is_skipped, found.risk) == (True, RiskLevel.LOW)


def test_a_step_that_hangs_on_an_earlier_one_says_so_beforehand(here: Installation, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"}, when="steps['look'].n == 3")
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert (found.effect, found.is_skipped) == ("If `steps['look'].n == 3`: Does it.", False)


def test_an_output_that_is_not_as_asked_fails_the_step(graph: Installation, clock: Moving) -> None:
    step = step_of(graph, "api_call", {"operation": "positions"}, {"condition": "data.botState.positions.size() == 0"})
    fault = refused("WF_004", graph, step, scene_at(clock))

    assert fault.cause == "`only`: its output is not as `data.botState.positions.size() == 0` asks."


def test_a_key_that_was_cut_down_meanwhile_ends_the_run(here: Installation, clock: Moving) -> None:
    """The engine looks the key up at each step: what it may no longer do, the step no longer does."""
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"})
    reader: Caller = caller(Scope.READ)

    refused("AUTH_002", here, step, scene_at(clock, caller=reader))
