"""One view an operation, read in few trips, and given back whatever happens."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from resolvers.context import Context, Operation, Parts
from resolvers.snapshot import MOST_VIEWS, Snapshot
from tests.resolvers.conftest import CALLER
from trading_bot.errors.fault import Fault
from trading_bot.store import positions
from trading_bot.store.store import Reading


class CountingThreads(ThreadPoolExecutor):
    """Counts what it is given to do."""

    def __init__(self) -> None:
        super().__init__(2)
        self.trips = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.trips += 1
        return super().submit(*args, **kwargs)


def test_what_is_asked_for_at_once_is_read_in_one_trip(parts: Parts) -> None:
    async def look(threads: CountingThreads) -> list[int]:
        snapshot = Snapshot(replace_workers(parts, threads))
        seen = await asyncio.gather(*(snapshot.read("main", lambda r: r.seq()) for _ in range(50)))
        trips = threads.trips
        await snapshot.close()
        return [*seen, trips]

    with CountingThreads() as threads:
        assert asyncio.run(look(threads)) == [4] * 50 + [1]


def test_a_read_that_fails_leaves_the_others_alone(parts: Parts) -> None:
    def fail(r: Reading) -> None:
        raise Fault("SYS_002", "The disk is full.")

    async def look() -> list[Any]:
        snapshot = Snapshot(parts.views)
        seen = await asyncio.gather(
            snapshot.read("main", fail),
            snapshot.read("main", lambda r: [held.symbol for held in positions.list_positions(r)]),
            return_exceptions=True,
        )
        await snapshot.close()
        return list(seen)

    failed, found = asyncio.run(look())

    assert isinstance(failed, Fault)
    assert found == ["SPY"]


def test_a_read_whose_asker_is_gone_harms_nobody(parts: Parts) -> None:
    release = threading.Event()

    def wait(r: Reading) -> int:
        release.wait(5)
        return 1

    async def look() -> int:
        snapshot = Snapshot(parts.views)
        gone = asyncio.create_task(snapshot.read("main", wait))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()
        release.set()
        seen = await snapshot.read("main", lambda r: r.seq())
        await snapshot.close()
        return seen

    assert asyncio.run(look()) == 4


def test_more_operations_than_views_wait_for_room_and_all_are_answered(parts: Parts) -> None:
    async def one() -> int:
        operation = Operation(parts, CALLER)
        try:
            context: Context = operation.of_root("root")
            await context.choose_bot(None)
            return await context.read(lambda r: r.seq())
        finally:
            await operation.close()

    async def look() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(5 * MOST_VIEWS)))

    assert asyncio.run(look()) == [4] * 5 * MOST_VIEWS
    assert parts.store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_field_that_chose_no_bot_can_not_read(context: Context) -> None:
    async def look() -> None:
        await context.read(lambda r: r.seq())

    with pytest.raises(Fault, match="SYS_001"):
        asyncio.run(look())


def replace_workers(parts: Parts, threads: CountingThreads) -> Any:

    return replace(parts.views, workers=threads)
