"""The stream of events: one watcher for all who follow, which looks only while somebody does and outlasts a store that fails."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from resolvers import stream as module
from resolvers.stream import Stream
from tests.api.conftest import NOW
from tests.fakes.standing_clock import StandingClock
from trading_bot.clock import SystemClock
from trading_bot.domain.events import Event, EventKind
from trading_bot.errors.fault import Fault
from trading_bot.store import tables
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

Following = AsyncGenerator[Event, None]


@pytest.fixture
def store(tables_url: str) -> Iterator[Store]:
    opened = Store(open_engine(tables_url), StandingClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Store]:
    opened = Store(open_engine(sqlite_url), StandingClock(NOW))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.02)


def happen(store: Store, count: int = 1, *, bot_id: str = "main", kind: EventKind = EventKind.FILL) -> None:
    with store.writing(bot_id) as w:
        for _ in range(count):
            w.changed(kind, f"{bot_id}-{w.seq() + 1}", "It happened.", {})


async def take(following: Following, count: int) -> list[int]:
    async with asyncio.timeout(10):
        return [(await anext(following)).seq for _ in range(count)]


async def begun(stream: Stream) -> None:
    """Wait until the bot's events are being followed."""
    async with asyncio.timeout(10):
        while not stream._tails or stream._tails["main"].last is None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


def run(store: Store, work: Any) -> Any:
    """What `work` makes of a stream of the store, closed after it."""

    async def inside() -> Any:
        stream = Stream(store=store, clock=StandingClock(NOW))
        try:
            return await work(stream)
        finally:
            stream.close()

    return asyncio.run(inside())


def test_followers_of_one_bot_and_of_another_each_get_their_own(store: Store) -> None:
    async def work(stream: Stream) -> list[list[int]]:
        happen(store, 3)
        early, late, other = (stream.follow("main", 0), stream.follow("main", 2), stream.follow("other", 0))
        first = [await take(early, 3), await take(late, 1)]
        happen(store, 2)
        happen(store, 1, bot_id="other")
        return [*first, await take(early, 2), await take(late, 2), await take(other, 1)]

    assert run(store, work) == [[1, 2, 3], [3], [4, 5], [4, 5], [1]]


def test_who_follows_from_now_on_gets_what_comes_and_no_more(store: Store) -> None:
    async def work(stream: Stream) -> list[int]:
        happen(store, 3)
        following = stream.follow("main", None)
        first = asyncio.ensure_future(take(following, 2))
        await begun(stream)
        happen(store, 2)
        return await first

    assert run(store, work) == [4, 5]


def test_the_store_is_looked_at_only_while_somebody_follows(lite: Store) -> None:
    async def work(stream: Stream) -> list[bool]:
        happen(lite)
        one, another = stream.follow("main", 0), stream.follow("main", 0)
        await take(one, 1)
        await take(another, 1)
        watcher = stream._watcher
        assert watcher is not None
        await one.aclose()
        still = not watcher.cancelling()
        await another.aclose()
        await asyncio.wait([watcher], timeout=10)
        return [still, watcher.cancelled(), stream._watcher is None, not stream._tails]

    assert run(lite, work) == [True, True, True, True]


def test_many_followers_read_an_event_from_the_store_once(lite: Store) -> None:
    async def work(stream: Stream) -> int:
        happen(lite)
        following = [stream.follow("main", 0) for _ in range(50)]
        for one in following:
            await take(one, 1)
        with mock.patch.object(lite, "reading", wraps=lite.reading) as readings:
            happen(lite, 10)
            assert [await take(one, 10) for one in following] == [list(range(2, 12))] * 50
            return readings.call_count

    assert run(lite, work) == 1


def test_a_follower_that_stands_still_holds_up_nobody_and_misses_nothing(lite: Store) -> None:
    async def work(stream: Stream) -> tuple[list[int], list[int]]:
        slow, quick = stream.follow("main", 0), stream.follow("main", 0)
        happen(lite)
        stood = await take(slow, 1)
        seen: list[int] = []
        for _ in range(15):
            happen(lite, 100)
            seen += await take(quick, 100)
        return seen, stood + await take(slow, 1_500)

    quick, slow = run(lite, work)

    assert quick == list(range(1, 1_501))
    assert slow == list(range(1, 1_502))


def test_a_store_that_can_not_be_read_for_a_while_delays_events_and_loses_none(lite: Store) -> None:
    broken = Fault("SYS_002", "The disk failed to read or write the database file.")

    async def work(stream: Stream) -> list[int]:
        happen(lite)
        following = stream.follow("main", 0)
        seen = await take(following, 1)
        with mock.patch.object(lite, "data_version", side_effect=[broken, broken, broken, 1, 2, 3]) as looks:
            happen(lite, 3)
            seen += await take(following, 3)
            assert looks.call_count >= 4
        return seen

    assert run(lite, work) == [1, 2, 3, 4]


def test_an_unexpected_failure_ends_every_follower_and_the_next_begins_anew(lite: Store) -> None:
    async def work(stream: Stream) -> list[int]:
        happen(lite)
        following = [stream.follow("main", 0) for _ in range(3)]
        for one in following:
            await take(one, 1)
        with mock.patch.object(lite, "data_version", side_effect=RuntimeError("a fault of ours")):
            for one in following:
                with pytest.raises(RuntimeError, match="a fault of ours"):
                    await take(one, 1)
        happen(lite)
        return await take(stream.follow("main", 0), 2)

    assert run(lite, work) == [1, 2]


def test_a_store_that_was_put_back_tells_its_followers(lite: Store) -> None:
    async def work(stream: Stream) -> str:
        happen(lite, 5)
        following = stream.follow("main", 5)
        waiting = asyncio.ensure_future(take(following, 1))
        await begun(stream)
        with lite.engine.begin() as connection:
            connection.execute(tables.changes.delete().where(tables.changes.c.seq > 2))
            connection.execute(sa.update(tables.counters).values(seq=2))
        with pytest.raises(Fault) as refused:
            await waiting
        return str(refused.value)

    assert run(lite, work) == "DATA_006: The stream has come to 2, 5 is not a number of it yet."


def test_what_is_committed_while_somebody_joins_is_not_left_for_the_next_commit(lite: Store) -> None:
    async def work(stream: Stream) -> list[int]:
        happen(lite)
        latest = stream._latest

        def slowly(bot_id: str) -> int:
            found = latest(bot_id)
            happen(lite)  # seen by the look that waits for this one
            give_up = SystemClock().monotonic() + 10
            while not stream._thread._work_queue.qsize():
                assert SystemClock().monotonic() < give_up
            return found

        stream._latest = slowly  # type: ignore[method-assign]
        return await take(stream.follow("main", None), 1)

    assert run(lite, work) == [2]
