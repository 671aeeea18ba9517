"""One run, carried on by one worker, on both databases."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.set_clock import SetClock
from tests.workflows.playing import Play, told
from tests.workflows.scripted_steps import definition, step
from trading_bot.domain.errors import Scope
from trading_bot.domain.workflow_runs import WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys
from trading_bot.store import errors
from trading_bot.store.workflow_tables import workflow_runs
from workflows.engine import Turn
from workflows.model import Scene, Wake, Workflow

UNDOING = (step("undo-a", undoes="a"), step("undo-b", undoes="b"), step("undo-c", undoes="c"))


def test_steps_run_one_after_the_other_and_each_sees_what_the_ones_before_gave_back(play: Play) -> None:
    run = play.carried_out(definition(step("a"), step("b"), step("c")))

    assert run.status is WorkflowStatus.COMPLETED
    assert told(run) == [("a", "SUCCEEDED"), ("b", "SUCCEEDED"), ("c", "SUCCEEDED")]
    assert [dict(scene.outputs) for scene in play.steps.scenes] == [
        {},
        {"a": {"said": "a"}},
        {"a": {"said": "a"}, "b": {"said": "b"}},
    ]
    assert [scene.idempotency_key for scene in play.steps.scenes] == [f"{run.id}:a", f"{run.id}:b", f"{run.id}:c"]
    assert (run.progress_pct, run.error, run.finished_at) == (100, None, play.clock.now())
    assert [one.output for one in run.steps] == [{"said": "a"}, {"said": "b"}, {"said": "c"}]


def test_a_step_that_is_not_due_is_skipped(play: Play) -> None:
    run = play.carried_out(definition(step("a", when="never"), step("b")))

    assert told(run) == [("a", "SKIPPED"), ("b", "SUCCEEDED")]
    assert play.steps.begun == ["b"]


def test_a_failure_is_undone_in_reverse_order_by_the_system_and_only_what_was_begun(play: Play) -> None:
    run = play.carried_out(definition(step("a"), step("b", does="fail"), step("c"), rollback=UNDOING))

    assert run.status is WorkflowStatus.ROLLED_BACK
    assert told(run) == [
        ("a", "SUCCEEDED"),
        ("b", "FAILED"),
        ("c", "SKIPPED"),
        ("<undo-b", "SUCCEEDED"),
        ("<undo-a", "SUCCEEDED"),
    ]
    assert [scene.caller.name for scene in play.steps.scenes] == ["operator", "operator", "system", "system"]
    assert run.error is not None
    assert (run.error.error_code, run.error.cause) == ("WF_004", "Step `b`: BOT_003: The bot is STOPPED.")
    assert run.error.context == {"runId": run.id, "workflowId": "tidy-up", "step": "b", "errorCode": "BOT_003"}
    assert [one.error.error_code for one in run.attempts if one.error] == ["BOT_003"]


def test_a_failure_without_anything_to_undo_ends_as_failed_and_is_one_of_the_bots_errors(play: Play) -> None:
    run = play.carried_out(definition(step("a", does="fail"), step("b")))

    assert (run.status, run.has_ended) == (WorkflowStatus.FAILED, True)
    assert told(run) == [("a", "FAILED"), ("b", "SKIPPED")]
    with play.store.reading("main") as r:
        assert [one.error_code for one in errors.list_errors(r, 5).items] == ["WF_004"]


def test_what_nobody_foresaw_fails_the_step_and_not_the_worker(play: Play) -> None:
    run = play.carried_out(definition(step("a", does="crash")))

    assert run.status is WorkflowStatus.FAILED
    assert run.attempts[0].error is not None
    assert run.attempts[0].error.error_code == "SYS_001"
    assert run.attempts[0].error.cause == "A step met ZeroDivisionError."


def test_a_step_that_takes_too_long_is_stopped_and_undone(play: Play) -> None:
    lasting = step("b", does="hang", timeout_seconds=0.05)
    run = play.carried_out(definition(step("a"), lasting, rollback=UNDOING))

    assert run.status is WorkflowStatus.ROLLED_BACK
    assert told(run)[1] == ("b", "TIMEOUT")
    assert run.error is not None
    assert run.error.error_code == "WF_005"
    assert play.steps.begun == ["a", "b", "undo-b", "undo-a"]


def test_a_run_that_has_no_time_left_is_undone(play: Play, clock: SetClock) -> None:
    play.steps.wakes["b"] = Wake(at=clock.now() + timedelta(seconds=400))
    run = play.carried_out(
        definition(step("a"), step("b", does="wait"), step("c"), timeout_seconds=30, rollback=UNDOING)
    )
    assert (run.status, run.due_at) == (WorkflowStatus.IN_PROGRESS, clock.now() + timedelta(seconds=30))

    clock.move(30)
    run = play.carry_on(run.id)

    assert run.status is WorkflowStatus.ROLLED_BACK
    assert told(run)[:3] == [("a", "SUCCEEDED"), ("b", "TIMEOUT"), ("c", "SKIPPED")]
    assert run.error is not None
    assert (run.error.error_code, run.error.cause) == ("WF_011", "tidy-up may take 30 s.")


def test_a_step_that_waits_holds_no_worker_and_goes_on_as_the_same_attempt(play: Play, clock: SetClock) -> None:
    begun_at, wakes_at = clock.now(), clock.now() + timedelta(seconds=90)
    play.steps.wakes["a"] = Wake(at=wakes_at)
    run = play.carried_out(definition(step("a", does="wait"), step("b")))

    assert (run.status, run.due_at) == (WorkflowStatus.IN_PROGRESS, wakes_at)
    assert [(one.status.name, one.wakes_at) for one in run.attempts] == [("RUNNING", wakes_at)]
    clock.move(89)
    assert play.take(run.id) is None
    clock.move(1)
    run = play.carry_on(run.id)

    assert run.status is WorkflowStatus.COMPLETED
    assert [(one.id, one.attempt) for one in run.attempts] == [("a", 1), ("b", 1)]
    assert [scene.started_at for scene in play.steps.scenes] == [begun_at, begun_at, clock.now()]


def test_a_rollback_step_that_fails_holds_up_no_other_and_the_run_says_what_is_left(play: Play) -> None:
    undoing = (step("undo-a", undoes="a"), step("undo-b", undoes="b", does="fail"))
    run = play.carried_out(definition(step("a"), step("b"), step("c", does="fail"), rollback=undoing))

    assert run.status is WorkflowStatus.ROLLBACK_FAILED
    assert told(run)[3:] == [("<undo-b", "FAILED"), ("<undo-a", "SUCCEEDED")]
    assert run.error is not None
    assert (run.error.error_code, run.error.cause) == ("WF_014", "Step `undo-b`: The bot is STOPPED.")
    assert run.error.context["because"] == "WF_004: Step `c`: BOT_003: The bot is STOPPED."


def test_what_the_workflow_needs_is_looked_at_before_its_first_step(play: Play) -> None:
    async def refuse(workflow: Workflow, scene: Scene) -> None:
        raise Fault("BOT_003", "The bot must be stopped.")

    play.require = refuse
    run = play.carried_out(definition(step("a"), rollback=(step("always"),)))

    assert run.status is WorkflowStatus.FAILED
    assert play.steps.begun == []
    assert run.error is not None
    assert run.error.cause == "The bot must be stopped."


@pytest.mark.parametrize("revoked_before", ["a", "b"])
def test_a_key_that_was_revoked_carries_no_step_out_any_more(play: Play, revoked_before: str) -> None:
    keys = Keys(play.store.engine, play.clock)
    caller, _ = keys.create("robot", Scope.OPERATE)
    play.steps.wakes["b"] = Wake(at=play.clock.now() + timedelta(seconds=1))
    run = play.ask(definition(step("a"), step("b", does="wait"), rollback=UNDOING), caller=caller)
    if revoked_before == "b":
        play.carry_on(run.id)
        play.clock.move(1)
    keys.revoke(caller.key_id)
    run = play.carry_on(run.id)

    assert run.has_ended
    assert run.error is not None
    why = f"The key {caller.key_id} that asked for the run opens nothing any more."
    assert run.error.cause == (why if revoked_before == "a" else f"Step `b`: AUTH_001: {why}")
    assert play.steps.begun == ([] if revoked_before == "a" else ["a", "b", "undo-b", "undo-a"])


def test_a_definition_that_can_not_be_read_any_more_ends_the_run(play: Play) -> None:
    run = play.ask(definition(step("a")))
    with play.store.writing("main") as w:
        w.connection.execute(workflow_runs.update().values(definition={"broken": True}))
    run = play.carry_on(run.id)

    assert (run.status, run.has_ended, play.steps.begun) == (WorkflowStatus.FAILED, True, [])


def test_a_run_whose_definition_can_not_be_read_any_more_says_that_what_it_did_is_not_undone(
    play: Play, clock: SetClock
) -> None:
    play.steps.wakes["b"] = Wake(at=clock.now() + timedelta(seconds=9))
    run = play.carried_out(definition(step("a"), step("b", does="wait"), rollback=UNDOING))
    with play.store.writing("main") as w:
        w.connection.execute(workflow_runs.update().values(definition={"broken": True}))
    clock.move(9)
    run = play.carry_on(run.id)

    assert (run.status, run.has_ended, play.steps.begun) == (WorkflowStatus.ROLLBACK_FAILED, True, ["a", "b"])


def test_what_a_step_came_to_is_written_again_while_the_store_can_not_be_used(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = play.ask(definition(step("a"), step("b")))
    lease = play.lease(run.id)
    writing, asked = play.store.writing, []

    def failing(bot_id: str) -> Any:
        asked.append(bot_id)
        if len(asked) in {2, 3}:  # after the step
            raise Fault("SYS_002", "The database is locked by another program.")
        return writing(bot_id)

    monkeypatch.setattr(play.store, "writing", failing)
    asyncio.run(play.engine.carry_on(Turn(lease=lease)))

    assert play.run(run.id).status is WorkflowStatus.COMPLETED
    assert (play.steps.begun, len(asked)) == (["a", "b"], 5)


@pytest.mark.parametrize(
    ("is_repeatable", "ends", "begun"),
    [(True, WorkflowStatus.COMPLETED, ["a", "a", "a", "b"]), (False, WorkflowStatus.FAILED, ["a"])],
)
def test_a_step_goes_on_when_the_store_can_be_used_again_where_it_may_be_repeated(
    play: Play, *, is_repeatable: bool, ends: WorkflowStatus, begun: list[str]
) -> None:
    play.steps.outages = 2
    run = play.carried_out(definition(step("a", does="outage", is_repeatable=is_repeatable), step("b")))

    assert (run.status, play.steps.begun, run.attempts[0].attempt) == (ends, begun, 1)


def test_a_key_is_looked_up_again_while_the_store_can_not_be_used(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    run = play.ask(definition(step("a"), rollback=UNDOING))
    find, asked = Keys.find, []

    def failing(keys: Keys, key_id: str) -> Any:
        asked.append(key_id)
        if len(asked) in {1, 3}:  # before the run, and before its step
            raise Fault("SYS_002", "The database is locked by another program.")
        return find(keys, key_id)

    monkeypatch.setattr(Keys, "find", failing)
    run = play.carry_on(run.id)

    assert (run.status, len(asked)) == (WorkflowStatus.COMPLETED, 4)
