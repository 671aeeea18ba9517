"""Stream: the events of every bot as they are committed, read from the store once however many follow them.

As long as anybody follows, one watcher a process reads what is new of the bots that are followed whenever somebody has committed, which
PostgreSQL tells it and SQLite has it look for. The latest events stay in memory; whoever comes from further back reads the store until it
has caught up with them. Events are numbered without gaps, so a follower that has seen n goes on behind n, wherever it takes the next one
from: nothing is left out, and nothing comes twice. A slow follower holds up nobody, and is held by nothing but its own number.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from trading_bot.clock import Clock
from trading_bot.domain.events import Event, EventKind
from trading_bot.errors.fault import Fault
from trading_bot.store import changes
from trading_bot.store.commits import Commits
from trading_bot.store.store import Store

T = TypeVar("T")

POLL_SECONDS = 0.03
"""Time between two looks where commits are not told: an event is promised within 100 ms of its commit."""
RETRY_SECONDS = 1.0
"""Time until the next look when the store can't be read."""
REMEMBERED = 1_024
"""Events of one bot that stay in memory."""
BATCH = 200
"""Events that are read at once."""


@dataclass(slots=True, kw_only=True)
class _Tail:
    """The latest events of one bot, without a gap between them."""

    followers: int = 0
    last: int | None = None
    """The number up to which the store was read; null before the first time."""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    """Those that were read since, the last one numbered `last`."""
    was_looked_for: bool = False
    """Whether the watcher knew of it when it looked last."""
    failure: Exception | None = None
    """Why no more can be read."""
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def behind(self, seen: int) -> tuple[Event, ...] | None:
        """The next events behind number `seen`, none when there are none yet; null when the store must be asked for them."""
        if self.failure is not None:
            raise self.failure
        if self.last is None or seen < self.last - len(self.events):
            return None
        position = len(self.events) - max(self.last - seen, 0)
        return tuple(self.events[n] for n in range(position, min(position + BATCH, len(self.events))))

    def add(self, news: tuple[Event, ...]) -> None:
        """Take in what follows `last`."""
        if news:
            self.events.extend(news)
            self.last = news[-1].seq
            self._wake()

    def fail(self, error: Exception) -> None:
        """Let every follower know that nothing more comes."""
        self.failure = error
        self._wake()

    async def moved(self) -> None:
        """Wait until something was taken in."""
        await self._moved.wait()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class Stream:
    """The events of every bot. Used from one event loop; must be closed."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._commits = Commits(store.engine, clock)
        # A thread of its own: an event must not wait for the queries that are under way.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._tails: dict[str, _Tail] = {}
        self._watcher: asyncio.Task[None] | None = None

    async def follow(
        self, bot_id: str, after_seq: int | None, kinds: Collection[EventKind] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Every event of the bot behind number `after_seq` (null: from now on), in order, as it comes; of some kinds only.

        DATA_006 when there is no going on from that number; SYS_002 when the store can't be read.
        """
        async with aclosing(self.batches(bot_id, after_seq, kinds)) as batches:
            async for events, _ in batches:
                for event in events:
                    yield event

    async def batches(
        self, bot_id: str, after_seq: int | None, kinds: Collection[EventKind] | None = None
    ) -> AsyncGenerator[tuple[tuple[Event, ...], int], None]:
        """The same by what comes together, with the number up to which there are no others: the first at once, and maybe empty."""
        tail = self._join(bot_id)
        try:
            seen, events = await self._first(tail, bot_id, after_seq, kinds)
            yield events, seen
            while True:
                taken = tail.behind(seen)
                if taken is None:
                    events, seen = await self._in_thread(lambda: self._read(bot_id, seen, kinds))  # noqa: B023 - awaited
                    yield events, seen
                elif taken:
                    seen = taken[-1].seq
                    yield tuple(event for event in taken if kinds is None or event.kind in kinds), seen
                else:
                    await tail.moved()
        finally:
            self._leave(bot_id, tail)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _first(
        self, tail: _Tail, bot_id: str, after_seq: int | None, kinds: Collection[EventKind] | None
    ) -> tuple[int, tuple[Event, ...]]:
        """Begin in the store, which knows whether the stream has such a place."""
        latest = await self._in_thread(lambda: self._latest(bot_id))
        if tail.last is None:
            tail.last = latest
            self._commits.told.set()
        if after_seq is None:
            return latest, ()
        events, seen = await self._in_thread(lambda: self._read(bot_id, after_seq, kinds))
        return seen, events

    def _join(self, bot_id: str) -> _Tail:
        tail = self._tails.setdefault(bot_id, _Tail())
        tail.followers += 1
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.get_running_loop().create_task(self._watch())
        return tail

    def _leave(self, bot_id: str, tail: _Tail) -> None:
        tail.followers -= 1
        if not tail.followers and self._tails.get(bot_id) is tail:
            del self._tails[bot_id]
        if not self._tails and self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def _watch(self) -> None:
        """Look again and again, until nobody follows."""
        self._commits = Commits(self._store.engine, self._clock)
        listening = asyncio.get_running_loop().create_task(self._commits.listen())
        try:
            await self._look_again()
        finally:
            listening.cancel()

    async def _look_again(self) -> None:
        version: int | None = None
        while True:
            self._commits.told.clear()
            looked_for = [tail for tail in self._tails.values() if tail.last is not None]
            known = {bot_id: tail.last for bot_id, tail in self._tails.items() if tail.last is not None}
            if not all(tail.was_looked_for for tail in looked_for):
                version = None  # what was committed since a tail's first look may have been counted already
            try:
                version, news = await self._in_thread(lambda: self._look(version, known))  # noqa: B023 - awaited
            except Fault as fault:
                if fault.code != "SYS_002":  # such as a store that was replaced by an older one
                    self._give_up(fault)
                    return
                version = None
                await self._clock.sleep(RETRY_SECONDS)
                continue
            except Exception as error:  # noqa: BLE001 - raised by everyone who follows
                self._give_up(error)
                return
            for joined in looked_for:
                joined.was_looked_for = True
            for bot_id, events in news.items():
                tail = self._tails.get(bot_id)
                if tail is not None and tail.last == known[bot_id]:  # else it is another, of followers that came since
                    tail.add(events)
            if not any(len(events) == BATCH for events in news.values()):
                await self._commits.pause(POLL_SECONDS)

    def _give_up(self, error: Exception) -> None:
        tails, self._tails = self._tails, {}
        for tail in tails.values():
            tail.fail(error)

    def _look(self, version: int | None, known: Mapping[str, int]) -> tuple[int | None, dict[str, tuple[Event, ...]]]:
        """What is new behind the numbers of `known`; nothing is read when nobody has committed since `version`."""
        now = self._store.data_version()
        if now == version:
            return version, {}
        news = {bot_id: self._read(bot_id, last, None)[0] for bot_id, last in known.items()}
        # With a whole batch there may be more: look again, whatever the version.
        return (None if any(len(events) == BATCH for events in news.values()) else now), news

    def _read(self, bot_id: str, seen: int, kinds: Collection[EventKind] | None) -> tuple[tuple[Event, ...], int]:
        """The next events behind number `seen`, and the number up to which there are no others."""
        with self._store.reading(bot_id) as r:
            events = changes.list_changes(r, seen, BATCH, kinds)
            return events, events[-1].seq if len(events) == BATCH else r.seq()

    def _latest(self, bot_id: str) -> int:
        with self._store.reading(bot_id) as r:
            return r.seq()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
