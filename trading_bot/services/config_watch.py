"""The config watch: looks after a version that was just adopted, and says when the bot fares worse under it.

Worse is: a health check fails that did not before, at two looks in a row; more errors of severity MEDIUM and above than in as long a time
before; the circuit breaker trips; or signals are missing, because the loop or the process stood still. The wall clock decides.
"""

from datetime import datetime, timedelta
from typing import Any

from trading_bot.clock import Clock
from trading_bot.domain.config_versions import StoredChange
from trading_bot.domain.health import OFFLINE_AFTER_SECONDS
from trading_bot.services.circuit_breaker import CircuitBreaker
from trading_bot.services.vitals import Vitals
from trading_bot.store.error_counts import count_grave_errors
from trading_bot.store.store import Store


class ConfigWatch:
    """Compares the bot with how it was when the version was adopted."""

    def __init__(self, *, store: Store, bot_id: str, vitals: Vitals, breaker: CircuitBreaker, clock: Clock) -> None:
        self._store = store
        self._bot_id = bot_id
        self._vitals = vitals
        self._breaker = breaker
        self._clock = clock
        self._looked_at = 0.0
        self._failing: frozenset[str] = frozenset()
        self.watched: StoredChange | None = None
        """The change that is being watched; null when none is."""

    def baseline(self, seconds: int) -> dict[str, Any]:
        """How the bot is now, to be compared with for that many seconds."""
        now = self._clock.now()
        with self._store.reading(self._bot_id) as r:
            errors = count_grave_errors(r, now - timedelta(seconds=seconds), now)
        return {"failing": sorted(self._vitals.failing), "tripped": self._breaker.state.is_tripped, "errors": errors}

    def begin(self, change: StoredChange | None, *, last_beat: datetime | None = None) -> None:
        """Watch this change from now on, or none. `last_beat` is the last sign of life before, where a process takes the watch over."""
        self.watched = change if change is not None and change.watched_until is not None else None
        self._looked_at = self._clock.monotonic()
        if change is not None and last_beat is not None:
            self._looked_at -= max((self._clock.now() - max(last_beat, change.at or last_beat)).total_seconds(), 0.0)
        self._failing = frozenset()

    def stay(self) -> None:
        """The loop lives, though it can't look now: it is in the middle of a bar."""
        self._looked_at = self._clock.monotonic()

    def is_over(self) -> bool:
        """Whether the time is up for which the change is watched."""
        until = self.watched.watched_until if self.watched is not None else None
        return until is not None and self._clock.now() >= until

    def worse(self) -> str | None:
        """Why the bot fares worse under the watched change; null while it does not."""
        change = self.watched
        if change is None or change.baseline is None or change.adopted_at is None:
            return None
        before, change_at = change.baseline, change.at or change.adopted_at
        now, moment = self._clock.now(), self._clock.monotonic()
        stood_still, self._looked_at = moment - self._looked_at, moment
        if stood_still > OFFLINE_AFTER_SECONDS:
            return f"The bot stood still for {stood_still:.0f} s."
        if self._breaker.state.is_tripped and not before["tripped"]:
            return f"The circuit breaker tripped: {self._breaker.state.cause}"
        failing = self._vitals.failing
        worse, self._failing = failing & self._failing - set(before["failing"]), failing
        if worse:
            return f"The check `{min(worse)}` fails, which it did not before."
        with self._store.reading(self._bot_id) as r:
            errors = count_grave_errors(r, change_at, now + timedelta(microseconds=1))
        if errors > before["errors"]:
            return f"Errors rose to {errors}, from {before['errors']} in as long a time before."
        return None
