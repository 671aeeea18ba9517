"""Watches: a bot's state again and again, at an exact cadence, whether it changed or not."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from resolvers.context import Context
from resolvers.state import find_bot_state, find_bot_summary
from trading_bot.domain.state import BotState, BotSummary
from trading_bot.errors.fault import Fault

T = TypeVar("T")

LONGEST_INTERVAL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced(Generic[T]):
    """What is answered at once and then at an exact cadence, for as many as watch it."""

    context: Context
    """Of an operation that goes on to its own moment with each answer."""
    interval_seconds: int
    """From one answer to the next, 1 to 60."""
    find: Callable[[], Awaitable[T]]
    """Answers once."""

    async def look(self) -> T:
        """How it is now. Raises what `find` raises."""
        await self.context.operation.renew()
        return await self.find()

    async def until_tick(self, started: float) -> None:
        """Wait for the next whole multiple of the interval since monotonic `started`: a late tick makes no later one late."""
        clock = self.context.parts.clock
        elapsed = clock.monotonic() - started
        ticks = math.floor(elapsed / self.interval_seconds) + 1
        await clock.sleep(max(ticks * self.interval_seconds - elapsed, 0.0))

    async def __aiter__(self) -> AsyncGenerator[T | Fault, None]:
        """The answers. A Fault is one tick's answer and ends nothing but a watch that could not begin."""
        started = self.context.parts.clock.monotonic()
        yield await self.look()
        while True:
            await self.until_tick(started)
            yield await self.look_or_fault()

    async def look_or_fault(self) -> T | Fault:
        """How it is now, or why nobody can tell."""
        try:
            return await self.look()
        except Fault as fault:
            return fault


def watch_bot_state(context: Context, *, bot_id: str | None = None, interval_seconds: int) -> Paced[BotState]:
    """The state at once, and then every `interval_seconds` (1 to 60). Fault QRY_004 for another interval."""
    _require_interval(interval_seconds)
    return Paced(
        context=context, interval_seconds=interval_seconds, find=lambda: find_bot_state(context, bot_id=bot_id)
    )


def watch_bot_summary(context: Context, *, bot_id: str | None = None, interval_seconds: int) -> Paced[BotSummary]:
    """The summary at once, and then every `interval_seconds` (1 to 60). Fault QRY_004 for another interval."""
    _require_interval(interval_seconds)
    return Paced(
        context=context, interval_seconds=interval_seconds, find=lambda: find_bot_summary(context, bot_id=bot_id)
    )


def _require_interval(seconds: int) -> None:
    if not 1 <= seconds <= LONGEST_INTERVAL:
        cause = f"Expected `intervalSeconds` between 1 and {LONGEST_INTERVAL}, was {seconds}."
        raise Fault("QRY_004", cause, context={"field": "intervalSeconds", "value": seconds})
