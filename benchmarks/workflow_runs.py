"""Workflow runs: how long empty steps take, how long a dead worker's run lies still, and how long a cancel takes to be undone.

Compared with as many bare commits, one row each, of the same database file in the same run: what the store itself asks for durability.
"""

import asyncio
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from benchmarks.table import Table
from tests.fakes.fork_server import ForkServer
from tests.workflows.scripted_steps import ScriptedSteps, definition, nothing_required, parsed, step
from trading_bot.clock import SystemClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import Caller, Intent
from trading_bot.domain.errors import Scope
from trading_bot.domain.workflow_runs import StepStatus, WorkflowRun
from trading_bot.services.keys import Keys
from trading_bot.store import bots, engine, workflow_runs
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store
from workflows.engine import Engine
from workflows.runs import Runs
from workflows.worker import LEASE_SECONDS, Worker

CLOCK = SystemClock()
RUNS = 50
STEPS = 4
COMMITS_A_RUN = STEPS + 3  # asked for, taken, and one move for each step and the start


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """The table; quick: ten runs and a short lease."""
    runs = 10 if quick else RUNS
    lease = 1.0 if quick else LEASE_SECONDS
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name))
        bare = place.bare_commits(runs * COMMITS_A_RUN)
        submit, carried = place.empty_runs(runs)
        cancels = [place.cancelled() for _ in range(3 if quick else 20)]
        takeover = place.taken_over(lease)
        place.close()
    rows = (
        (f"{runs} runs of {STEPS} empty steps, one after the other on one bot", f"{carried:.2f} s", "under 2 s"),
        ("the same number of bare commits, one row each", f"{bare:.2f} s", ""),
        ("asking for one run", f"{submit * 1000:.1f} ms", ""),
        (
            "cancel to rolled back, three empty steps undone",
            f"{statistics.median(cancels):.2f} s, at most {max(cancels):.2f} s",
            "under 1 s",
        ),
        (f"kill -9 to the next attempt, lease of {lease:g} s", f"{takeover:.2f} s", f"within {lease:g} s"),
    )
    note = "SQLite with synchronous=FULL, one worker, steps that do nothing."
    return Table(title="Workflow runs", columns=("what", "measured", "wanted"), rows=rows, note=note)


class Place:
    """A store with a bot, and what carries its runs on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._url = f"sqlite:///{folder / 'botgraph.db'}"
        self._engine = open_engine(self._url)
        bring_up_to_date(self._engine)
        self._store = Store(self._engine, CLOCK)
        self._threads = ThreadPoolExecutor(2)
        self._steps = ScriptedSteps()
        self._runs = Runs(
            store=self._store, clock=CLOCK, runner=self._steps, require=nothing_required, threads=self._threads
        )
        self._caller: Caller = Keys(self._engine, CLOCK).create("operator", Scope.ADMIN)[0]
        self._asked = 0
        with self._store.writing("main") as w:
            bots.register_bot(w, name="Main", mode=TradingMode.PAPER, venue="paper", replay_of=None)

    def bare_commits(self, count: int) -> float:
        """Seconds for so many commits of one row each."""
        with engine.writing(self._engine) as connection:
            connection.execute(sa.text("CREATE TABLE bare (n INTEGER)"))
        begun = time.perf_counter()
        for n in range(count):
            with engine.writing(self._engine) as connection:
                connection.execute(sa.text("INSERT INTO bare VALUES (:n)"), {"n": n})
        return time.perf_counter() - begun

    def empty_runs(self, count: int) -> tuple[float, float]:
        """Seconds to ask for one run, and until all of them have ended."""
        begun = time.perf_counter()
        ids = [self._ask(*(step(f"s{n}") for n in range(STEPS))).id for _ in range(count)]
        submit = (time.perf_counter() - begun) / count
        begun = time.perf_counter()
        asyncio.run(self._worked(ids[-1]))
        return submit, time.perf_counter() - begun

    def cancelled(self) -> float:
        """Seconds from asking for a cancel to the end of the rollback."""
        self._steps.hanging, self._steps.released = asyncio.Event(), asyncio.Event()
        undoing = tuple(step(f"u{n}", undoes=f"s{n}") for n in range(3))
        run_id = self._ask(step("s0"), step("s1"), step("s2", does="hang"), rollback=undoing).id
        return asyncio.run(self._cancelled(run_id))

    def taken_over(self, lease: float) -> float:
        """Seconds from the death of a worker in a step to the beginning of the next attempt, by another one that is there already."""
        (self._folder / "effects").mkdir()
        environment = {"folder": str(self._folder), "url": self._url}
        with ForkServer("tests.fakes.killed_worker") as forks:
            first = forks.start(round(lease * 1000), environment)
            run_id = self._ask(step("s0", takes=60.0)).id
            self._until(run_id, attempts=1)
            forks.start(round(lease * 1000), environment)
            time.sleep(lease / 2)
            first.kill()
            begun = time.perf_counter()
            self._until(run_id, attempts=2)
            return time.perf_counter() - begun

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()
        self._threads.shutdown()

    def _ask(self, *steps: dict[str, object], rollback: tuple[dict[str, object], ...] = ()) -> WorkflowRun:
        self._asked += 1
        intent = Intent(caller=self._caller, idempotency_key=f"k{self._asked}", digest="d" * 64, reason="benchmark")
        return self._runs.submit("main", parsed(definition(*steps, rollback=rollback)), {}, intent)[0]

    def _worker(self) -> Worker:
        carrying = Engine(
            store=self._store,
            clock=CLOCK,
            keys=Keys(self._engine, CLOCK),
            runner=self._steps,
            parse=parsed,
            require=nothing_required,
            threads=self._threads,
        )
        return Worker(store=self._store, clock=CLOCK, engine=lambda: carrying, threads=self._threads)

    async def _worked(self, last: str) -> None:
        worker = self._worker()
        task = asyncio.create_task(worker.work())
        while not self._find(last).has_ended:  # noqa: ASYNC110 - as another process would look
            await asyncio.sleep(0.02)
        worker.end()
        await task

    async def _cancelled(self, run_id: str) -> float:
        worker = self._worker()
        task = asyncio.create_task(worker.work())
        await self._steps.hanging.wait()
        begun = time.perf_counter()
        self._asked += 1
        intent = Intent(caller=self._caller, idempotency_key=f"k{self._asked}", digest="c" * 64, reason="benchmark")
        self._runs.cancel(run_id, intent)
        while not self._find(run_id).has_ended:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.005)
        took = time.perf_counter() - begun
        worker.end()
        await task
        return took

    def _until(self, run_id: str, *, attempts: int) -> None:
        while sum(one.status is not StepStatus.PENDING for one in self._find(run_id).attempts) < attempts:
            time.sleep(0.01)

    def _find(self, run_id: str) -> WorkflowRun:
        with self._store.reading("main") as r:
            found = workflow_runs.find_run(r, run_id)
        if found is None:
            raise KeyError(run_id)
        return found
