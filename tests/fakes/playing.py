"""Plays a bot to the end of its feed in this process, and reads what it left behind."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.pages import all_pages
from trading_bot.bootstrap import Bot, bot_of
from trading_bot.clock import SystemClock
from trading_bot.domain.health import RunState
from trading_bot.settings import Settings, load_settings
from trading_bot.store import (
    candles,
    decisions,
    fills,
    orders,
    performance,
    performance_metrics,
    plans,
    positions,
    quotes,
    risk_events,
    runtime,
    sessions,
    trades,
)
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Reading, Store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BarClock(SystemClock):
    """The machine's clock, which calls back after each bar that the loop has handled, and ends the loop with its feed."""

    def __init__(self, after_bar: Callable[[Bot], Awaitable[None]] | None = None) -> None:
        self.bot: Bot | None = None
        self.bars = 0
        self._after_bar = after_bar

    async def sleep(self, seconds: float) -> None:
        """The loop sleeps for nothing after each bar, and for a while where it waits."""
        assert self.bot is not None
        if seconds == 0:
            self.bars += 1
            if self._after_bar is not None:
                await self._after_bar(self.bot)
        elif self.bot.loop.run_state is RunState.STOPPED:
            self.bot.loop.end()
        await asyncio.sleep(0)


def replay_settings(home: Path, candles: Path, store_url: str) -> Settings:
    """A home that replays a file as fast as it can."""
    return load_settings(home=home, candles=candles, speed="max", store_url=store_url)


def play(settings: Settings, after_bar: Callable[[Bot], Awaitable[None]] | None = None) -> int:
    """Run the bot until its feed has ended; how many bars it handled."""
    clock = BarClock(after_bar)

    async def run() -> None:
        async with bot_of(settings, clock) as bot:
            clock.bot = bot
            await bot.loop.run()

    asyncio.run(run())
    return clock.bars


def play_bars(settings: Settings, bars: int) -> None:
    """Run the bot for that many bars, and leave its orders and positions as they are."""
    left = bars

    async def after_bar(bot: Bot) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            bot.loop.end()

    play(settings, after_bar)


def left_behind(store_url: str, bot_id: str = "main") -> dict[str, Any]:
    """Everything that a run leaves in the store and that another run of the same must equal: all but the wall clock."""
    engine = open_engine(store_url)
    try:
        with Store(engine, SystemClock()).reading(bot_id) as r:
            return {
                "sessions": all_pages(lambda after: sessions.list_sessions(r, 100, after)),
                "orders": _orders(r),
                "fills": [replace(fill, recorded_at=EPOCH) for fill in fills.list_all_fills(r)],
                "plans": sorted(all_pages(lambda after: plans.list_plans(r, 100, after)), key=lambda plan: plan.id),
                "trades": [
                    replace(t, recorded_at=EPOCH) for t in all_pages(lambda after: trades.list_trades(r, 100, after))
                ],
                "decisions": [
                    replace(d, latency_ms=None)
                    for d in all_pages(lambda after: decisions.list_decisions(r, 100, after))
                ],
                "positions": positions.list_positions(r),
                "record": performance.find_record(r),
                "risk_events": all_pages(lambda after: risk_events.list_risk_events(r, 100, after)),
                "metrics": all_pages(lambda after: performance_metrics.list_metrics(r, 100, after)),
                "progress": runtime.find_progress(r),
                "quotes": [quotes.find_quote(r, symbol) for symbol in candles.list_symbols(r)],
            }
    finally:
        engine.dispose()


def first_days(candles: Path, days: int, target: Path) -> Path:
    """The first days of a candle file, as a file of its own."""
    with gzip.open(candles, "rt") as source, target.open("w") as out:
        out.write(next(source))
        seen: list[str] = []
        for line in source:
            day = line[:10]
            if day not in seen:
                if len(seen) == days:
                    break
                seen.append(day)
            out.write(line)
    return target


def _orders(r: Reading) -> list[Any]:
    planned = all_pages(lambda after: plans.list_plans(r, 100, after))
    found = [order for plan in planned for order in orders.list_plan_orders(r, plan.id)]
    return sorted(found, key=lambda order: order.client_order_id)
