"""Watches: a bot's state again and again, at an exact cadence, whether it changed or not."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from resolvers.context import Context
from resolvers.state import find_bot_state, find_bot_summary
from trading_bot.clock import Clock
from trading_bot.domain.state import BotState, BotSummary
from trading_bot.errors.fault import Fault

T = TypeVar("T")

LONGEST_INTERVAL = 60


def watch_bot_state(
    context: Context, *, bot_id: str | None = None, interval_seconds: int
) -> AsyncGenerator[BotState | Fault, None]:
    """The state at once, and then every `interval_seconds` (1 to 60). Fault QRY_004 for another interval."""
    return _ticks(context, interval_seconds, lambda: find_bot_state(context, bot_id=bot_id))


def watch_bot_summary(
    context: Context, *, bot_id: str | None = None, interval_seconds: int
) -> AsyncGenerator[BotSummary | Fault, None]:
    """The summary at once, and then every `interval_seconds` (1 to 60). Fault QRY_004 for another interval."""
    return _ticks(context, interval_seconds, lambda: find_bot_summary(context, bot_id=bot_id))


async def _ticks(
    context: Context, interval_seconds: int, answer: Callable[[], Awaitable[T]]
) -> AsyncGenerator[T | Fault, None]:
    """What `answer` gives at each tick. A Fault is one tick's answer and ends nothing but a watch that could not begin."""
    if not 1 <= interval_seconds <= LONGEST_INTERVAL:
        cause = f"Expected `intervalSeconds` between 1 and {LONGEST_INTERVAL}, was {interval_seconds}."
        raise Fault("QRY_004", cause, context={"field": "intervalSeconds", "value": interval_seconds})
    clock = context.parts.clock
    started = clock.monotonic()
    context.parts.counters.subscribers += 1
    try:
        yield await answer()
        while True:
            await _until_next_tick(clock, started, interval_seconds)
            await context.operation.renew()
            yield await _or_fault(answer)
    finally:
        context.parts.counters.subscribers -= 1


async def _until_next_tick(clock: Clock, started: float, interval: int) -> None:
    """Wait for the next whole multiple of the interval since the start: a late tick makes no later one late."""
    elapsed = clock.monotonic() - started
    ticks = math.floor(elapsed / interval) + 1
    await clock.sleep(max(ticks * interval - elapsed, 0.0))


async def _or_fault(answer: Callable[[], Awaitable[T]]) -> T | Fault:
    try:
        return await answer()
    except Fault as fault:
        return fault
