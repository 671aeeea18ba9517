"""A scripted bot whose decisions a language model makes, at a market that waits for it or at one that runs by the clock."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from tests.fakes import scripted_bot
from tests.fakes.model_server import ModelServer
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, TurnClock
from trading_bot.domain.config import BotConfig
from trading_bot.domain.decider import Decider, DeciderKind
from trading_bot.domain.decisions import Decision
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.market import Bar
from trading_bot.services.advisor import Advisor
from trading_bot.store import decisions, runtime

REAL_TIME = replace(PLAIN, speed=1.0)
"""A market that goes on at the pace of the clock, whether the bot thinks or not."""


class MinuteClock(TurnClock):
    """Each turn of the loop is a minute of the wall clock."""

    def __init__(self) -> None:
        super().__init__()
        self.minutes = 0

    def now(self) -> datetime:
        """The wall clock, with the minutes that turns took."""
        return super().now() + timedelta(minutes=self.minutes)

    def monotonic(self) -> float:
        """The same, in seconds."""
        return super().monotonic() + 60 * self.minutes

    async def turn(self) -> None:
        """A minute later, let the loop run to its next sleep."""
        self.minutes += 1
        await super().turn()


class AdvisedBot:
    """A scripted bot, and what its model has decided."""

    def __init__(self, scripted: ScriptedBot) -> None:
        self.scripted = scripted

    @property
    def advisor(self) -> Advisor:
        found = self.scripted.bot.loop._advisor
        assert found is not None
        return found

    async def bar(self, count: int = 1) -> None:
        """Handle that many bars; in a market that runs by the clock, the model answers after each before the next comes."""
        for _ in range(count):
            await self.scripted.bar()
            await self.advisor.wait(10)

    async def bar_without_answer(self, count: int = 1) -> None:
        """Handle that many bars while the model is silent."""
        await self.scripted.bar(count)

    async def beats_on(self) -> None:
        """See a sign of life although no bar is handled, within 15 seconds of the wall clock."""
        clock = self.scripted.clock
        assert isinstance(clock, MinuteClock)
        before = self._heartbeat()
        clock.minutes += 1
        async with asyncio.timeout(15):
            while self._heartbeat() == before:  # noqa: ASYNC110 - the store says when
                await asyncio.sleep(0.01)

    def _heartbeat(self) -> datetime | None:
        with self.scripted.bot.store.reading("main") as r:
            known = runtime.find_runtime(r)
        return known.last_heartbeat if known else None

    @property
    def decisions(self) -> list[Decision]:
        """What was decided, oldest first."""
        with self.scripted.bot.store.reading("main") as r:
            return list(reversed(decisions.list_decisions(r, 100).items))

    def check(self) -> tuple[bool, str | None] | None:
        """The health check of the decider, once there is one."""
        vitals = self.scripted.bot.loop._vitals
        return next(((check.ok, check.detail) for check in vitals.beat().checks if check.name == "decider"), None)


@asynccontextmanager
async def advised_bot(
    home: Path,
    server: ModelServer,
    bars: Sequence[Bar],
    *,
    venue: Any = PLAIN,
    risk: RiskLimits | None = None,
    hours: SessionHours | None = None,
    **decider: Any,
) -> AsyncIterator[AdvisedBot]:
    """A bot whose model is asked at every bar, unless `decider` says otherwise."""
    model = Decider(
        **{
            "kind": DeciderKind.LANGUAGE_MODEL,
            "url": server.url,
            "model": "small",
            "every_bars": 1,
            "cost_per_1k_input": Decimal("0.15"),
            "cost_per_1k_output": Decimal("0.6"),
            **decider,
        }
    )
    config = BotConfig(venue=venue, decider=model, risk=risk or RiskLimits(), hours=hours or SessionHours())
    with mock.patch.object(scripted_bot, "TurnClock", MinuteClock):
        async with scripted_bot.scripted_bot(home, bars, config=config) as scripted:
            yield AdvisedBot(scripted)
