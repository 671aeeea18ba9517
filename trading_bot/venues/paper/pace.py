"""Pace: how fast venue time may run against the wall clock."""

from trading_bot.clock import Clock
from trading_bot.domain.market import BAR_LENGTH


class Pace:
    """Lets one bar through after the other, each a bar's length at the chosen speed after the last.

    Gaps of the feed take no time. Who comes late is not made to wait, and what was missed is not caught up with.
    """

    def __init__(self, speed: float | None, clock: Clock) -> None:
        """`speed` in venue seconds per second; null for as fast as it can."""
        self.bar_seconds = BAR_LENGTH.total_seconds() / speed if speed else 0.0
        """What a bar takes, in seconds of the wall clock."""
        self._clock = clock
        self._due: float | None = None

    def wait_seconds(self) -> float:
        """Until the next bar may come; zero for now."""
        return 0.0 if self._due is None else max(self._due - self._clock.monotonic(), 0.0)

    def moved(self) -> None:
        """A bar came."""
        now = self._clock.monotonic()
        self._due = now + self.bar_seconds if self._due is None else max(self._due + self.bar_seconds, now)
