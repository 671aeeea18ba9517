"""Snapshot: one consistent view of one bot's books, read in worker threads so that no slow disk stops the event loop.

All reads of one operation see the same commit. What is asked for in the same turn of the event loop is read in one trip to a thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from trading_bot.store.store import Reading, Store

T = TypeVar("T")
_Work = Callable[[Reading], Any]


class Snapshot:
    """The books of one bot as they were at the first read. Must be closed."""

    def __init__(self, store: Store, bot_id: str, workers: Executor) -> None:
        self._store = store
        self._bot_id = bot_id
        self._workers = workers
        self._waiting: list[tuple[_Work, asyncio.Future[Any]]] = []
        self._trips: asyncio.Task[None] | None = None
        self._opened: AbstractContextManager[Reading] | None = None
        self._reading: Reading | None = None

    async def read(self, work: Callable[[Reading], T]) -> T:
        """What `work` makes of the books; it runs in a thread and may raise what the store raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append((work, answer))
        if self._trips is None:
            self._trips = loop.create_task(self._make_trips())
        return await answer

    async def close(self) -> None:
        """Let go of the database connection; waits for a read that is under way."""
        if self._trips is not None:
            await self._trips
        if self._opened is not None:
            opened, self._opened, self._reading = self._opened, None, None
            await asyncio.get_running_loop().run_in_executor(self._workers, opened.__exit__, None, None, None)

    async def _make_trips(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                outcomes = await loop.run_in_executor(self._workers, self._carry_out, [work for work, _ in batch])
                for (_, answer), outcome in zip(batch, outcomes, strict=True):
                    _settle(answer, outcome)
        finally:
            self._trips = None

    def _carry_out(self, batch: list[_Work]) -> list[Any]:
        """The results of `batch`, in its order; an exception stands for itself."""
        try:
            reading = self._open()
        except Exception as error:  # noqa: BLE001 (raised where it was asked for)
            return [error] * len(batch)
        return [_outcome(work, reading) for work in batch]

    def _open(self) -> Reading:
        if self._reading is None:
            opened = self._store.reading(self._bot_id)
            self._reading = opened.__enter__()
            self._opened = opened
        return self._reading


def _outcome(work: _Work, reading: Reading) -> Any:
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
