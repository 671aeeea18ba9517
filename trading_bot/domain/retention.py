"""Retention: how long what is written down is kept, in days of the wall clock."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar

from trading_bot.domain.ranges import STRICT, Range, require_ranges

_LONGEST = 36_500


class Fate(Enum):
    """What becomes of an old file of the audit log."""

    KEEP = "keep"
    """It stays where it is."""
    ARCHIVE = "archive"
    """It is moved into the archive."""
    REMOVE = "remove"
    """It is removed; the manifest remembers what it held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the logs are kept. Each stream's newest file stays whatever its age: the chain goes on from it."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    hot_days: Annotated[int, Range(low=1, high=_LONGEST, unit="days")] = 90
    """Days for which a day's file of the audit log stays in the logs folder before it is archived, 1 to 36500."""
    archive_days: Annotated[int, Range(low=1, high=_LONGEST, unit="days")] = 2_557
    """Days for which it is kept in all, 1 to 36500; the default is seven years."""
    alerts_days: Annotated[int, Range(low=1, high=_LONGEST, unit="days")] = 365
    """Days for which a file of performance-alerts is kept in all, 1 to 36500."""
    risk_days: Annotated[int | None, Range(low=1, high=_LONGEST, unit="days")] = None
    """Days for which a file of risk-management is kept in all, 1 to 36500; null for ever."""
    application_days: Annotated[int, Range(low=1, high=_LONGEST, unit="days")] = 30
    """Days for which an application log that is no longer written is kept, 1 to 36500."""

    def __post_init__(self) -> None:
        require_ranges(self, "retention.")

    def fate(self, stream: str, *, age_days: int) -> Fate:
        """What becomes of a file of `stream` that is not its newest."""
        longest = {"performance-alerts": self.alerts_days, "risk-management": self.risk_days}.get(
            stream, self.archive_days
        )
        if longest is not None and age_days > longest:
            return Fate.REMOVE
        return Fate.ARCHIVE if age_days > self.hot_days else Fate.KEEP
