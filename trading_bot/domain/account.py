"""The account at the venue, as last seen."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum


class TradingMode(Enum):
    """Whether real money is at stake."""

    PAPER = "PAPER"
    """The built-in exchange or a venue's paper account."""
    LIVE = "LIVE"
    """Real money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Money at the venue."""

    account_id: str | None
    """The venue's name of the account, where it has one."""
    buying_power: Decimal
    """What may be spent on new positions, in the quote currency; cash not held back for resting orders."""
    account_balance: Decimal
    """Equity: cash plus the worth of all positions, in the quote currency."""
    cash_balance: Decimal
    """Cash, in the quote currency."""
    day_trade_count: int
    """Day trades of the last five sessions, zero or more; three are allowed below $25,000 of equity."""
    last_updated: datetime
    """Venue time of the figures, UTC."""
