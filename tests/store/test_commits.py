"""PostgreSQL tells of each commit once, of a rollback never; who follows events is woken by it, and outlasts a connection that is lost."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import TypeVar

import psycopg
import pytest
import sqlalchemy as sa

from resolvers import stream
from resolvers.stream import Stream
from tests.api.conftest import NOW
from tests.fakes.standing_clock import StandingClock
from trading_bot.clock import SystemClock
from trading_bot.domain.events import Event, EventKind
from trading_bot.store import commits
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

LISTENERS = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
  AND application_name = 'botgraph listens' AND state = 'idle' AND query LIKE 'LISTEN %'"""
T = TypeVar("T")
NEVER = 3_600.0


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    engine = open_engine(postgres_url)
    bring_up_to_date(engine)
    opened = Store(engine, StandingClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks unless told to."""
    monkeypatch.setattr(stream, "POLL_SECONDS", NEVER)
    monkeypatch.setattr(commits, "PATIENCE_SECONDS", NEVER)
    monkeypatch.setattr(commits, "RETRY_SECONDS", 0.02)


def test_a_commit_is_told_once_and_a_rollback_never(store: Store) -> None:
    address = store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as listening:
        listening.execute("LISTEN botgraph")
        with contextlib.suppress(KeyError), store.writing("main") as w:
            w.changed(EventKind.FILL, "s", "It happened.", {})
            raise KeyError
        happen(store, 3)
        listening.execute("NOTIFY botgraph, 'the end'")
        told = [notice.payload for notice in listening.notifies(timeout=10, stop_after=2)]

    assert told == ["", "the end"]


@pytest.mark.usefixtures("only_told")
def test_events_come_though_nobody_looks_for_them(store: Store) -> None:
    async def work(following: AsyncGenerator[Event, None]) -> list[int]:
        seen: list[int] = []
        for _ in range(5):
            happen(store, 1)
            seen += await take(following, 1)
        return seen

    assert followed(store, work) == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("only_told")
def test_a_lost_connection_is_made_again_and_nothing_is_missed(store: Store) -> None:
    async def work(following: AsyncGenerator[Event, None]) -> tuple[list[int], bool]:
        happen(store, 1)
        seen = await take(following, 1)
        before = await listener(store)
        for _ in range(3):
            cut_off(store)
            happen(store, 2)
            seen += await take(following, 2)
        after = await listener(store)
        happen(store, 1)
        return seen + await take(following, 1), before != after

    assert followed(store, work) == ([1, 2, 3, 4, 5, 6, 7, 8], True)


def test_while_nothing_is_heard_one_looks_as_often_as_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "PATIENCE_SECONDS", NEVER)
    monkeypatch.setattr(commits, "RETRY_SECONDS", NEVER)

    async def work(following: AsyncGenerator[Event, None]) -> list[int]:
        happen(store, 1)
        seen = await take(following, 1)
        await listener(store)
        cut_off(store)
        for _ in range(3):
            happen(store, 1)
            seen += await take(following, 1)
        return seen

    assert followed(store, work) == [1, 2, 3, 4]


def test_what_is_swallowed_on_the_way_is_found_before_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "CHANNEL", "elsewhere")
    monkeypatch.setattr(commits, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(stream, "POLL_SECONDS", NEVER)

    async def work(following: AsyncGenerator[Event, None]) -> list[int]:
        happen(store, 1)
        seen = await take(following, 1)
        await listener(store)
        for _ in range(3):
            happen(store, 1)
            seen += await take(following, 1)
        return seen

    assert followed(store, work) == [1, 2, 3, 4]


def test_nobody_listens_when_nobody_follows(store: Store) -> None:
    async def work(following: AsyncGenerator[Event, None]) -> list[int]:
        happen(store, 1)
        await take(following, 1)
        await listener(store)
        await following.aclose()
        give_up = SystemClock().monotonic() + 10
        while listeners(store):
            assert SystemClock().monotonic() < give_up
            await asyncio.sleep(0)
        return listeners(store)

    assert followed(store, work) == []


def followed(store: Store, work: Callable[[AsyncGenerator[Event, None]], Awaitable[T]]) -> T:
    """What `work` makes of the events of a bot from its first on."""

    async def inside() -> T:
        events = Stream(store=store, clock=StandingClock(NOW))
        try:
            return await work(events.follow("main", 0))
        finally:
            events.close()

    return asyncio.run(inside())


async def take(following: AsyncGenerator[Event, None], count: int) -> list[int]:
    async with asyncio.timeout(10):
        return [(await anext(following)).seq for _ in range(count)]


def happen(store: Store, count: int) -> None:
    """So many events in one commit."""
    with store.writing("main") as w:
        for _ in range(count):
            w.changed(EventKind.FILL, "s", "It happened.", {})


async def listener(store: Store) -> int:
    """The server's process for who listens, once there is one."""
    give_up = SystemClock().monotonic() + 10
    while not (found := listeners(store)):
        assert SystemClock().monotonic() < give_up
        await asyncio.sleep(0)
    return found[0]


def listeners(store: Store) -> list[int]:
    with store.engine.connect() as connection:
        return list(connection.execute(sa.text(LISTENERS)).scalars())


def cut_off(store: Store) -> None:
    """End the connection that listens, as a server does that is started again."""
    with store.engine.begin() as connection:
        connection.execute(sa.text(LISTENERS.replace("pid", "pg_terminate_backend(pid)")))
