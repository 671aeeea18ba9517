"""State: everything about one bot, now, whole and compressed."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import Argument, answered_by, describes
from graph.scalars import BigInt
from graph.types.account import AccountStatus
from graph.types.config import ConfigSummary
from graph.types.health import HealthStatus
from graph.types.orders import OrderInfo
from graph.types.performance import PerformanceMetrics
from graph.types.positions import PositionDisplay
from resolvers.bots import summary_of_bot
from resolvers.state import first_orders, first_positions
from trading_bot.domain import account, errors, health, state


@describes(state.BotState)
class BotState:
    bot_id: strawberry.ID
    account: AccountStatus
    positions: list[PositionDisplay] = answered_by(
        first_positions,
        "What it holds, by symbol, with live profit or loss.",
        first=Argument(int, "How many, 1 to 100.", default=100),
    )
    orders: list[OrderInfo] = answered_by(
        first_orders,
        "Pending orders, then recent ones, newest first.",
        first=Argument(int, "How many, 1 to 100.", default=50),
    )
    performance: PerformanceMetrics
    health: HealthStatus
    config_summary: ConfigSummary
    timestamp: datetime
    data_age_seconds: float
    warnings: list[str]
    seq: BigInt


@describes(state.RecentError)
class RecentError:
    id: strawberry.ID
    error_code: str
    message: str
    cause: str
    impact: str
    remediation: str
    timestamp: datetime
    severity: errors.Severity


@describes(state.BotSummary)
class BotSummary:
    health_status: health.Health
    health_reason: str | None
    position_count: int
    open_order_count: int
    daily_pnl: Decimal
    circuit_breaker_active: bool
    circuit_breaker_reason: str | None
    recent_errors: list[RecentError]
    last_trade_time: datetime | None
    generated_at: datetime
    mode: account.TradingMode
    run_state: health.RunState
    data_age_seconds: float
    warnings: list[str]
    seq: BigInt


@describes(state.Bot)
class Bot:
    id: strawberry.ID
    name: str
    mode: account.TradingMode
    venue: str
    run_state: health.RunState
    summary: BotSummary | None = answered_by(summary_of_bot, "Its state, compressed; null where it can't be read.")
