"""Workers that die, that are only thought dead, and that end in order."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.fakes.set_clock import SetClock
from tests.workflows.playing import LEASE, Play, told
from tests.workflows.scripted_steps import definition, step
from trading_bot.clock import SystemClock
from trading_bot.domain.workflow_runs import WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.store import workflow_runs
from trading_bot.store.store import Store
from trading_bot.store.workflow_tables import workflow_runs as table
from workflows.engine import Turn
from workflows.worker import KEPT_FREE, LEASE_SECONDS, LOOK_SECONDS, MOST_TURNS, Worker

UNDOING = (step("undo-a", undoes="a"), step("undo-b", undoes="b"))


def test_a_run_whose_worker_died_is_taken_over_when_its_lease_is_over_and_not_before(
    play: Play, clock: SetClock
) -> None:
    run = play.ask(definition(step("a"), step("b", does="hang"), step("c")))
    play.die_in(run.id)

    clock.move(LEASE.total_seconds() - 0.001)
    assert play.take(run.id) is None
    clock.move(0.001)
    play.steps.released.set()
    run = play.carry_on(run.id)

    assert run.status is WorkflowStatus.COMPLETED
    assert [(one.id, one.attempt, one.status.name) for one in run.attempts] == [
        ("a", 1, "SUCCEEDED"),
        ("b", 1, "INTERRUPTED"),
        ("b", 2, "SUCCEEDED"),
        ("c", 1, "SUCCEEDED"),
    ]
    assert play.steps.begun == ["a", "b", "b", "c"]
    assert play.steps.scenes[1].idempotency_key == play.steps.scenes[2].idempotency_key
    assert play.steps.scenes[1].started_at == play.steps.scenes[2].started_at
    assert play.steps.scenes[2].outputs == {"a": {"said": "a"}}


def test_a_step_that_may_not_be_repeated_is_not_run_again_and_is_undone(play: Play, clock: SetClock) -> None:
    once = step("b", does="hang", is_repeatable=False)
    run = play.ask(definition(step("a"), once, step("c"), rollback=UNDOING))
    play.die_in(run.id)

    clock.move(LEASE.total_seconds())
    run = play.carry_on(run.id)

    assert run.status is WorkflowStatus.ROLLED_BACK
    assert play.steps.begun == ["a", "b", "undo-b", "undo-a"]
    assert told(run)[1] == ("b", "INTERRUPTED")
    assert run.error is not None
    assert (run.error.error_code, run.error.cause) == ("WF_013", "Step `b`: Step `b` was interrupted in attempt 1.")


def test_a_worker_that_was_only_thought_dead_writes_nothing_any_more(play: Play, clock: SetClock) -> None:
    run = play.ask(definition(step("a", does="hang"), step("b")))
    stale = play.die_in(run.id)
    clock.move(LEASE.total_seconds())
    play.lease(run.id, "second")
    seen = play.run(run.id), play.events(), len(play.lines())

    asyncio.run(play.engine.carry_on(Turn(lease=stale)))
    with pytest.raises(Fault) as fenced, play.store.writing("main") as w:
        workflow_runs.save_held(w, stale, seen[0], seen[0])

    assert fenced.value.code == "WF_015"
    assert (play.run(run.id), play.events(), len(play.lines())) == seen
    assert play.steps.begun == ["a"]


def test_a_lease_that_is_over_stops_the_step_and_what_it_came_to_is_not_written(play: Play) -> None:
    run = play.ask(definition(step("a", does="hang"), step("b")))

    async def lose() -> None:
        turn = Turn(lease=play.lease(run.id))
        task = asyncio.create_task(play.engine.carry_on(turn))
        await play.steps.hanging.wait()
        turn.lost.set()
        await task

    asyncio.run(lose())

    assert told(play.run(run.id)) == [("a", "RUNNING"), ("b", "PENDING")]


def test_a_worker_that_stood_still_before_a_step_does_not_run_it(play: Play, clock: SetClock) -> None:
    run = play.ask(definition(step("a"), step("b")))
    turn = Turn(lease=play.lease(run.id), good_until=clock.monotonic())

    asyncio.run(play.engine.carry_on(turn))

    assert (turn.lost.is_set(), play.steps.begun) == (True, [])
    assert told(play.run(run.id)) == [("a", "RUNNING"), ("b", "PENDING")]


def test_a_rollback_survives_the_death_of_its_worker(play: Play, clock: SetClock) -> None:
    undoing = (step("undo-a", undoes="a"), step("undo-b", undoes="b", does="hang"))
    run = play.ask(definition(step("a"), step("b"), step("c", does="fail"), rollback=undoing))
    play.die_in(run.id)
    assert (play.run(run.id).status, play.run(run.id).has_ended) == (WorkflowStatus.FAILED, False)

    clock.move(LEASE.total_seconds())
    play.steps.released.set()
    run = play.carry_on(run.id)

    assert run.status is WorkflowStatus.ROLLED_BACK
    assert told(run)[3:] == [("<undo-b", "INTERRUPTED"), ("<undo-b", "SUCCEEDED"), ("<undo-a", "SUCCEEDED")]


def test_a_step_that_kills_every_worker_is_not_run_for_ever(play: Play, clock: SetClock) -> None:
    run = play.ask(definition(step("a", does="hang"), timeout_seconds=36_000))
    for _ in range(20):
        play.die_in(run.id)
        clock.move(LEASE.total_seconds())

    run = play.carry_on(run.id)
    assert (run.status, len(run.attempts)) == (WorkflowStatus.FAILED, 20)


def test_a_run_that_goes_first_cancels_the_one_that_is_under_way_and_goes_right_after_it(
    play: Play, clock: SetClock
) -> None:
    active = play.ask(definition(step("a"), step("b", does="hang"), rollback=UNDOING))
    play.die_in(active.id)
    waiting = play.ask(definition(step("x")))
    first = play.ask(definition(step("stop"), id="safe-shutdown", preempts=True))

    asked = play.run(active.id).cancellation
    assert asked is not None
    assert (asked.user, asked.reason) == (first.id, "safe-shutdown goes first.")
    assert (first.queued_behind, play.run(waiting.id).queued_behind) == (active.id, first.id)
    clock.move(LEASE.total_seconds())
    assert (play.take(first.id), play.take(waiting.id)) == (None, None)
    assert play.carry_on(active.id).status is WorkflowStatus.ROLLED_BACK
    assert play.take(waiting.id) is None
    assert play.carry_on(first.id).status is WorkflowStatus.COMPLETED
    assert play.carry_on(waiting.id).status is WorkflowStatus.COMPLETED
    assert play.steps.begun == ["a", "b", "undo-b", "undo-a", "stop", "x"]


def test_a_lease_is_renewed_only_by_who_holds_it(play: Play, clock: SetClock) -> None:
    run = play.ask(definition(step("a", does="hang")))
    first = play.die_in(run.id)
    with play.store.engine.begin() as connection:
        workflow_runs.renew(connection, [first], until=clock.now() + 2 * LEASE)
    clock.move(LEASE.total_seconds())
    assert play.take(run.id) is None
    clock.move(LEASE.total_seconds())
    second = play.lease(run.id, "second")
    with play.store.engine.begin() as connection:
        workflow_runs.renew(connection, [first], until=clock.now() + 9 * LEASE)
    clock.move(LEASE.total_seconds())

    assert play.lease(run.id, "third").fence == second.fence + 1


class _Leaping(SystemClock):
    """The real clock, moved on."""

    leapt = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.leapt


class _Working:
    """A worker of the test's own over a real clock."""

    def __init__(self, play: Play, threads: ThreadPoolExecutor) -> None:
        self.clock = _Leaping()
        store = Store(play.store.engine, self.clock)
        self.play = Play(store=store, clock=self.clock, threads=threads, steps=play.steps)  # type: ignore[arg-type]
        self.worker = Worker(store=store, clock=self.clock, engine=lambda: self.play.engine, threads=threads)

    async def until(self, run_id: str, status: WorkflowStatus) -> None:
        async with asyncio.timeout(10):
            while self.play.run(run_id).status is not status or not self.play.run(run_id).has_ended:
                await self.clock.sleep(0.01)


