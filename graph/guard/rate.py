"""Rate: how many operations a key may send in any sixty seconds, over all doors together; kept in memory, by key.

Exact, unlike a bucket that refills while it is drained: no sixty seconds ever see more operations than the limit. Operations of the same
tenth of a second are counted as one cell, so that a key takes up at most 600 cells, whatever its limit.
"""

import math
from collections import deque
from dataclasses import dataclass, field, replace

from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault

WINDOW_SECONDS = 60.0
CELL_SECONDS = 0.1
PAUSES_PER_MINUTE = 10
"""What botPause has for itself, so that the emergency brake works when everything else is refused."""
MOST_WINDOWS = 10_000
"""Keys whose operations are counted at the same time; the ones that were silent for a minute are forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What came of drawing one operation."""

    limit: int | None
    """Operations in sixty seconds; null for no limit."""
    remaining: int | None
    """How many are left now; null for no limit."""
    reset_seconds: float = 0.0
    """Seconds until one more is left than now; 0 when none was used."""
    is_granted: bool = True
    """Whether the operation may be carried out."""

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP answer says of it; nothing where there is no limit."""
        if self.limit is None:
            return {}
        reset = str(math.ceil(self.reset_seconds))
        shown = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": reset,
        }
        return shown if self.is_granted else {**shown, "Retry-After": reset}

    def refusal(self) -> Fault:
        """Why the operation is not carried out."""
        seconds = math.ceil(self.reset_seconds)
        return Fault(
            "API_429",
            f"The key's {self.limit} operations a minute are used up; the next is free in {seconds} s.",
            impact="Nothing was executed; botPause still works.",
            after_seconds=float(seconds),
            context={"limit": self.limit, "remaining": 0},
        )


@dataclass(slots=True, kw_only=True)
class Rates:
    """All keys' operations of the last sixty seconds. Used from the event loop only."""

    clock: Clock
    per_minute: int
    """For keys that have no limit of their own; 0 for none."""
    _windows: dict[tuple[str, bool], "_Window"] = field(default_factory=dict)

    def draw(self, caller: Caller) -> Allowance:
        """Count one operation of the caller's, unless none is left."""
        limit = self._limit(caller)
        if limit is None:
            return Allowance(limit=None, remaining=None)
        return self._window(caller, is_pause=False).draw(self.clock.monotonic(), limit)

    def has_room(self, caller: Caller) -> bool:
        """Whether the next operation of the caller's will be granted."""
        limit = self._limit(caller)
        return limit is None or self._window(caller, is_pause=False).used(self.clock.monotonic()) < limit

    def draw_pause(self, caller: Caller) -> Allowance:
        """Count one botPause: among the ten that it has for itself, and once they are used up among all the others."""
        own = self._window(caller, is_pause=True).draw(self.clock.monotonic(), PAUSES_PER_MINUTE)
        return own if own.is_granted else self.draw(caller)

    def told(self, caller: Caller, allowance: Allowance) -> Caller:
        """The caller, knowing what is allowed and what is left."""
        limit = self._limit(caller)
        if limit is None:
            return replace(caller, rate_per_minute=None, rate_remaining=None)
        left = allowance.remaining
        if allowance.limit != limit or left is None:  # it was a pause
            left = self._window(caller, is_pause=False).left(self.clock.monotonic(), limit)
        return replace(caller, rate_per_minute=limit, rate_remaining=left)

    def _limit(self, caller: Caller) -> int | None:
        return caller.rate_per_minute or self.per_minute or None

    def _window(self, caller: Caller, *, is_pause: bool) -> "_Window":
        key = (caller.key_id, is_pause)
        if key not in self._windows:
            if len(self._windows) >= MOST_WINDOWS:
                now = self.clock.monotonic()
                self._windows = {known: window for known, window in self._windows.items() if window.used(now)}
            self._windows[key] = _Window()
        return self._windows[key]


@dataclass(slots=True)
class _Window:
    """One key's operations, in cells of a tenth of a second: when the last of the cell came, and how many."""

    cells: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def draw(self, now: float, limit: int) -> Allowance:
        used = self.used(now)
        is_granted = used < limit
        if is_granted:
            self._add(now)
            used += 1
        reset = self.cells[0][0] + WINDOW_SECONDS - now if self.cells else 0.0
        return Allowance(limit=limit, remaining=limit - used, reset_seconds=reset, is_granted=is_granted)

    def left(self, now: float, limit: int) -> int:
        return max(0, limit - self.used(now))

    def used(self, now: float) -> int:
        while self.cells and self.cells[0][0] <= now - WINDOW_SECONDS:
            self.total -= self.cells.popleft()[1]
        return self.total

    def _add(self, now: float) -> None:
        self.total += 1
        if self.cells and math.floor(self.cells[-1][0] / CELL_SECONDS) == math.floor(now / CELL_SECONDS):
            self.cells[-1] = (now, self.cells[-1][1] + 1)
        else:
            self.cells.append((now, 1))
