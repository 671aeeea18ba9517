"""Suspensions: symbols on which the venue holds something else than our fills add up to.

A difference that was seen once is doubted (a report of fills may be late) and already keeps entries off the symbol. Seen twice it is
reported and stays until it is gone, adopted into the books, or declared foreign.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from trading_bot.domain.money import plain


class SuspensionStatus(Enum):
    """How far a difference is believed."""

    DOUBTED = "DOUBTED"
    """Seen once; fills that explain it may still come."""
    SUSPENDED = "SUSPENDED"
    """Seen again and reported; an operator settles it."""
    IGNORED = "IGNORED"
    """Declared foreign by an operator; entries go on while it does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """One symbol on which venue and books differ."""

    symbol: str
    """As the venue names it."""
    ours: Decimal
    """What our fills add up to, in shares or coins."""
    theirs: Decimal
    """What the venue holds, in shares or coins; below zero when it is short."""
    status: SuspensionStatus
    """How far the difference is believed."""
    is_corporate_action: bool
    """Whether price and quantity jumped by one ratio: a split, not a trade."""
    since: datetime
    """Venue time at which this difference was first seen, UTC."""
    reason: str | None
    """Why an operator ignores it, at most 500 bytes; null while none does."""

    @property
    def difference(self) -> Decimal:
        """What the venue has beyond our books, in shares or coins; below zero for less."""
        return self.theirs - self.ours

    @property
    def keeps_entries_off(self) -> bool:
        """Whether no entry may leave on the symbol."""
        return self.status is not SuspensionStatus.IGNORED

    @property
    def explanation(self) -> str:
        """Both quantities in one sentence."""
        what = "a corporate action" if self.is_corporate_action else "a position that differs"
        return (
            f"{what}: our fills add up to {plain(self.ours)} {self.symbol[:20]}, the venue holds {plain(self.theirs)}"
        )
