"""Vitals: the bot's signs of life, kept while it runs and written with each commit of the loop."""

from collections import deque
from dataclasses import replace
from datetime import datetime

from trading_bot.clock import Clock
from trading_bot.domain.errors import CAUSE_BYTES, REASON_BYTES, capped
from trading_bot.domain.health import RUN_TRANSITIONS, HealthCheck, RunState, Runtime
from trading_bot.errors.fault import Fault

_KEPT_LATENCIES = 1000
_LATENCY_SECONDS = 1.0


class Vitals:
    """The bot's signs of life."""

    def __init__(self, *, runtime: Runtime, clock: Clock) -> None:
        self._clock = clock
        self._checks: dict[str, HealthCheck] = {}
        self._latencies: deque[float] = deque(maxlen=_KEPT_LATENCIES)
        self._sorted_at = float("-inf")
        self.runtime = replace(runtime, checks=())

    @property
    def run_state(self) -> RunState:
        """What the bot lets itself do."""
        return self.runtime.run_state

    def enter(self, state: RunState, reason: str | None) -> None:
        """Change the run state. BOT_003 for a change that the table of run states does not have."""
        before = self.runtime.run_state
        if state is not before and state not in RUN_TRANSITIONS[before]:
            raise Fault("BOT_003", f"{before.name} is not followed by {state.name}.", context={"runState": before.name})
        self.runtime = replace(
            self.runtime,
            run_state=state,
            run_state_reason=capped(reason, REASON_BYTES) if reason else None,
            resume_as=None,
            resume_reason=None,
        )

    def breaker(self, reason: str | None) -> None:
        """Why the circuit breaker tripped; null once it is reset."""
        self.runtime = replace(self.runtime, circuit_breaker_reason=capped(reason, REASON_BYTES) if reason else None)

    def passed(self, name: str) -> None:
        """Something that must work did."""
        self._checks[name] = HealthCheck(name=name, ok=True, detail=None, observed_at=self._clock.now())

    def failed(self, name: str, detail: str) -> None:
        """Something that must work did not."""
        self._checks[name] = HealthCheck(
            name=name, ok=False, detail=capped(detail, CAUSE_BYTES), observed_at=self._clock.now()
        )

    @property
    def failing(self) -> frozenset[str]:
        """What did not work when last tried."""
        return frozenset(name for name in self._checks if self.is_failing(name))

    def is_failing(self, name: str) -> bool:
        """Whether it did not work when last tried."""
        check = self._checks.get(name)
        return check is not None and not check.ok

    def observed(self, venue_time: datetime | None) -> None:
        """The venue was read with success."""
        self.runtime = replace(
            self.runtime, observed_at=self._clock.now(), venue_time=venue_time or self.runtime.venue_time
        )

    def ticked(self, seconds: float) -> None:
        """One bar was handled, in that many seconds."""
        self._latencies.append(seconds * 1000)
        self.runtime = replace(self.runtime, ticks=self.runtime.ticks + 1, last_tick_at=self._clock.now())

    def beat(self) -> Runtime:
        """All of it, with a fresh heartbeat."""
        self.runtime = replace(
            self.runtime,
            last_heartbeat=self._clock.now(),
            checks=tuple(self._checks[name] for name in sorted(self._checks)),
            loop_latency_ms=self._quantiles(),
        )
        return self.runtime

    def _quantiles(self) -> tuple[float | None, float | None, float | None]:
        """p50, p95 and p99; sorted again at most once a second, because a replay asks at every bar."""
        now = self._clock.monotonic()
        if not self._latencies or now - self._sorted_at < _LATENCY_SECONDS:
            return self.runtime.loop_latency_ms
        self._sorted_at = now
        ranked = sorted(self._latencies)
        p50, p95, p99 = (round(ranked[int(share * (len(ranked) - 1))], 3) for share in (0.5, 0.95, 0.99))
        return p50, p95, p99
