"""Cancelling, and what is undone then."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.set_clock import SetClock
from tests.workflows.playing import Play, told
from tests.workflows.scripted_steps import definition, parsed, step
from trading_bot.domain.workflow_runs import WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.store import errors
from workflows.engine import Turn
from workflows.model import Scene, Wake, Workflow

UNDOING = (step("undo-a", undoes="a"), step("undo-b", undoes="b"))


def test_a_run_that_waits_is_cancelled_at_once(play: Play) -> None:
    run = play.cancel(play.ask(definition(step("a"), rollback=UNDOING)).id)

    assert (run.status, run.has_ended, told(run)) == (WorkflowStatus.CANCELLED, True, [("a", "SKIPPED")])
    assert run.error is not None
    assert run.error.error_code == "WF_012"
    assert run.error.cause == f"Cancelled by {play.operator.key_id}: Because the test says so."
    assert play.take(run.id) is None


def test_a_run_in_the_middle_of_a_wait_is_undone_without_its_end(play: Play, clock: SetClock) -> None:
    play.steps.wakes["b"] = Wake(at=clock.now() + timedelta(hours=1))
    run = play.carried_out(
        definition(step("a"), step("b", does="wait"), step("c"), timeout_seconds=7200, rollback=UNDOING)
    )
    asked = play.cancel(run.id)
    assert (asked.status, asked.due_at) == (WorkflowStatus.IN_PROGRESS, clock.now())

    run = play.carry_on(run.id)

    assert run.status is WorkflowStatus.ROLLED_BACK
    assert told(run) == [
        ("a", "SUCCEEDED"),
        ("b", "INTERRUPTED"),
        ("c", "SKIPPED"),
        ("<undo-b", "SUCCEEDED"),
        ("<undo-a", "SUCCEEDED"),
    ]
    with play.store.reading("main") as r:
        assert errors.list_errors(r, 5).items == ()


def test_a_run_that_is_cancelled_before_anything_could_be_undone_ends_as_cancelled(play: Play, clock: SetClock) -> None:
    play.steps.wakes["a"] = Wake(at=clock.now() + timedelta(hours=1))
    run = play.carried_out(definition(step("a", does="wait")))
    play.cancel(run.id)

    assert play.carry_on(run.id).status is WorkflowStatus.CANCELLED


def test_while_it_is_undone_after_a_cancellation_the_status_says_so(play: Play) -> None:
    undoing = (step("undo-a", undoes="a", does="hang"),)
    run = play.ask(definition(step("a", does="hang"), rollback=undoing))

    async def look() -> WorkflowStatus:
        turn = Turn(lease=play.lease(run.id))
        task = asyncio.create_task(play.engine.carry_on(turn))
        await play.steps.hanging.wait()
        play.steps.hanging.clear()
        play.cancel(run.id)
        turn.cancelled.set()
        await play.steps.hanging.wait()
        status = play.run(run.id).status
        play.steps.released.set()
        await task
        return status

    assert asyncio.run(look()) is WorkflowStatus.ROLLING_BACK
    assert play.run(run.id).status is WorkflowStatus.ROLLED_BACK


@pytest.mark.parametrize(
    ("does", "status", "cause"),
    [
        (
            "hang",
            WorkflowStatus.ROLLBACK_FAILED,
            "Step `undo-a`: it was skipped, and nobody knows whether `a` had its effect before it was stopped.",
        ),
        ("fail", WorkflowStatus.ROLLED_BACK, "Step `a`: BOT_003: The bot is STOPPED."),
    ],
)
def test_what_was_stopped_on_the_way_and_is_not_undone_is_left_over_and_what_was_refused_is_not(
    play: Play, does: str, status: WorkflowStatus, cause: str
) -> None:
    undoing = (step("undo-a", undoes="a", when="never"),)
    run = play.carried_out(definition(step("a", does=does, timeout_seconds=0.05), rollback=undoing))

    assert run.status is status
    assert run.error is not None
    assert run.error.cause == cause
    assert told(run)[1] == ("<undo-a", "SKIPPED")


def test_nobody_cancels_a_rollback(play: Play, clock: SetClock) -> None:
    play.steps.wakes["undo-a"] = Wake(at=clock.now() + timedelta(seconds=5))
    run = play.carried_out(
        definition(step("a"), step("b", does="fail"), rollback=(step("undo-a", undoes="a", does="wait"),))
    )
    assert run.status is WorkflowStatus.FAILED
    play.cancel(run.id)
    run = play.carry_on(run.id)
    assert not run.has_ended

    clock.move(5)
    assert play.carry_on(run.id).status is WorkflowStatus.ROLLED_BACK


def test_a_cancellation_is_idempotent_by_its_key_and_asked_for_once(play: Play, clock: SetClock) -> None:
    play.steps.wakes["a"] = Wake(at=clock.now() + timedelta(seconds=60))
    run = play.carried_out(definition(step("a", does="wait")))
    first, replayed = play.runs.cancel(run.id, play.intent("k"))
    again = play.runs.cancel(run.id, play.intent("k"))
    other = play.cancel(run.id)

    assert (replayed, again, other.cancellation) == (False, (first, True), first.cancellation)


def test_what_has_ended_or_never_was_can_not_be_cancelled(play: Play) -> None:
    run = play.carried_out(definition(step("a")))

    for run_id, code in ((run.id, "WF_016"), ("none", "QRY_005")):
        with pytest.raises(Fault) as refused:
            play.cancel(run_id)
        assert refused.value.code == code
        with pytest.raises(Fault) as refused:
            play.runs.preview_cancel(run_id)
        assert refused.value.code == code
    assert play.run(run.id) == run


def test_a_preview_says_what_each_step_would_do_and_whom_the_run_waits_for(play: Play) -> None:
    holder = play.ask(definition(step("x"), id="other-work"))
    play.lease(holder.id)
    workflow = parsed(
        definition(step("a"), step("b", when="never"), step("c", does="fail", risk="HIGH"), rollback=UNDOING)
    )
    preview = asyncio.run(play.runs.preview("main", workflow, {}, play.intent()))

    assert preview.summary == (
        "Tidy up: 3 steps. 2 steps undo it if one fails. It waits until the run of other-work has ended."
    )
    assert preview.effects == (
        "a: It would do nothing.",
        "b: skipped: It would do nothing.",
        "c: would fail now. BOT_003: The bot is STOPPED.",
    )
    assert preview.risk.name == "HIGH"
    assert play.steps.begun == []


def test_a_preview_says_that_a_run_would_not_begin_and_what_is_cancelled_for_it(play: Play) -> None:
    async def refuse(workflow: Workflow, scene: Scene) -> None:
        raise Fault("BOT_003", "The bot must be stopped. " + "x" * 400)

    play.require = refuse
    play.lease(play.ask(definition(step("x"), id="other-work")).id)
    workflow = parsed(definition(step("a"), preempts=True))
    effects = asyncio.run(play.runs.preview("main", workflow, {}, play.intent())).effects

    assert effects[0] == "The run of other-work that is under way is cancelled and undone first."
    assert effects[1].startswith("It would not begin now. BOT_003: The bot must be stopped. xxx")
    assert (len(effects[1].encode()), effects[1][-1], effects[2]) == (190, "…", "a: It would do nothing.")