def test_a_worker_finds_what_is_due_and_carries_it_out(play: Play, threads: ThreadPoolExecutor) -> None:
    working = _Working(play, threads)

    async def work() -> None:
        task = asyncio.create_task(working.worker.work())
        runs = [working.play.ask(definition(step("a"), step("b"))) for _ in range(3)]
        await working.until(runs[-1].id, WorkflowStatus.COMPLETED)
        working.worker.end()
        await task

    asyncio.run(work())
    assert play.steps.begun == ["a", "b"] * 3


def test_a_lease_ends_early_enough_for_the_look_that_finds_it_over(play: Play, threads: ThreadPoolExecutor) -> None:
    working = _Working(play, threads)

    async def work() -> timedelta:
        task = asyncio.create_task(working.worker.work())
        working.play.ask(definition(step("a", does="hang")))
        await play.steps.hanging.wait()
        with working.play.store.reading("main") as r:
            until = r.connection.execute(sa.select(table.c.leased_until)).scalar_one()
        left: timedelta = until - working.clock.now()
        working.worker.end()
        await task
        return left

    assert asyncio.run(work()) <= timedelta(seconds=LEASE_SECONDS - LOOK_SECONDS)


def test_runs_that_only_read_never_take_the_whole_worker(play: Play, threads: ThreadPoolExecutor) -> None:
    working = _Working(play, threads)

    async def work() -> None:
        reading = [working.play.ask(definition(step("look", does="hang"), reads_only=True)) for _ in range(MOST_TURNS)]
        task = asyncio.create_task(working.worker.work())
        async with asyncio.timeout(10):
            while len(play.steps.begun) < MOST_TURNS - KEPT_FREE:
                await working.clock.sleep(0.01)
        await working.until(working.play.ask(definition(step("stop"))).id, WorkflowStatus.COMPLETED)
        assert play.steps.begun == ["look"] * (MOST_TURNS - KEPT_FREE) + ["stop"]
        play.steps.released.set()
        for run in reading:
            await working.until(run.id, WorkflowStatus.COMPLETED)
        working.worker.end()
        await task

    asyncio.run(work())


