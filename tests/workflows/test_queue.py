"""Runs that are asked for: once each, one after the other where they write, with the right to do so."""

import pytest
import sqlalchemy as sa

from tests.fakes.set_clock import SetClock
from tests.workflows.playing import Play
from tests.workflows.scripted_steps import definition, parsed, step
from trading_bot.domain.account import TradingMode
from trading_bot.domain.errors import Scope
from trading_bot.domain.workflow_runs import WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys
from trading_bot.store import bots, workflow_runs
from trading_bot.store.workflow_tables import workflow_runs as table
from workflows.runs import MOST_OPEN

SIMPLE = definition(step("a"), step("b"))
READING = definition(step("a"), reads_only=True)
FIRST = definition(step("a"), id="safe-shutdown", preempts=True)


def refusal(play: Play, values: dict[str, object], **more: object) -> Fault:
    with pytest.raises(Fault) as refused:
        play.ask(values, **more)  # type: ignore[arg-type]
    return refused.value


def test_a_run_is_stored_once_by_its_key_and_given_back_as_it_is_now(play: Play) -> None:
    run, replayed = play.runs.submit("main", parsed(SIMPLE), {}, play.intent("k"))
    assert (run.status, replayed, run.queued_behind) == (WorkflowStatus.NOT_STARTED, False, None)
    play.carry_on(run.id)

    again, replayed = play.runs.submit("main", parsed(SIMPLE), {}, play.intent("k"))

    assert (again.id, again.status, replayed) == (run.id, WorkflowStatus.COMPLETED, True)
    with play.store.reading("main") as r:
        assert workflow_runs.list_runs(r, 5).items == (again,)


def test_runs_that_write_go_one_after_the_other_and_say_whom_they_wait_for(play: Play) -> None:
    first, second, third = (play.ask(SIMPLE) for _ in range(3))
    assert [run.queued_behind for run in (first, second, third)] == [None, first.id, second.id]

    assert play.take(third.id) is None
    assert play.take(second.id) is None
    assert play.carry_on(first.id).status is WorkflowStatus.COMPLETED
    assert play.take(third.id) is None
    assert play.run(third.id).queued_behind == second.id
    assert play.carry_on(second.id).status is WorkflowStatus.COMPLETED
    assert play.carry_on(third.id).status is WorkflowStatus.COMPLETED


def test_a_run_that_only_reads_waits_for_nobody_and_holds_up_nobody(play: Play) -> None:
    writes = play.ask(SIMPLE)
    play.lease(writes.id)
    reads = play.ask(READING)

    assert reads.queued_behind is None
    assert play.carry_on(reads.id).status is WorkflowStatus.COMPLETED
    assert play.run(writes.id).status is WorkflowStatus.NOT_STARTED


def test_a_run_that_writes_is_taken_before_those_that_only_read(play: Play) -> None:
    reads, writes, last = play.ask(READING), play.ask(SIMPLE), play.ask(READING)

    with play.store.engine.connect() as connection:
        due = workflow_runs.list_due(connection, play.clock.now())
    assert [one.run_id for one in due] == [writes.id, reads.id, last.id]


def test_bots_do_not_wait_for_each_other(play: Play) -> None:
    with play.store.writing("other") as w:
        bots.register_bot(w, name="Other", mode=TradingMode.PAPER, venue="paper", replay_of=None)
    ours, theirs = play.ask(SIMPLE), play.ask(SIMPLE, bot_id="other")
    play.lease(ours.id)

    with play.store.engine.connect() as connection:
        assert workflow_runs.list_due(connection, play.clock.now()) == (("other", theirs.id, False),)


def test_the_store_itself_refuses_a_second_run_that_writes_to_a_bot(play: Play) -> None:
    first, second = play.ask(SIMPLE), play.ask(SIMPLE)
    play.lease(first.id)

    with pytest.raises(sa.exc.IntegrityError), play.store.writing("main") as w:
        w.connection.execute(table.update().where(table.c.id == second.id).values(holds_bot="main"))


def test_a_run_that_goes_first_cancels_the_active_one_and_leaves_those_that_wait_behind_it(
    play: Play, clock: SetClock
) -> None:
    active, waiting = (
        play.ask(definition(step("a"), step("b"), rollback=(step("undo-a", undoes="a"),))),
        play.ask(SIMPLE),
    )
    lease = play.lease(active.id)
    first = play.ask(FIRST)

    asked = play.run(active.id).cancellation
    assert asked is None  # no worker had begun it: it has ended at once
    assert play.run(active.id).status is WorkflowStatus.CANCELLED
    with play.store.writing("main") as w, pytest.raises(Fault) as fenced:
        workflow_runs.find_held(w, lease)
    assert fenced.value.code == "WF_015"
    assert play.run(waiting.id).queued_behind == first.id
    assert play.take(waiting.id) is None
    assert play.carry_on(first.id).status is WorkflowStatus.COMPLETED
    assert play.carry_on(waiting.id).status is WorkflowStatus.COMPLETED


