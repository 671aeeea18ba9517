"""Trading sessions: one a day of the venue, with what it earned."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from trading_bot.domain.money import ZERO
from trading_bot.domain.positions import Position

# Names of sessions are UUIDv5 in this namespace, so that any copy of the bot gives a session the same id.
_NAMESPACE = uuid.UUID("5b0e9f3c-7c58-5d55-9b0a-3f0c8f6f2b11")


def session_id(bot_id: str, day: date) -> str:
    """The id of the bot's session of that day: the same for ever."""
    return str(uuid.uuid5(_NAMESPACE, f"{bot_id}/{day.isoformat()}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSession:
    """One trading day of one bot."""

    id: str
    """UUIDv5 of bot and date."""
    date: str
    """The venue's day, YYYY-MM-DD: New York's for equities, UTC's for crypto."""
    starting_balance: Decimal
    """Cash at the start, in the quote currency."""
    start_of_day_equity: Decimal
    """Cash plus the worth of all positions at the start, in the quote currency."""
    starting_capital: Decimal
    """Cash plus the cost of all positions at the start, in the quote currency."""
    gross_pnl: Decimal
    """Realised in the session before fees, in the quote currency."""
    total_fees: Decimal
    """Fees of the session's fills, in the quote currency."""
    total_llm_cost: Decimal
    """Spent on language-model decisions, in US dollars."""
    total_trades: int
    """Trades closed in the session."""
    created_at: datetime
    """Venue time of its first bar, UTC."""
    closed_at: datetime | None
    """Venue time when the next session began; null for the current one."""

    @property
    def net_pnl(self) -> Decimal:
        """Realised in the session after fees and language-model cost."""
        return self.gross_pnl - self.total_fees - self.total_llm_cost

    @property
    def capital(self) -> Decimal:
        """Cash plus the cost of all positions now: what the start had, plus realised, minus fees."""
        return self.starting_capital + self.gross_pnl - self.total_fees


def equity(session: BotSession, positions: Iterable[Position]) -> Decimal:
    """Cash plus the worth of all positions, from the books, in the quote currency."""
    return session.capital + sum((position.unrealized_pl for position in positions), ZERO)


def daily_pnl(session: BotSession, positions: Iterable[Position]) -> Decimal:
    """Equity now minus equity at the session's start, from the books, in the quote currency."""
    return equity(session, positions) - session.start_of_day_equity
