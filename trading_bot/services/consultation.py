"""Consultation: one question to the language model at a time, asked beside the loop, and how often it may fail.

A question runs as a task of its own; the loop looks whether it has been answered and never waits in a market that does not wait. Each
failure in a row doubles the venue time until the next question; a server that says when to call again is also given that, by the wall
clock. After the third failure the check `decider` fails until a call succeeds.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from trading_bot.clock import Clock
from trading_bot.deciders.language_model import Counsel, LanguageModel
from trading_bot.domain.advice import Situation
from trading_bot.domain.decisions import Decision, Verdict
from trading_bot.domain.market import BAR_LENGTH
from trading_bot.errors.fault import Fault
from trading_bot.services.vitals import Vitals

MOST_FAILURES = 3
"""In a row; then no entries until a call succeeds."""
CHECK = "decider"
"""The health check's name."""
# After failures it is asked again at the latest after this many bars, unless it is asked more seldom anyway.
_LONGEST_PAUSE = 60
_log = structlog.get_logger(__name__)


class Consultation:
    """One question at a time, and how often they failed."""

    def __init__(self, *, model: LanguageModel, every_bars: int, vitals: Vitals, clock: Clock) -> None:
        self._model = model
        self._every_bars = every_bars
        self._vitals = vitals
        self._clock = clock
        self._asking: asyncio.Task[Counsel] | None = None
        self._asked_at: datetime | None = None
        self._not_before: datetime | None = None
        self.failures = 0
        """Calls in a row that gave no usable answer."""

    def resume(self, past: Sequence[Decision]) -> None:
        """Go on where the last process ended; `past` holds the model's last decisions, newest first."""
        if not past:
            return
        self._asked_at = past[0].created_at
        for decision in past:
            if decision.verdict is not Verdict.FAILED:
                break
            self.failures += 1
        if self.failures >= MOST_FAILURES:
            self._vitals.failed(CHECK, past[0].reasoning)

    @property
    def is_open(self) -> bool:
        """Whether a question was asked whose answer was not taken."""
        return self._asking is not None

    @property
    def is_thinking(self) -> bool:
        """Whether a question was asked that is not answered yet."""
        return self._asking is not None and not self._asking.done()

    def is_due(self, at: datetime) -> bool:
        """Whether to ask at venue time `at`."""
        if self.is_open or (self._not_before is not None and self._clock.now() < self._not_before):
            return False
        return self._asked_at is None or at - self._asked_at >= BAR_LENGTH * self._pause

    def ask(self, situation: Situation) -> None:
        """Ask, and let the loop go on."""
        self._asked_at = situation.at
        self._asking = asyncio.get_running_loop().create_task(self._model.ask(situation), name="language-model")

    async def wait(self, seconds: float) -> None:
        """Wait for the answer, at most that long."""
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=seconds)

    def taken(self) -> Counsel | None:
        """What came of the question, once; null while nothing has."""
        if self._asking is None or not self._asking.done():
            return None
        asked, self._asking = self._asking, None
        return asked.result()

    def note(self, counsel: Counsel) -> Fault | None:
        """Count success or failure; gives what to report once the failures are too many in a row."""
        outcome = counsel.outcome
        if not isinstance(outcome, Fault):
            self.failures, self._not_before = 0, None
            self._vitals.passed(CHECK)
            return None
        self.failures += 1
        _log.warning("model_failed", code=outcome.code, cause=outcome.cause, failures=self.failures)
        if outcome.after_seconds is not None:
            self._not_before = self._clock.now() + timedelta(seconds=outcome.after_seconds)
        if self.failures < MOST_FAILURES:
            return None
        self._vitals.failed(CHECK, outcome.cause)
        if self.failures > MOST_FAILURES:
            return None
        context = {"code": outcome.code, "cause": outcome.cause, "failures": self.failures}
        return Fault("LLM_003", outcome.cause, after_seconds=outcome.after_seconds, context=context)

    async def close(self) -> None:
        """Take back what was asked, and let go of the connections."""
        asked, self._asking = self._asking, None
        if asked is not None:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        await self._model.close()

    @property
    def _pause(self) -> int:
        """Bars from one question to the next."""
        if self.failures == 0:
            return self._every_bars
        return max(self._every_bars, min(self._every_bars << min(self.failures, 6), _LONGEST_PAUSE))
