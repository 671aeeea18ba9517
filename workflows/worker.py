"""The worker: finds runs that are due, takes a lease on each, and carries several on at a time.

A lease is renewed long before it ends. A worker that dies holds its leases until they end, and then any other one takes its runs over;
one that ends in order lets them go at once. One loop looks, several times a second and cheaply, whether anybody has committed: only then
is there anything to find out, be it a run to take, one to cancel, or a lease that was lost.
"""

import asyncio
import os
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta
from typing import TypeVar

import structlog

from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.store import engine as engines
from trading_bot.store import workflow_runs
from trading_bot.store.store import Store
from trading_bot.store.workflow_runs import Lease
from workflows.engine import Engine, Turn

T = TypeVar("T")

LEASE_SECONDS = 6.0
"""Within how long the runs of a worker that fell silent are taken over."""
HELD_SHARE = 7 / 8
"""How much of that a lease lasts; the rest is for the look that finds it over."""
RENEWED_AT = 4
"""How often a lease is renewed while it lasts."""
POLL_SECONDS = 0.1
"""Time between two looks whether somebody has committed."""
LOOK_SECONDS = 0.5
"""Longest time between two looks for runs whose time has come."""
RETRY_SECONDS = 1.0
"""Time until the next look when the store can't be used."""
DRAIN_SECONDS = 1.0
"""How long steps may take to end when the worker ends."""
MOST_TURNS = 8
"""Runs that one worker carries on at a time."""
KEPT_FREE = 2
"""Of these, what runs that only read leave to those that write: any number of looks must not hold up a shutdown."""
_log = structlog.get_logger(__name__)


class Worker:
    """Carries runs on until it is told to end. The engine is made when there is a first run: most processes never need it."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        engine: Callable[[], Engine],
        threads: Executor,
        name: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.name = name or f"{os.uname().nodename}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._store = store
        self._clock = clock
        self._make_engine = engine
        self._engine: Engine | None = None
        self._making = asyncio.Lock()
        self._threads = threads
        self._lease = timedelta(seconds=lease_seconds * HELD_SHARE)
        self._turns: dict[str, tuple[Turn, asyncio.Task[None]]] = {}
        self._ends = asyncio.Event()
        self._woken = asyncio.Event()

    async def work(self) -> None:
        """Carry runs on until `end` is called; then wait a little for the steps that are under way, and let go of every run."""
        version: int | None = None
        looked = float("-inf")
        renewed = self._clock.monotonic()
        while not self._ends.is_set():
            is_woken = self._woken.is_set()
            self._woken.clear()  # here, whatever fails below: a wait would be none otherwise
            try:
                now = self._clock.monotonic()
                seen = await self._in_thread(self._store.data_version)
                is_new, version = seen != version, seen
                if self._turns and now - renewed >= self._lease.total_seconds() / RENEWED_AT:
                    await self._in_thread(self._renew)
                    renewed, is_new = now, True
                if is_new and self._turns:
                    await self._look_after()
                if is_new or is_woken or now - looked >= LOOK_SECONDS:
                    looked = now
                    await self._look_for_work()
            except Exception as error:  # noqa: BLE001 - a worker that ended would leave every run to others, or to nobody
                _log.warning("workflow_worker_waits", exc_info=error)
                version = None
                self._give_up()
                await self._pause(RETRY_SECONDS)
            else:
                await self._pause(POLL_SECONDS)
        await self._let_go()

    def end(self) -> None:
        """Have `work` come to its end."""
        self._ends.set()
        self._woken.set()

    async def _look_for_work(self) -> None:
        """Take what is due, as much as can be carried on at a time."""
        free = MOST_TURNS - len(self._turns)
        if free <= 0:
            return
        for lease, good_until in await self._in_thread(lambda: self._take(free)):
            turn = Turn(lease=lease, good_until=good_until)
            task = asyncio.get_running_loop().create_task(self._turn(turn))
            self._turns[lease.run_id] = (turn, task)

    def _take(self, most: int) -> list[tuple[Lease, float]]:
        """Leases, each with the monotonic time until when it is good without being renewed."""
        now = self._clock.now()
        with engines.reading(self._store.engine) as connection:
            due = workflow_runs.list_due(connection, now)
        taken: list[tuple[Lease, float]] = []
        for one in due:
            if most - len(taken) <= (KEPT_FREE if one.reads_only else 0):
                continue
            if one.run_id in self._turns:
                continue  # ours, with a lease that was not renewed in time: it must end first
            good_until = self._clock.monotonic() + self._lease.total_seconds()
            with self._store.writing(one.bot_id) as w:
                lease = workflow_runs.take(w, one.run_id, owner=self.name, until=w.now + self._lease)
            if lease is not None:
                taken.append((lease, good_until))
        return taken

    async def _turn(self, turn: Turn) -> None:
        """Carry one run on. What fails here is the store or ourselves: the lease then runs out, and somebody takes the run over."""
        try:
            engine = await self._ready_engine()
            await engine.carry_on(turn)
        except Fault as fault:
            _log.warning("workflow_run_put_off", run_id=turn.lease.run_id, code=fault.code, cause=fault.cause)
        except Exception as error:  # noqa: BLE001 - one run must not end the others
            _log.error("workflow_run_failed", run_id=turn.lease.run_id, exc_info=error)
        finally:
            self._turns.pop(turn.lease.run_id, None)
            self._woken.set()

    async def _ready_engine(self) -> Engine:
        async with self._making:
            if self._engine is None:
                self._engine = await self._in_thread(self._make_engine)
            return self._engine

    async def _look_after(self) -> None:
        """Tell each turn that its run is to be cancelled, or that its lease is over."""
        turns = [turn for turn, _ in self._turns.values()]
        wanted = await self._in_thread(lambda: self._wanted([turn.lease for turn in turns]))
        for turn in turns:
            if turn.lease.run_id not in wanted:
                turn.lost.set()
            elif wanted[turn.lease.run_id]:
                turn.cancelled.set()

    def _give_up(self) -> None:
        """Stop each step whose lease could not be renewed in time: others may have it."""
        now = self._clock.monotonic()
        for turn, _ in self._turns.values():
            if now >= turn.good_until:
                turn.lost.set()

    def _wanted(self, leases: list[Lease]) -> dict[str, bool]:
        with engines.reading(self._store.engine) as connection:
            return workflow_runs.list_wanted(connection, leases)

    def _renew(self) -> None:
        turns = [turn for turn, _ in list(self._turns.values())]
        good_until = self._clock.monotonic() + self._lease.total_seconds()
        with engines.writing(self._store.engine) as connection:
            until = self._clock.now() + self._lease
            held = workflow_runs.renew(connection, [turn.lease for turn in turns], until=until)
        for turn in turns:
            if turn.lease in held:
                turn.good_until = good_until

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until a run has ended here or we are to end."""
        wait = asyncio.ensure_future(self._clock.sleep(seconds))
        woken = asyncio.ensure_future(self._woken.wait())
        await asyncio.wait({wait, woken}, return_when=asyncio.FIRST_COMPLETED)
        for task in (wait, woken):
            task.cancel()

    async def _let_go(self) -> None:
        """End what is under way, and hand the runs over at once."""
        tasks = [task for _, task in self._turns.values()]
        if not tasks:
            return
        await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        left = [turn.lease for turn, task in self._turns.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if left:
            await self._in_thread(lambda: self._release(left))

    def _release(self, leases: list[Lease]) -> None:
        with engines.writing(self._store.engine) as connection:
            workflow_runs.renew(connection, leases, until=self._clock.now())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
