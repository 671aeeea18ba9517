"""Runs of workflows, made again from the audit log."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.set_clock import SetClock
from tests.workflows.playing import Play
from tests.workflows.scripted_steps import definition, step
from trading_bot.domain.account import TradingMode
from trading_bot.domain.workflow_runs import StepStatus, WorkflowRun, WorkflowStatus
from trading_bot.keeping.rebuild import rebuild
from trading_bot.logs.audit import AuditLog
from trading_bot.store import bots, outbox, workflow_runs
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    engine = open_engine(f"sqlite:///{tmp_path / 'before.db'}")
    bring_up_to_date(engine)
    clock = SetClock()
    store = Store(engine, clock)
    with store.writing("main") as w:
        bots.register_bot(w, name="Main", mode=TradingMode.PAPER, venue="paper", replay_of=None)
    with ThreadPoolExecutor(2) as threads:
        yield Play(store=store, clock=clock, threads=threads)
    store.close()


def made_again(play: Play, folder: Path) -> tuple[WorkflowRun, ...]:
    """The runs of a store that was made from the log alone, newest first."""
    log = AuditLog(folder / "logs", play.clock)
    with play.store.reading("main") as r:
        log.append_all(outbox.list_outbox(r, 1000))
    engine = open_engine(f"sqlite:///{folder / 'after.db'}")
    bring_up_to_date(engine)
    store = Store(engine, play.clock)
    rebuild(log, store)
    with store.reading("main") as r:
        found = workflow_runs.list_runs(r, 100).items
    store.close()
    return found


def test_runs_that_have_ended_are_as_before_step_by_step(play: Play, tmp_path: Path) -> None:
    undoing = (step("undo-a", undoes="a"),)
    play.carried_out(definition(step("a"), step("b")))
    play.carried_out(definition(step("a"), step("b", does="fail"), step("c"), rollback=undoing))
    play.cancel(play.ask(definition(step("a"))).id)
    with play.store.reading("main") as r:
        before = workflow_runs.list_runs(r, 100).items

    assert made_again(play, tmp_path) == before
    assert [run.status for run in before] == [
        WorkflowStatus.CANCELLED,
        WorkflowStatus.ROLLED_BACK,
        WorkflowStatus.COMPLETED,
    ]


def test_a_run_that_was_under_way_is_given_up_and_carried_on_by_nobody(play: Play, tmp_path: Path) -> None:
    waiting = play.ask(definition(step("a", does="hang"))), play.ask(definition(step("a")))
    play.die_in(waiting[0].id)
    second, first = made_again(play, tmp_path)

    assert (first.id, first.status, first.has_ended) == (waiting[0].id, WorkflowStatus.FAILED, True)
    assert [one.status for one in first.attempts] == [StepStatus.INTERRUPTED]
    assert first.error is not None
    assert (first.error.error_code, first.error.cause) == (
        "WF_014",
        "The store was made again from the audit log while the run was under way.",
    )
    assert (second.id, second.status) == (waiting[1].id, WorkflowStatus.CANCELLED)
