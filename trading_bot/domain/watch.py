"""The performance watch: figures over the last 20 closed trades, and whether an operator should be told.

Win rate = wins / trades. Profit factor = gross profit / gross loss. Maximum drawdown = the deepest fall of capital below its highest point
in the window, in percent of that point; capital is what the account began with plus the net results so far.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.money import ZERO

WINDOW = 20
"""Closed trades that the figures are about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The net results of the last trades, and the capital before the first of them."""

    capital: Decimal
    """In the quote currency."""
    results: tuple[Decimal, ...] = ()
    """Net profit or loss of each closed trade, oldest first, at most 20."""

    def after(self, result: Decimal) -> "Window":
        """The window with one more closed trade; the oldest leaves a full one."""
        results = (*self.results, result)
        if len(results) <= WINDOW:
            return Window(capital=self.capital, results=results)
        return Window(capital=self.capital + results[0], results=results[1:])

    @property
    def win_rate(self) -> float | None:
        """Share of the trades that won, 0 to 1; null without a trade."""
        wins = sum(1 for result in self.results if result > 0)
        return round(wins / len(self.results), 6) if self.results else None

    @property
    def profit_factor(self) -> float | None:
        """Gross profit divided by gross loss, zero or more; null when nothing was lost."""
        gained = sum((result for result in self.results if result > 0), ZERO)
        lost = -sum((result for result in self.results if result < 0), ZERO)
        return round(float(gained / lost), 6) if lost else None

    @property
    def max_drawdown_pct(self) -> float:
        """Deepest fall of capital below its highest point, in percent of that point, zero or negative."""
        capital = peak = self.capital
        deepest = ZERO
        for result in self.results:
            capital += result
            peak = max(peak, capital)
            if peak > 0:
                deepest = min(deepest, (capital - peak) / peak * 100)
        return round(float(deepest), 6)

    @property
    def consecutive_losses(self) -> int:
        """Losing trades in a row at the end, at most 20."""
        losses = 0
        for result in reversed(self.results):
            if result >= 0:
                break
            losses += 1
        return losses


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one closed trade came to."""

    trade_id: str
    """The trade."""
    exited_at: datetime
    """Venue time of its exit, UTC."""
    net: Decimal
    """Net profit or loss, in the quote currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceMetric:
    """The figures after one closed trade."""

    id: str
    """The trade after which they were taken."""
    timestamp: datetime
    """Venue time of its exit, UTC."""
    window_size: int
    """Closed trades that the figures are about at most: 20."""
    win_rate: float | None
    """Share of the trades that won, 0 to 1; null without a trade."""
    profit_factor: float | None
    """Gross profit divided by gross loss, zero or more; null when nothing was lost."""
    max_drawdown_pct: float
    """Deepest fall of capital in the window below its highest point, in percent of that point, zero or negative."""
    consecutive_losses: int
    """Losing trades in a row, 0 to 20."""
    total_trades: int
    """Trades in the window, 1 to 20."""
    alert_triggered: bool
    """Whether a configured threshold is breached."""
    alert_message: str | None
    """Which, with figures, at most 500 bytes; null without an alert."""


def measured(window: Window, last: Result, thresholds: AlertThresholds) -> PerformanceMetric:
    """The figures of `window`, after its last result."""
    breaches = tuple(_breaches(window, thresholds))
    return PerformanceMetric(
        id=last.trade_id,
        timestamp=last.exited_at,
        window_size=WINDOW,
        win_rate=window.win_rate,
        profit_factor=window.profit_factor,
        max_drawdown_pct=window.max_drawdown_pct,
        consecutive_losses=window.consecutive_losses,
        total_trades=len(window.results),
        alert_triggered=bool(breaches),
        alert_message=" ".join(breaches) or None,
    )


def _breaches(window: Window, thresholds: AlertThresholds) -> Iterable[str]:
    """Each threshold that is breached, in one sentence. Rates of a window that is not full would only be chance."""
    is_full = len(window.results) == WINDOW
    rate, factor = window.win_rate, window.profit_factor
    if is_full and rate is not None and thresholds.min_win_rate is not None and rate < thresholds.min_win_rate:
        yield f"Win rate {rate:g} is below {thresholds.min_win_rate:g}."
    lowest = thresholds.min_profit_factor
    if is_full and factor is not None and lowest is not None and factor < lowest:
        yield f"Profit factor {factor:g} is below {lowest:g}."
    deepest = thresholds.max_drawdown_pct
    if deepest is not None and window.max_drawdown_pct < deepest:
        yield f"Drawdown {window.max_drawdown_pct:g} % is below {deepest:g} %."
    streak = thresholds.max_consecutive_losses
    if streak is not None and window.consecutive_losses >= streak:
        yield f"{window.consecutive_losses} trades in a row lost; {streak} were to be told of."
