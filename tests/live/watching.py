"""What tests of the hub do again and again: subscribe with a wire that collects, and wait for what comes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from graph.execution import Executor, Prepared, Request
from graph.live.hub import Live, Subscription
from graph.live.member import Errors
from tests.fakes.collecting_wire import CollectingWire
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.domain.events import EventKind
from trading_bot.store.store import Store

CLOCK = SystemClock()
CALLER = Caller(key_id="k", name="k", scope=Scope.READ, max_response_bytes=100_000, rate_per_minute=None)
KINDS = tuple(EventKind)


def prepared(run: Executor, query: str, variables: dict[str, Any] | None = None, name: str | None = None) -> Prepared:
    """The operation, ready."""
    read = run.read(Request(query=query, variables=variables, operation_name=name))
    assert isinstance(read, Prepared), read
    return read


class Watching:
    """One subscriber."""

    def __init__(self) -> None:
        self.wire = CollectingWire()
        self.began: list[tuple[str, ...]] = []
        self.ended: list[Errors | None] = []
        self.subscription: Subscription

    @property
    def payloads(self) -> list[Any]:
        """What it was shown."""
        return [message["payload"] for message in self.wire.messages]

    @property
    def seqs(self) -> list[int]:
        """The numbers of the events that it was shown."""
        return [payload["data"]["events"]["seq"] for payload in self.payloads]

    def leave(self) -> None:
        """Cancel it."""
        self.subscription.cancel()


async def watch(
    live: Live, query: str, variables: dict[str, Any] | None = None, caller: Caller = CALLER, **rest: Any
) -> Watching:
    """Subscribe."""
    watching = Watching()
    watching.subscription = await live.subscribe(
        prepared(live.executor, query, variables, **rest),
        caller,
        id="1",
        wire=watching.wire,
        began=watching.began.append,
        ended=watching.ended.append,
    )
    return watching


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for that."""
    give_up = CLOCK.monotonic() + seconds
    while not holds():
        assert CLOCK.monotonic() < give_up
        await CLOCK.sleep(0.005)


def tasks() -> int:
    """Tasks besides the one that asks."""
    return len(asyncio.all_tasks()) - 1


def other(caller: Caller = CALLER, **changed: Any) -> Caller:
    """Another caller."""
    return replace(caller, **changed)


def happen(store: Store, count: int) -> None:
    """So many events in one commit, of all kinds in turn."""
    with store.writing("main") as w:
        for _ in range(count):
            seq = w.seq() + 1
            w.changed(KINDS[seq % len(KINDS)], f"s{seq}", "Something happened.", {"n": seq})
