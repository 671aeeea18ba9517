"""A clock whose wall time a test sets; what it waits for is real, so that a server can run on it."""

from datetime import datetime, timedelta

from trading_bot.clock import SystemClock


class StandingClock(SystemClock):
    """Stands still at the moment that it was set to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The moment that was set."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.moment += timedelta(seconds=seconds)
