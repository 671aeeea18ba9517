"""Limits: what no strategy and no model can override, and from which figures on an operator wants to be told."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from trading_bot.domain.ranges import STRICT, within


class BreakerReset(Enum):
    """What resets a tripped circuit breaker."""

    COMMAND = "command"
    """An operator's command only, with a reason."""
    NEXT_SESSION = "next-session"
    """That, or the first bar of the next trading session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Limits that no strategy or model can override. They refuse only what increases exposure."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    max_position_size_pct: float = 5.0
    """Largest worth of one position, in percent of equity, 1 to 10."""
    max_exposure_pct: float = 50.0
    """Largest worth of all positions and resting entries, in percent of equity, 1 to 100."""
    risk_per_trade_pct: float = 0.5
    """Largest loss at the stop of one trade, in percent of equity, 0.01 to 5."""
    daily_loss_limit: Decimal = Decimal(-2_000)
    """The breaker trips once the session's P&L is at or below this; negative, in the quote currency."""
    max_open_positions: int = 10
    """Plans open at the same time, 1 to 100."""
    no_entry_minutes_before_close: int = 15
    """No entries on an equity this many minutes before the regular close, 0 to 120."""
    max_data_age_seconds: float = 180.0
    """No entries on a symbol whose last bar is older than this in venue time, 60 to 3600."""
    max_consecutive_losses: int = 20
    """The breaker trips after this many losing trades in a row since it was last reset, 1 to 100."""
    max_orders_per_minute: int = 30
    """Orders in one minute of venue time, exits counted, from which on no entry leaves, 1 to 1000."""
    price_collar_pct: float = 5.0
    """No entry at a price further than this from the last one, in percent of it, 0.1 to 50."""
    max_rejections: int | None = None
    """The breaker trips when the venue has rejected this many orders within `rejection_window_minutes`, 1 to 1000; null for never."""
    rejection_window_minutes: int = 10
    """Minutes of venue time in which rejections are counted, 1 to 1440."""
    breaker_reset: BreakerReset = BreakerReset.COMMAND
    """What resets the breaker: command, or next-session."""

    def __post_init__(self) -> None:
        within("risk.max_position_size_pct", self.max_position_size_pct, 1.0, 10.0)
        within("risk.max_exposure_pct", self.max_exposure_pct, 1.0, 100.0)
        within("risk.risk_per_trade_pct", self.risk_per_trade_pct, 0.01, 5.0)
        within("risk.daily_loss_limit", self.daily_loss_limit, Decimal(-1_000_000_000), Decimal("-0.01"))
        within("risk.max_open_positions", self.max_open_positions, 1, 100)
        within("risk.no_entry_minutes_before_close", self.no_entry_minutes_before_close, 0, 120)
        within("risk.max_data_age_seconds", self.max_data_age_seconds, 60.0, 3600.0)
        within("risk.max_consecutive_losses", self.max_consecutive_losses, 1, 100)
        within("risk.max_orders_per_minute", self.max_orders_per_minute, 1, 1000)
        within("risk.price_collar_pct", self.price_collar_pct, 0.1, 50.0)
        within("risk.rejection_window_minutes", self.rejection_window_minutes, 1, 1440)
        if self.max_rejections is not None:
            within("risk.max_rejections", self.max_rejections, 1, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertThresholds:
    """From which figures over the last 20 closed trades on an operator is told. They change nothing that the bot does."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    min_win_rate: float | None = 0.25
    """Told when fewer trades won, as a share of 0 to 1, once the window is full; null for never."""
    min_profit_factor: float | None = 0.5
    """Told when gross profit divided by gross loss is lower, 0 to 100, once the window is full; null for never."""
    max_drawdown_pct: float | None = -5.0
    """Told when the window's deepest fall goes below this, in percent of capital, -100 to 0; null for never."""
    max_consecutive_losses: int | None = 8
    """Told when this many trades in a row lost, 1 to 20; null for never."""

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("min_win_rate", self.min_win_rate, 0.0, 1.0),
            ("min_profit_factor", self.min_profit_factor, 0.0, 100.0),
            ("max_drawdown_pct", self.max_drawdown_pct, -100.0, 0.0),
            ("max_consecutive_losses", self.max_consecutive_losses, 1, 20),
        ):
            if value is not None:
                within(f"alerts.{name}", value, low, high)