def test_a_key_of_too_small_a_scope_asks_for_nothing(play: Play) -> None:
    keys = Keys(play.store.engine, play.clock)
    reader, _ = keys.create("reader", Scope.READ)
    operator, _ = keys.create("operator", Scope.OPERATE)

    assert refusal(play, SIMPLE, caller=reader).code == "AUTH_002"
    needs_admin = refusal(play, definition(step("a"), scope="ADMIN"), caller=operator)
    assert (needs_admin.code, needs_admin.context) == ("AUTH_002", {"needs": "ADMIN", "has": "OPERATE"})
    assert play.events() == ()


def test_risk_high_needs_the_confirm_token_by_its_steps(play: Play) -> None:
    risky = definition(step("a"), step("b", risk="HIGH"))

    assert refusal(play, risky).code == "QRY_008"
    run, _ = play.runs.submit("main", parsed(risky), {}, play.intent(token="token-1"))
    assert run.status is WorkflowStatus.NOT_STARTED
    with pytest.raises(Fault) as used:
        play.runs.submit("main", parsed(risky), {}, play.intent(token="token-1"))
    assert used.value.code == "QRY_009"


def test_what_undoes_a_step_is_confirmed_with_the_run_and_not_when_it_is_undone(play: Play) -> None:
    risky = definition(step("a"), step("b", does="fail"), rollback=(step("sell-all", undoes="a", risk="HIGH"),))

    assert refusal(play, risky).code == "QRY_008"
    run, _ = play.runs.submit("main", parsed(risky), {}, play.intent(token="token-1"))
    run = play.carry_on(run.id)
    assert (run.status, play.steps.begun) == (WorkflowStatus.ROLLED_BACK, ["a", "b", "sell-all"])


def test_an_unknown_bot_and_unknown_parameters_are_refused(play: Play) -> None:
    assert refusal(play, SIMPLE, bot_id="nobody").code == "BOT_001"
    with pytest.raises(Fault) as wrong:
        play.runs.submit("main", parsed(SIMPLE), {"shell": "; rm -rf /"}, play.intent())
    assert wrong.value.code == "WF_002"
    assert play.events() == ()


def test_a_bot_has_no_more_than_a_hundred_runs_that_have_not_ended(play: Play) -> None:
    one = play.ask(SIMPLE)
    with play.store.writing("main") as w:
        columns = [column.name for column in table.c if column.name not in {"number", "id"}]
        row = w.connection.execute(sa.select(*(table.c[name] for name in columns)).where(table.c.id == one.id)).one()
        copies = [{**row._mapping, "id": f"copy-{n}"} for n in range(MOST_OPEN - 1)]
        w.connection.execute(table.insert(), copies)

    refused = refusal(play, SIMPLE)
    assert (refused.code, refused.cause) == ("WF_017", "100 runs of this bot have not ended.")
    first = play.ask(FIRST)
    with play.store.engine.connect() as connection:
        assert workflow_runs.list_due(connection, play.clock.now()) == (("main", first.id, False),)


def test_everything_that_happens_to_a_run_is_an_event_and_a_line_of_the_log(play: Play) -> None:
    run = play.ask(definition(step("a"), step("b", does="fail"), rollback=(step("undo-a", undoes="a"),)))
    play.carry_on(run.id)

    told = [(event.summary, event.data["status"]) for event in play.events() if event.kind.name == "WORKFLOW"]
    assert told == [
        ("tidy-up was asked for.", "NOT_STARTED"),
        ("tidy-up: step a was begun.", "IN_PROGRESS"),
        ("tidy-up was begun.", "IN_PROGRESS"),
        ("tidy-up: step a succeeded.", "IN_PROGRESS"),
        ("tidy-up: step b was begun.", "IN_PROGRESS"),
        ("tidy-up: step b failed.", "FAILED"),
        ("tidy-up: undoing step undo-a was begun.", "FAILED"),
        ("tidy-up failed and is being undone.", "FAILED"),
        ("tidy-up: undoing step undo-a succeeded.", "ROLLED_BACK"),
        ("tidy-up was undone.", "ROLLED_BACK"),
    ]
    assert {event.subject for event in play.events() if event.kind.name == "WORKFLOW"} == {run.id}
    lines = play.lines()
    assert [(line["entity"], line["status"]) for line in lines] == [
        ("run", "NOT_STARTED"),
        ("step", "RUNNING"),
        ("run", "IN_PROGRESS"),
        ("step", "SUCCEEDED"),
        ("step", "RUNNING"),
        ("step", "FAILED"),
        ("step", "RUNNING"),
        ("run", "FAILED"),
        ("step", "SUCCEEDED"),
        ("run", "ROLLED_BACK"),
    ]
    assert [line["fence"] for line in lines] == [None, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert ("definition" in lines[0], "definition" in lines[2]) == (True, False)
    assert lines[-1]["error"]["error_code"] == "WF_004"