def test_a_worker_that_ends_in_order_lets_its_runs_go_at_once(play: Play, threads: ThreadPoolExecutor) -> None:
    working = _Working(play, threads)

    async def work() -> str:
        task = asyncio.create_task(working.worker.work())
        run = working.play.ask(definition(step("a", does="hang")))
        await play.steps.hanging.wait()
        working.worker.end()
        await task
        return run.id

    run_id = asyncio.run(work())
    assert working.play.take(run_id) is not None


def test_a_cancelled_run_is_stopped_at_once_and_undone(play: Play, threads: ThreadPoolExecutor) -> None:
    working = _Working(play, threads)

    async def work() -> tuple[str, timedelta]:
        task = asyncio.create_task(working.worker.work())
        run = working.play.ask(definition(step("a"), step("b", does="hang"), rollback=UNDOING))
        await play.steps.hanging.wait()
        asked = working.play.cancel(run.id)
        assert asked.cancellation is not None
        await working.until(run.id, WorkflowStatus.ROLLED_BACK)
        working.worker.end()
        await task
        ended = working.play.run(run.id)
        assert ended.finished_at is not None
        return run.id, ended.finished_at - asked.cancellation.at

    run_id, took = asyncio.run(work())
    run = working.play.run(run_id)
    assert took < LEASE  # it waited for nothing to run out
    assert told(run) == [("a", "SUCCEEDED"), ("b", "INTERRUPTED"), ("<undo-b", "SUCCEEDED"), ("<undo-a", "SUCCEEDED")]
    assert run.error is not None
    assert run.error.error_code == "WF_012"


def test_a_worker_that_can_not_look_waits_before_it_looks_again(
    play: Play, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = _Working(play, threads)
    looks: list[float] = []

    def failing() -> int:
        looks.append(working.clock.monotonic())
        raise Fault("SYS_002", "The disk failed to read or write the database file.")

    async def work() -> None:
        task = asyncio.create_task(working.worker.work())
        run = working.play.ask(definition(step("a", does="hang")))
        await play.steps.hanging.wait()
        with monkeypatch.context() as patch:
            patch.setattr(working.play.store, "data_version", failing)
            play.steps.released.set()
            await working.until(run.id, WorkflowStatus.COMPLETED)  # its end wakes the worker
            looks.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.9):
                    while len(looks) < 3:
                        await working.clock.sleep(0.01)
        working.worker.end()
        await task

    asyncio.run(work())
    assert len(looks) <= 1


def test_a_look_that_fails_once_costs_no_lease_however_long_the_worker_was_idle(
    play: Play, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = _Working(play, threads)
    look, looked_before, failed = working.play.store.data_version, threading.Event(), threading.Event()

    def looked() -> int:
        looked_before.set()
        if working.worker._turns and not failed.is_set():
            failed.set()
            raise Fault("SYS_002", "The database is locked by another program.")
        return look()

    monkeypatch.setattr(working.play.store, "data_version", looked)

    async def work() -> str:
        task = asyncio.create_task(working.worker.work())
        assert await asyncio.to_thread(looked_before.wait, 10)
        working.clock.leapt = 3600.0
        run = working.play.ask(definition(step("a", does="hang", is_repeatable=False)))
        await play.steps.hanging.wait()
        assert await asyncio.to_thread(failed.wait, 10)
        play.steps.released.set()
        await working.until(run.id, WorkflowStatus.COMPLETED)
        working.worker.end()
        await task
        return run.id

    assert told(working.play.run(asyncio.run(work()))) == [("a", "SUCCEEDED")]
