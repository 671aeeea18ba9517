"""API calls: named operations of our own graph over the demo bot's store, with the caller's key."""

import asyncio

import pytest

from tests.workflows.definitions import caller, scene_at
from tests.workflows.steps.stepping import Moving, refused, run, step_of
from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.store import commands
from trading_bot.store.store import Store
from workflows.installation import Installation


def test_an_operation_answers_with_the_callers_key(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph,
        "api_call",
        {"operation": "positions"},
        {"status": "OK", "condition": "data.botState.positions.size() == 1"},
    )
    output = run(graph, step, scene_at(clock, caller=caller(Scope.READ)))

    assert output["data"]["botState"]["positions"][0]["symbol"] == "SPY"
    assert (graph.steps.writes(step), graph.steps.needed_scope(step)) == (False, Scope.READ)


def test_a_write_of_risk_high_gets_its_own_token_and_is_done_once(
    graph: Installation, store: Store, clock: Moving
) -> None:
    step = step_of(graph, "api_call", {"operation": "botStop", "variables": {"onStop": "FLATTEN"}}, {"status": "OK"})
    outputs = [run(graph, step, scene_at(clock)) for _ in range(2)]

    made = [output["data"]["botStop"] for output in outputs]
    assert made[0]["command"]["id"] == made[1]["command"]["id"]
    assert [one["replayed"] for one in made] == [False, True]
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 2


@pytest.mark.parametrize("has", [Scope.READ, Scope.OPERATE])
def test_a_caller_of_too_small_a_scope_is_refused_at_the_step(
    graph: Installation, store: Store, clock: Moving, has: Scope
) -> None:
    step = step_of(graph, "api_call", {"operation": "botStop", "variables": {"onStop": "FLATTEN"}}, {"status": "OK"})
    fault = refused("AUTH_002", graph, step, scene_at(clock, caller=caller(has)))

    assert fault.context == {"needs": "ADMIN", "has": has.name, "stepId": "only"}
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


def test_what_an_operation_refuses_fails_the_step(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "api_call", {"operation": "positionsClose", "variables": {"symbols": ["IBM"]}}, {"status": "OK"}
    )
    fault = refused("WF_004", graph, step, scene_at(clock))

    assert fault.context["operationErrorCode"] == "QRY_005"


def test_a_write_is_rehearsed_by_its_dry_run(graph: Installation, store: Store, clock: Moving) -> None:
    step = step_of(
        graph, "api_call", {"operation": "positionsClose", "variables": {"symbols": ["SPY"]}}, {"status": "OK"}
    )
    found = asyncio.run(graph.steps.rehearse(step, scene_at(clock)))

    assert found.risk is RiskLevel.HIGH
    assert "SPY" in found.effect
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1
