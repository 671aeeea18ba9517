"""A watch answers at once and then at an exact cadence."""

import asyncio
from typing import Any

import pytest

from resolvers.context import Context
from resolvers.watches import watch_bot_state, watch_bot_summary
from tests.fakes.set_clock import SetClock
from trading_bot.domain.state import BotState, BotSummary
from trading_bot.errors.fault import Fault


def test_the_first_answer_comes_at_once_and_the_next_at_whole_intervals(context: Context, clock: SetClock) -> None:
    started = clock.monotonic()

    async def look() -> list[float]:
        moments = []
        watch = aiter(watch_bot_summary(context, interval_seconds=5))
        async for summary in watch:
            assert isinstance(summary, BotSummary)
            moments.append(clock.monotonic() - started)
            if len(moments) == 4:
                break
        await watch.aclose()
        await context.operation.close()
        return moments

    assert asyncio.run(look()) == [0.0, 5.0, 10.0, 15.0]


def test_a_slow_reader_makes_no_later_tick_late(context: Context, clock: SetClock) -> None:
    started = clock.monotonic()

    async def look() -> list[float]:
        moments = []
        watch = aiter(watch_bot_state(context, interval_seconds=5))
        for delay in (7.0, 0.5, 12.0, 0.0):
            assert isinstance(await anext(watch), BotState)
            moments.append(clock.monotonic() - started)
            clock.move(delay)
        await watch.aclose()
        await context.operation.close()
        return moments

    assert asyncio.run(look()) == [0.0, 10.0, 15.0, 30.0]


def test_each_answer_is_of_its_own_moment(context: Context, clock: SetClock) -> None:
    async def look() -> list[Any]:
        watch = aiter(watch_bot_summary(context, interval_seconds=10))
        summaries = [await anext(watch) for _ in range(3)]
        await watch.aclose()
        await context.operation.close()
        return summaries

    summaries = asyncio.run(look())

    assert [(summary.health_status.name, summary.data_age_seconds) for summary in summaries] == [
        ("HEALTHY", 1.0),
        ("HEALTHY", 11.0),
        ("OFFLINE", 21.0),
    ]


@pytest.mark.parametrize("interval", [0, -1, 61])
def test_another_interval_is_refused(context: Context, interval: int) -> None:
    with pytest.raises(Fault, match="QRY_004: Expected `intervalSeconds` between 1 and 60"):
        watch_bot_summary(context, interval_seconds=interval)
