"""Backups: when they are made, and which of them are kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, ClassVar

from trading_bot.domain.ranges import STRICT, Form, Range, require_ranges

_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """When a backup of the home is made, and how many are kept."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    daily_at: Annotated[
        str | None,
        Form(pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]", says="as HH:MM from 00:00 to 23:59", examples=("21:30",)),
    ] = "21:30"
    """Time of day at which a backup is made, HH:MM in UTC; null for never."""
    keep_daily: Annotated[int, Range(low=1, high=_MOST, unit="days")] = 7
    """Days of which the last backup is kept, 1 to 1000."""
    keep_weekly: Annotated[int, Range(low=0, high=_MOST, unit="weeks")] = 4
    """Weeks (from Monday, UTC) of which the last backup is kept, 0 to 1000."""
    keep_monthly: Annotated[int, Range(low=0, high=_MOST, unit="months")] = 12
    """Months of which the last backup is kept, 0 to 1000."""

    def __post_init__(self) -> None:
        if self.daily_at is not None:
            _time_of_day(self.daily_at)
        require_ranges(self, "backup.")

    def is_due(self, now: datetime, last: datetime | None) -> bool:
        """Whether a backup is to be made at `now`, when the last one was made at `last`."""
        if self.daily_at is None:
            return False
        due = datetime.combine(now.date(), _time_of_day(self.daily_at), now.tzinfo)
        return now >= due and (last is None or last < due)

    def kept(self, made: Iterable[datetime]) -> frozenset[datetime]:
        """Those of the backups `made` at these times (UTC) that are kept: of each of the last days, weeks and months the last one.

        Days, weeks and months without a backup do not count: whoever was away for a month finds as many as before.
        """
        newest_first = sorted(set(made), reverse=True)
        return frozenset(
            last
            for count, period in (
                (self.keep_daily, _day),
                (self.keep_weekly, _week),
                (self.keep_monthly, _month),
            )
            for last in _last_of_each(newest_first, period)[:count]
        )


def _last_of_each(newest_first: list[datetime], period: Callable[[datetime], object]) -> list[datetime]:
    last: dict[object, datetime] = {}
    for one in newest_first:
        last.setdefault(period(one), one)
    return list(last.values())


def _day(moment: datetime) -> object:
    return moment.date()


def _week(moment: datetime) -> object:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> object:
    return moment.year, moment.month


def _time_of_day(text: str) -> time:
    try:
        if len(text) == len("21:30"):
            return time.fromisoformat(text)
    except ValueError:
        pass
    msg = f"Expected `backup.daily_at` as HH:MM, was `{text[:20]}`."
    raise ValueError(msg)
