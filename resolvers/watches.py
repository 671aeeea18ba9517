"""Watches: one thing looked at again and again, for as many as watch it: a bot's state at an exact cadence, or what tells that it moved."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from resolvers.context import Context
from resolvers.state import find_bot_state, find_bot_summary
from trading_bot.domain.state import BotState, BotSummary
from trading_bot.errors.fault import Fault

T = TypeVar("T")

LONGEST_INTERVAL = 60


class Watched(Protocol):
    """What is answered at once, and again each time that it may be another."""

    @property
    def context(self) -> Context:
        """Of an operation that goes on to its own moment with each answer."""
        ...

    async def look(self) -> Any:
        """How it is now. A Fault refuses whoever has just come."""
        ...

    async def look_again(self) -> Any:
        """How it is now. A Fault that is returned is an answer, one that is raised is the end."""
        ...

    def moves(self) -> AsyncGenerator[None, None]:
        """Whenever it may be another than at the first look."""
        ...

    def is_last(self, seen: Any) -> bool:
        """Whether it will never be another than `seen`."""
        ...


async def answers(watched: Watched) -> AsyncGenerator[Any, None]:
    """The answers, for one who watches alone."""
    seen = await watched.look()
    yield seen
    async with aclosing(watched.moves()) as moves:
        while not watched.is_last(seen):
            await anext(moves)
            seen = await watched.look_again()
            yield seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced(Generic[T]):
    """What is answered at once and then at an exact cadence."""

    context: Context
    interval_seconds: int
    """From one answer to the next, 1 to 60."""
    started: float
    """Monotonic seconds from which on the cadence is reckoned."""
    find: Callable[[], Awaitable[T]]
    """Answers once."""

    async def look(self) -> T:
        """How it is now. Raises what `find` raises."""
        await self.context.operation.renew()
        return await self.find()

    async def look_again(self) -> T | Fault:
        """How it is now, or why nobody can tell: that is one tick's answer, and ends nothing."""
        try:
            return await self.look()
        except Fault as fault:
            return fault

    async def moves(self) -> AsyncGenerator[None, None]:
        """The whole multiples of the interval: a late tick makes no later one late."""
        clock = self.context.parts.clock
        while True:
            elapsed = clock.monotonic() - self.started
            ticks = math.floor(elapsed / self.interval_seconds) + 1
            await clock.sleep(max(ticks * self.interval_seconds - elapsed, 0.0))
            yield

    def is_last(self, seen: T | Fault) -> bool:
        """Never."""
        return False

    def __aiter__(self) -> AsyncGenerator[T | Fault, None]:  # noqa: PYI058 - to be closed
        """The answers, for one who watches alone."""
        return answers(self)


def watch_bot_state(context: Context, *, bot_id: str | None = None, interval_seconds: int) -> Paced[BotState]:
    """The state at once, and then every `interval_seconds` (1 to 60). Fault QRY_004 for another interval."""
    return _paced(context, interval_seconds, lambda: find_bot_state(context, bot_id=bot_id))


def watch_bot_summary(context: Context, *, bot_id: str | None = None, interval_seconds: int) -> Paced[BotSummary]:
    """The summary at once, and then every `interval_seconds` (1 to 60). Fault QRY_004 for another interval."""
    return _paced(context, interval_seconds, lambda: find_bot_summary(context, bot_id=bot_id))


def _paced(context: Context, interval_seconds: int, find: Callable[[], Awaitable[T]]) -> Paced[T]:
    if not 1 <= interval_seconds <= LONGEST_INTERVAL:
        cause = f"Expected `intervalSeconds` between 1 and {LONGEST_INTERVAL}, was {interval_seconds}."
        raise Fault("QRY_004", cause, context={"field": "intervalSeconds", "value": interval_seconds})
    started = context.parts.clock.monotonic()
    return Paced(context=context, interval_seconds=interval_seconds, started=started, find=find)
