"""Fills: single executions, as booked."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Side


class Liquidity(Enum):
    """Which side of the book a fill took."""

    MAKER = "MAKER"
    """Our order rested and was taken."""
    TAKER = "TAKER"
    """Our order took a resting one."""


UNATTRIBUTED = "unattributed"
"""The reason of a fill with our prefix that no plan or order explains."""
ADOPTED = "adopted"
"""The reason of a fill by which an operator made our books equal to the venue's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of one of our orders, booked once by the venue's trade id."""

    id: str
    """The venue's id of the execution."""
    trade_id: str
    """The trade that it belongs to: the id of its plan."""
    order_id: str
    """The venue's id of the order."""
    client_order_id: str
    """Our id of the order."""
    symbol: str
    """Instrument symbol."""
    action: Side
    """BUY or SELL."""
    quantity: Decimal
    """Shares or coins, above zero."""
    price: Decimal
    """Price of the execution, in the quote currency."""
    value: Decimal
    """Cash value: quantity x price, rounded half-even to the instrument's cash step."""
    fee: Decimal
    """Fee in the quote currency, zero or more."""
    liquidity: Liquidity | None
    """MAKER or TAKER; null where the venue does not say."""
    realized_pnl: Decimal | None
    """Proceeds minus the cost of the lots sold, before fees; null for a fill that adds to a position."""
    reason: str
    """Why it was traded, at most 500 bytes; `unattributed` where no plan or order explains it."""
    timestamp: datetime
    """Venue time of the execution, UTC."""
    recorded_at: datetime
    """Wall clock when it was booked, UTC."""
    session_id: str | None = None
    """The trading session in which it was booked, and whose figures count it; null before the first session."""

    @property
    def realized(self) -> Decimal:
        """Proceeds minus the cost of the lots sold, before fees, in the quote currency; zero for a fill that adds to a position."""
        return self.realized_pnl or ZERO
