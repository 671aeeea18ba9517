"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class SetClock:
    """Shows one moment, and goes on by `move` or by sleeping."""

    def __init__(self, start: datetime = datetime(2025, 1, 6, 17, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += max(seconds, 0.0)
