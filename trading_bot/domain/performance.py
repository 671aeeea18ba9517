"""Performance: running figures over closed trades.

Win rate = wins / closed trades. Average risk-reward = mean of the planned ratios of closed trades that have one. Maximum drawdown = the
deepest fall of cumulated net profit below its highest point so far (which starts at zero): zero or negative.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from trading_bot.domain.money import ZERO
from trading_bot.domain.trades import Outcome, Trade


class StreakType(Enum):
    """What the current streak is made of."""

    WIN = "WIN"
    """Winning trades."""
    LOSS = "LOSS"
    """Losing trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Running totals over closed trades, enough to go on from without reading them again."""

    trades: int = 0
    """Closed trades."""
    wins: int = 0
    """Of them with a net result above zero."""
    losses: int = 0
    """Of them with a net result below zero."""
    realized: Decimal = ZERO
    """Net profit or loss, after fees."""
    peak: Decimal = ZERO
    """Highest cumulated net result so far, at least zero."""
    max_drawdown: Decimal = ZERO
    """Deepest fall below the peak, zero or negative."""
    streak: int = 0
    """Length of the current run of wins or losses; a breakeven ends it."""
    streak_type: StreakType | None = None
    """What that run is made of."""
    risk_reward_sum: float = 0.0
    """Sum of planned risk-reward ratios."""
    risk_reward_count: int = 0
    """Trades that have one."""

    def with_trade(self, trade: Trade) -> "Record":
        """These totals with one more closed trade, the latest."""
        if trade.net_profit_loss is None:
            msg = f"Expected a closed trade, `{trade.id}` is open."
            raise ValueError(msg)
        realized = self.realized + trade.net_profit_loss
        peak = max(self.peak, realized)
        kind, ratio = _kind(trade), trade.risk_reward_ratio
        return replace(
            self,
            trades=self.trades + 1,
            wins=self.wins + (trade.outcome is Outcome.WIN),
            losses=self.losses + (trade.outcome is Outcome.LOSS),
            realized=realized,
            peak=peak,
            max_drawdown=min(self.max_drawdown, realized - peak),
            streak=0 if kind is None else self.streak + 1 if kind is self.streak_type else 1,
            streak_type=kind,
            risk_reward_sum=self.risk_reward_sum + (ratio or 0.0),
            risk_reward_count=self.risk_reward_count + (ratio is not None),
        )

    def without_trade(self, trade: Trade) -> "Record":
        """These totals without a closed trade that they count: a late fill opened it again.

        What was reached stays: the peak and the deepest fall. A streak that the trade ended is not restored.
        """
        kind, ratio = _kind(trade), trade.risk_reward_ratio
        streak = max(self.streak - 1, 0) if kind is self.streak_type else self.streak
        return replace(
            self,
            trades=self.trades - 1,
            wins=self.wins - (trade.outcome is Outcome.WIN),
            losses=self.losses - (trade.outcome is Outcome.LOSS),
            realized=self.realized - (trade.net_profit_loss or ZERO),
            streak=streak,
            streak_type=self.streak_type if streak else None,
            risk_reward_sum=self.risk_reward_sum - (ratio or 0.0),
            risk_reward_count=self.risk_reward_count - (ratio is not None),
        )


def _kind(trade: Trade) -> StreakType | None:
    return {Outcome.WIN: StreakType.WIN, Outcome.LOSS: StreakType.LOSS}.get(trade.outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceMetrics:
    """How well the bot trades, over all of its closed trades."""

    win_rate: float | None
    """Wins divided by closed trades, 0 to 1; null before the first."""
    avg_risk_reward: float | None
    """Mean planned reward divided by planned risk; null without one."""
    total_realized_pl: Decimal
    """Net of fees, over closed trades, in the quote currency."""
    total_unrealized_pl: Decimal
    """Of the positions held, before fees, in the quote currency."""
    current_streak: int
    """Length of the current run of wins or losses, zero or more."""
    streak_type: StreakType | None
    """What that run is made of; null without one."""
    trades_today: int
    """Trades closed in the current session."""
    session_count: int
    """Trading sessions so far."""
    max_drawdown: Decimal
    """Deepest fall of cumulated net profit below its peak, zero or negative, in the quote currency."""

    @property
    def total_pl(self) -> Decimal:
        """Realised plus unrealised, in the quote currency."""
        return self.total_realized_pl + self.total_unrealized_pl


def metrics(record: Record, *, unrealized: Decimal, trades_today: int, session_count: int) -> PerformanceMetrics:
    """The figures to show for `record`."""
    return PerformanceMetrics(
        win_rate=round(record.wins / record.trades, 6) if record.trades else None,
        avg_risk_reward=round(record.risk_reward_sum / record.risk_reward_count, 6)
        if record.risk_reward_count
        else None,
        total_realized_pl=record.realized,
        total_unrealized_pl=unrealized,
        current_streak=record.streak,
        streak_type=record.streak_type,
        trades_today=trades_today,
        session_count=session_count,
        max_drawdown=record.max_drawdown,
    )
