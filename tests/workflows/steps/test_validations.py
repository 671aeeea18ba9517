"""Validations: conditions over the graph's data, looked at until they are true."""

import asyncio

from tests.workflows.definitions import scene_at
from tests.workflows.steps.stepping import Moving, beside, refused, run, step_of
from trading_bot.store.store import Store
from workflows.installation import Installation


def test_a_condition_is_looked_at_until_it_is_true(graph: Installation, store: Store, clock: Moving) -> None:
    step = step_of(
        graph,
        "validation",
        {"operation": "commands", "interval_seconds": 2},
        {"condition": "data.commands.edges.size() == 2"},
    )

    async def pause_later() -> None:
        await asyncio.sleep(0.02)
        await graph.steps.run(step_of(graph, "api_call", {"operation": "botPause"}, {"status": "OK"}), scene_at(clock))

    output = asyncio.run(beside(graph.steps.run(step, scene_at(clock, seconds=100_000)), pause_later))
    assert output["looks"] > 1
    assert output["status"] == "TRUE"


def test_a_condition_that_stays_false_is_told_with_what_was_seen_last(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "validation", {"operation": "positions"}, {"condition": "data.botState.positions.size() == 0"}
    )
    fault = refused("WF_005", graph, step, scene_at(clock, seconds=5))

    assert fault.cause == "The condition was not true in time; at the last of 5 looks: it is false"


def test_data_that_is_not_there_yet_is_looked_at_again(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "validation", {"operation": "positions"}, {"condition": "data.botState.positions[7].symbol == 'X'"}
    )

    assert "It names something that is not there" in refused("WF_005", graph, step, scene_at(clock, seconds=3)).cause


def test_a_validation_may_look_at_parameters_and_earlier_steps_alone(here: Installation, clock: Moving) -> None:
    step = step_of(here, "validation", {}, {"condition": "steps['look'].n == 3 && parameters.x == 'y'"})
    output = run(here, step, scene_at(clock, parameters={"x": "y"}, outputs={"look": {"n": 3}}))

    assert output == {"status": "TRUE", "looks": 1, "data": None}


def test_a_validation_says_beforehand_how_it_stands(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "validation", {"operation": "positions"}, {"condition": "data.botState.positions.size() == 0"}
    )
    found = asyncio.run(graph.steps.rehearse(step, scene_at(clock)))

    assert found.effect == "Waits until `data.botState.positions.size() == 0`: it is false now."


def test_what_another_look_does_not_help_against_ends_the_step_at_once(graph: Installation, clock: Moving) -> None:
    given = {"operation": "fills", "variables": {"first": "${{ parameters.x }}"}}
    step = step_of(graph, "validation", given, {"condition": "data.fills.edges.size() == 0"})
    fault = refused("WF_004", graph, step, scene_at(clock, parameters={"x": "many"}))

    assert fault.context == {"operation": "fills", "operationErrorCode": "QRY_004"}
