"""kill -9 of workflow workers, and workers that stand still for longer than their lease: every run ends as it should.

A quarter of the runs fail, some are cancelled. No step runs again once it has ended, no effect happens twice, and no worker whose lease was
taken writes anything.
"""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.fork_server import ForkedBot, ForkServer
from tests.workflows.scripted_steps import ScriptedSteps, definition, nothing_required, parsed, step
from trading_bot.clock import SystemClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import Intent
from trading_bot.domain.errors import Scope
from trading_bot.domain.workflow_runs import StepPhase, StepStatus, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys
from trading_bot.store import bots, outbox, workflow_runs
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store
from workflows.runs import Runs

WORKERS = 3
BOTS = tuple(f"bot{n}" for n in range(6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How bad it gets."""

    runs: int
    takes: tuple[float, float]
    """Shortest and longest step, in seconds."""
    lease: float
    """Seconds."""
    kill_every: float
    """Seconds."""
    patience: float
    """Seconds until every run must have ended."""


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    with ForkServer("tests.fakes.killed_worker") as server:
        yield server


def test_a_dozen_runs_survive_workers_that_are_killed(tmp_path: Path, store_url: str, forks: ForkServer) -> None:
    storm = Storm(runs=12, takes=(0.02, 0.06), lease=0.4, kill_every=0.15, patience=60)
    assert weather(storm, tmp_path, store_url, forks) >= 2


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_hundred_runs_survive_a_kill_each_second(tmp_path: Path, store_url: str, forks: ForkServer) -> None:
    storm = Storm(runs=200, takes=(0.05, 0.5), lease=2.0, kill_every=1.0, patience=600)
    assert weather(storm, tmp_path, store_url, forks) >= 20


def weather(storm: Storm, folder: Path, url: str, forks: ForkServer) -> int:
    """Ask for the runs, kill and stop workers until all have ended, and look at everything. How many workers were killed."""
    chance = random.Random(7)
    (folder / "effects").mkdir()
    store, runs, asked = prepared(storm, url, chance)
    environment = {"folder": str(folder), "url": url}
    workers = [forks.start(round(storm.lease * 1000), environment) for _ in range(WORKERS)]
    begun, ticks, killed = time.monotonic(), 0, 0
    while open_runs(store):
        assert time.monotonic() - begun < storm.patience, "runs that did not end"
        time.sleep(storm.kill_every)
        cancel_one(runs, asked, chance)
        ticks += 1
        n = chance.randrange(WORKERS)
        if ticks % 4 == 0:
            stand_still(workers[n], storm.lease * 1.5)
        else:
            workers[n].kill()
            workers[n].wait(10)
            killed += 1
            workers[n] = forks.start(round(storm.lease * 1000), environment)
    for worker in workers:
        worker.kill()
        worker.wait(10)
    look(store, folder, asked)
    store.close()
    return killed


def prepared(storm: Storm, url: str, chance: random.Random) -> tuple[Store, Runs, dict[str, str]]:
    """A store with bots and runs, and what each run is meant to become, by its id."""
    engine = open_engine(url)
    bring_up_to_date(engine)
    clock = SystemClock()
    store = Store(engine, clock)
    caller, _ = Keys(engine, clock).create("operator", Scope.ADMIN)
    runs = Runs(store=store, clock=clock, runner=ScriptedSteps(), require=nothing_required, threads=None)  # type: ignore[arg-type]  # no preview
    for bot_id in BOTS:
        with store.writing(bot_id) as w:
            bots.register_bot(w, name=bot_id, mode=TradingMode.PAPER, venue="paper", replay_of=None)
    asked = {}
    for n in range(storm.runs):
        meant = "fail" if n % 4 == 0 else "cancel" if n % 9 == 1 else "complete"
        takes = [chance.uniform(*storm.takes) for _ in range(9)]
        steps = [
            step(f"s{m}", takes=takes[m], does="fail" if (meant, m) == ("fail", 3) else "nothing") for m in range(5)
        ]
        undoing = tuple(step(f"u{m}", takes=takes[5 + m], undoes=f"s{m}") for m in range(4))
        workflow = parsed(definition(*steps, rollback=undoing, reads_only=n % 10 == 9))
        intent = Intent(caller=caller, idempotency_key=f"k{n}", digest="d" * 64, reason="chaos")
        asked[runs.submit(BOTS[n % len(BOTS)], workflow, {}, intent)[0].id] = meant
    return store, runs, asked


def open_runs(store: Store) -> int:
    total = 0
    for bot_id in BOTS:
        with store.reading(bot_id) as r:
            total += workflow_runs.count_open(r, preempts=False)
    return total


def cancel_one(runs: Runs, asked: dict[str, str], chance: random.Random) -> None:
    meant = [run_id for run_id, fate in asked.items() if fate == "cancel"]
    if not meant:
        return
    run_id = chance.choice(meant)
    caller = Keys(runs._store.engine, runs._clock).list()[0]
    owner = Keys(runs._store.engine, runs._clock).find(caller.id)
    assert owner is not None
    try:
        runs.cancel(run_id, Intent(caller=owner, idempotency_key=f"c-{run_id}", digest="c" * 64, reason="chaos"))
        asked[run_id] = "cancelled"
    except Fault as fault:
        if fault.code != "WF_016":
            raise
        asked[run_id] = "too late"


def stand_still(worker: ForkedBot, seconds: float) -> None:
    os.kill(worker.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(worker.pid, signal.SIGCONT)


def look(store: Store, folder: Path, asked: dict[str, str]) -> None:
    """Everything is as it must be."""
    found = {run.id: run for bot_id in BOTS for run in all_runs(store, bot_id)}
    assert found.keys() == asked.keys()
    for run_id, meant in asked.items():
        assert_ended_as_meant(found[run_id], meant)
    assert not (folder / "fenced").exists(), (folder / "fenced").read_text()
    assert_no_step_ran_after_its_end(found, lines(folder / "begun"))
    assert_effects(found, folder)
    for bot_id in BOTS:
        assert_fences_never_fall(store, bot_id)


def all_runs(store: Store, bot_id: str) -> list[WorkflowRun]:
    with store.reading(bot_id) as r:
        return list(workflow_runs.list_runs(r, 100).items)


def assert_ended_as_meant(run: WorkflowRun, meant: str) -> None:
    expected = {
        "complete": {WorkflowStatus.COMPLETED},
        "fail": {WorkflowStatus.ROLLED_BACK},
        "cancel": {WorkflowStatus.COMPLETED},
        "too late": {WorkflowStatus.COMPLETED},
        "cancelled": {WorkflowStatus.COMPLETED, WorkflowStatus.ROLLED_BACK, WorkflowStatus.CANCELLED},
    }
    assert run.status in expected[meant], (meant, run)
    for position in range(len(run.forward)):
        ended = [one for one in run.attempts_at(StepPhase.FORWARD, position) if one.status is StepStatus.SUCCEEDED]
        assert len(ended) <= 1, run


def assert_no_step_ran_after_its_end(found: dict[str, WorkflowRun], begun: list[dict[str, object]]) -> None:
    """Whatever was begun was begun before the step's success was written, if it was."""
    ends = {
        f"{run.id}:{one.id}": one.finished_at.timestamp()
        for run in found.values()
        for one in run.attempts
        if one.status is StepStatus.SUCCEEDED and one.finished_at is not None
    }
    late = [line for line in begun if line["at"] > ends.get(str(line["key"]), float("inf"))]  # type: ignore[operator]
    assert late == []


def assert_effects(found: dict[str, WorkflowRun], folder: Path) -> None:
    """What a step that succeeded did is done, and what was never begun is not."""
    effects = {path.name for path in (folder / "effects").iterdir()}
    succeeded = {f"{r.id}:{one.id}" for r in found.values() for one in r.attempts if one.status is StepStatus.SUCCEEDED}
    begun = {f"{r.id}:{one.id}" for r in found.values() for one in r.attempts}

    assert succeeded <= effects <= begun


def assert_fences_never_fall(store: Store, bot_id: str) -> None:
    """In the log, the leases under which a run was written only rise."""
    last: dict[str, int] = {}
    with store.reading(bot_id) as r:
        rows = [row for row in outbox.list_outbox(r, 100_000) if row.stream == "workflow_execution_log"]
    assert rows
    for row in rows:
        fence = row.record["fence"]
        if fence is not None:
            run_id = row.record.get("run_id") or row.record["id"]
            assert fence >= last.get(run_id, 0)
            last[run_id] = fence


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]
