"""Snapshot: one consistent view of the books, read in worker threads so that no slow disk stops the event loop.

All reads of one operation see the same commit, whatever bot they are about. What is asked for in the same turn of the event loop is read in
one trip to a thread. A view holds a database connection, so only so many are open at a time; whoever wants another waits without
keeping a thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from resolvers.versions import Versions
from trading_bot.errors.fault import Fault
from trading_bot.store.store import Reading, Store

T = TypeVar("T")
_Work = tuple[str, Callable[[Reading], Any]]

MOST_VIEWS = 8
"""Views open at the same time; the store has twice as many connections, so that keys and writes find one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Where views come from."""

    store: Store
    workers: Executor
    """Threads in which the store is read."""
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_VIEWS))


class Snapshot:
    """The books as they were at the first read. Must be closed, and can then be used anew."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._waiting: list[tuple[_Work, asyncio.Future[Any]]] = []
        self._trips: asyncio.Task[None] | None = None
        self._opened: AbstractContextManager[Reading] | None = None
        self._reading: Reading | None = None
        self._has_room = False
        self.at: Versions | None = None
        """The state that is to be shown, where it is known and nothing but remembered facts is asked for: no view is opened then."""
        self.failure: Fault | None = None
        """Why the store can't be read, where that was just seen: to try again would only take as long again."""

        self.is_closed = False
        """Whether nothing may be read: what is answered takes no waiting, or is not answered so."""

    async def read(self, bot_id: str, work: Callable[[Reading], T]) -> T:
        """What `work` makes of one bot's books; it runs in a thread and may raise what the store raises."""
        if self.is_closed:
            raise Fault("SYS_001", "What takes no waiting reads no store.")
        if self.failure is not None:
            raise self.failure
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(((bot_id, work), answer))
        if self._trips is None:
            self._trips = loop.create_task(self._make_trips())
        return await answer

    async def close(self) -> None:
        """Let go of the database connection; waits for a read that is under way."""
        if self._trips is not None:
            await self._trips
        try:
            if self._opened is not None:
                opened, self._opened, self._reading = self._opened, None, None
                await self._in_thread(lambda: opened.__exit__(None, None, None))
        finally:
            if self._has_room:
                self._has_room = False
                self._views.room.release()

    async def _make_trips(self) -> None:
        try:
            if not self._has_room:
                await self._views.room.acquire()
                self._has_room = True
            while self._waiting:
                batch, self._waiting = self._waiting, []
                outcomes = await self._in_thread(partial(self._carry_out, [work for work, _ in batch]))
                for (_, answer), outcome in zip(batch, outcomes, strict=True):
                    _settle(answer, outcome)
        finally:
            self._trips = None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._views.workers, work)

    def _carry_out(self, batch: list[_Work]) -> list[Any]:
        """The results of `batch`, in its order; an exception stands for itself."""
        try:
            reading = self._open(batch[0][0])
        except Exception as error:  # noqa: BLE001 (raised where it was asked for)
            return [error] * len(batch)
        return [_outcome(work, replace(reading, bot_id=bot_id)) for bot_id, work in batch]

    def _open(self, bot_id: str) -> Reading:
        if self._reading is None:
            opened = self._views.store.reading(bot_id)
            self._reading = opened.__enter__()
            self._opened = opened
        return self._reading


def _outcome(work: Callable[[Reading], Any], reading: Reading) -> Any:
    try:
        return work(reading)
    except Exception as error:  # noqa: BLE001 (raised where it was asked for)
        return error


def _settle(answer: asyncio.Future[Any], outcome: Any) -> None:
    if answer.done():  # whoever asked is gone
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
