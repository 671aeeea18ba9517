"""Inputs: what a caller sends with a query or a write, as values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.commands import StopPolicy
from trading_bot.domain.errors import Severity
from trading_bot.domain.trades import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter:
    """Which trades; all conditions must hold, and one that is left out does not count."""

    symbol: str | None = None
    """Exactly this symbol, such as AAPL or BTC/USD."""
    strategy_name: str | None = None
    """Exactly this strategy."""
    outcome: Outcome | None = None
    """How it ended; OPEN for those that have not."""
    start: datetime | None = None
    """Entered at or after this venue time."""
    end: datetime | None = None
    """Entered before this venue time."""
    min_profit_loss: Decimal | None = None
    """Net profit or loss of at least this, in the quote currency; leaves out open trades."""
    max_profit_loss: Decimal | None = None
    """Net profit or loss of at most this, in the quote currency; leaves out open trades."""
    search: str | None = None
    """Text in symbol, strategy or reasoning, in capitals or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFilter:
    """Which errors; all conditions must hold, and one that is left out does not count."""

    error_code: str | None = None
    """Exactly this code, such as DATA_004."""
    severity: Severity | None = None
    """Exactly this severity."""
    acknowledged: bool | None = None
    """Whether an operator took note of it."""
    symbol: str | None = None
    """Errors that concern this symbol."""
    start: datetime | None = None
    """Occurred at or after this time."""
    end: datetime | None = None
    """Occurred before this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotAction:
    """One thing asked of a bot."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStop:
    """A stop of a bot, and what happens to its orders and positions."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    on_stop: StopPolicy
    """What happens to orders and positions."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""
