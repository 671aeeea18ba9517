"""Performance: how well the bot trades."""

from decimal import Decimal

from graph.describes import describes, publish
from trading_bot.domain import performance

publish(performance.StreakType)


@describes(performance.PerformanceMetrics)
class PerformanceMetrics:
    win_rate: float | None
    avg_risk_reward: float | None
    total_realized_pl: Decimal
    total_unrealized_pl: Decimal
    total_pl: Decimal
    current_streak: int
    streak_type: performance.StreakType | None
    trades_today: int
    session_count: int
    max_drawdown: Decimal
