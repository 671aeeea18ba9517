"""Limits: what no strategy and no model can override, and from which figures on an operator wants to be told."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, ClassVar

from trading_bot.domain.ranges import STRICT, Limit, Looser, Range, require_ranges


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

    max_position_size_pct: Annotated[
        float, Range(low=1.0, high=10.0, unit="percent of equity"), Limit(looser=Looser.HIGHER)
    ] = 5.0
    """Largest worth of one position, in percent of equity, 1 to 10."""
    max_exposure_pct: Annotated[
        float, Range(low=1.0, high=100.0, unit="percent of equity"), Limit(looser=Looser.HIGHER)
    ] = 50.0
    """Largest worth of all positions and resting entries, in percent of equity, 1 to 100."""
    risk_per_trade_pct: Annotated[
        float, Range(low=0.01, high=5.0, unit="percent of equity"), Limit(looser=Looser.HIGHER)
    ] = 0.5
    """Largest loss at the stop of one trade, in percent of equity, 0.01 to 5."""
    daily_loss_limit: Annotated[
        Decimal,
        Range(low=Decimal(-1_000_000_000), high=Decimal("-0.01"), unit="quote currency"),
        Limit(looser=Looser.LOWER),
    ] = Decimal(-2_000)
    """The breaker trips once the session's P&L is at or below this; negative, in the quote currency."""
    max_open_positions: Annotated[int, Range(low=1, high=100, unit="plans"), Limit(looser=Looser.HIGHER)] = 10
    """Plans open at the same time, 1 to 100."""
    max_data_age_seconds: Annotated[
        float, Range(low=60.0, high=3600.0, unit="seconds"), Limit(looser=Looser.HIGHER)
    ] = 180.0
    """No entries on a symbol whose last bar is older than this in venue time, 60 to 3600."""
    max_consecutive_losses: Annotated[int, Range(low=1, high=100, unit="trades"), Limit(looser=Looser.HIGHER)] = 20
    """The breaker trips after this many losing trades in a row since it was last reset, 1 to 100."""
    max_orders_per_minute: Annotated[int, Range(low=1, high=1000, unit="orders"), Limit(looser=Looser.HIGHER)] = 30
    """Orders in one minute of venue time, exits counted, from which on no entry leaves, 1 to 1000."""
    price_collar_pct: Annotated[
        float, Range(low=0.1, high=50.0, unit="percent of the last price"), Limit(looser=Looser.HIGHER)
    ] = 5.0
    """No entry at a price further than this from the last one, in percent of it, 0.1 to 50."""
    max_rejections: Annotated[int | None, Range(low=1, high=1000, unit="orders"), Limit(looser=Looser.HIGHER)] = None
    """The breaker trips when the venue has rejected this many orders within `rejection_window_minutes`, 1 to 1000; null for never."""
    rejection_window_minutes: Annotated[int, Range(low=1, high=1440, unit="minutes"), Limit(looser=Looser.LOWER)] = 10
    """Minutes of venue time in which rejections are counted, 1 to 1440."""
    breaker_reset: Annotated[BreakerReset, Limit(looser=Looser.HIGHER)] = BreakerReset.COMMAND
    """What resets the breaker: command, or next-session."""

    def __post_init__(self) -> None:
        require_ranges(self, "risk.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertThresholds:
    """From which figures over the last 20 closed trades on an operator is told. They change nothing that the bot does."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    min_win_rate: Annotated[float | None, Range(low=0.0, high=1.0, unit="share of trades")] = 0.25
    """Told when fewer trades won, as a share of 0 to 1, once the window is full; null for never."""
    min_profit_factor: Annotated[float | None, Range(low=0.0, high=100.0)] = 0.5
    """Told when gross profit divided by gross loss is lower, 0 to 100, once the window is full; null for never."""
    max_drawdown_pct: Annotated[float | None, Range(low=-100.0, high=0.0, unit="percent of capital")] = -5.0
    """Told when the window's deepest fall goes below this, in percent of capital, -100 to 0; null for never."""
    max_consecutive_losses: Annotated[int | None, Range(low=1, high=20, unit="trades")] = 8
    """Told when this many trades in a row lost, 1 to 20; null for never."""

    def __post_init__(self) -> None:
        require_ranges(self, "alerts.")
