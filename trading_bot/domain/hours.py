"""Session hours: when in a trading session entries may leave, and when before its close what is held is sold.

Equities have sessions, so that all of it is about them; a crypto pair trades round the clock, has no open and no close, and is never
touched. Minutes before the close count from the day's real close, which comes early on a half-day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from trading_bot.domain.ranges import STRICT, Limit, Looser, Range, require_ranges

LONGEST_SESSION = 390
"""Minutes of a whole session in New York, 9:30 to 16:00."""
LEAST_FOR_ENTRIES = 30
"""Minutes of a whole session that have to be left for entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHours:
    """When entries on equities may leave, and when their positions are closed. Crypto pairs have no session: none of it touches them."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    entries_after_open_minutes: Annotated[
        int, Range(low=0, high=LONGEST_SESSION, unit="minutes"), Limit(looser=Looser.LOWER)
    ] = 0
    """No entries on an equity for this many minutes after the session's open, 0 to 390; crypto pairs have no session."""
    entries_before_close_minutes: Annotated[
        int, Range(low=0, high=LONGEST_SESSION, unit="minutes"), Limit(looser=Looser.LOWER)
    ] = 15
    """No entries on an equity this many minutes before the day's close, 0 to 390; resting ones are cancelled then."""
    flatten_before_close_minutes: Annotated[
        int | None, Range(low=1, high=120, unit="minutes"), Limit(looser=Looser.LOWER)
    ] = None
    """Positions in equities are closed this many minutes before the day's close, 1 to 120, and none is entered then; null for never."""

    def __post_init__(self) -> None:
        require_ranges(self, "hours.")

    @property
    def last_minutes(self) -> int:
        """Minutes before the close in which nothing is entered: what would be closed at once is not entered either."""
        return max(self.entries_before_close_minutes, self.flatten_before_close_minutes or 0)

    @property
    def minutes_for_entries(self) -> int:
        """Minutes of a whole session in which entries may leave; below zero where both ends overlap."""
        return LONGEST_SESSION - self.entries_after_open_minutes - self.last_minutes

    def is_too_late(self, at: datetime, closes: datetime) -> bool:
        """Whether nothing may be entered, and no entry may rest, at `at` in a session that closes then."""
        return self.last_minutes > 0 and at >= closes - timedelta(minutes=self.last_minutes)

    def flatten_due(self, at: datetime, closes: datetime) -> str | None:
        """Why what is held is to be closed at `at` in a session that closes then; null when it is not."""
        minutes = self.flatten_before_close_minutes
        if minutes is None or not closes - timedelta(minutes=minutes) <= at <= closes:
            return None
        return f"hours: flat {minutes} min before the session's close at {closes:%H:%M} UTC"
