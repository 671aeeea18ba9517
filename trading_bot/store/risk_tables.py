"""The tables of risk and performance: the breaker, what the gate and the breaker did, and the figures after each closed trade."""

import sqlalchemy as sa

from trading_bot.domain.errors import Severity
from trading_bot.domain.health import RunState
from trading_bot.store.columns import Enumerated, Exact, Json, Utc
from trading_bot.store.metadata import key, maybe, metadata, some

breakers = sa.Table(
    "breakers",
    metadata,
    key("bot_id"),
    maybe("code"),
    maybe("cause"),
    maybe("tripped_at", Utc),
    maybe("session_id"),
    maybe("resume_as", Enumerated(RunState)),
    maybe("resume_reason"),
    maybe("reset_at", Utc),
    some("trades_at_reset", sa.BigInteger),
)

risk_events = sa.Table(
    "risk_events",
    metadata,
    key("bot_id"),
    key("id"),
    some("timestamp", Utc),
    some("event_type"),
    some("severity", Enumerated(Severity)),
    some("daily_pnl", Exact),
    some("daily_pnl_pct", Exact),
    some("consecutive_losses", sa.BigInteger),
    some("action_taken"),
    some("config_snapshot", Json),
    some("detail"),
    maybe("code"),
    maybe("symbol"),
    some("count", sa.BigInteger),
    some("last_seen_at", Utc),
    sa.Index(None, "bot_id", "timestamp", "id"),
)

performance_metrics = sa.Table(
    "performance_metrics",
    metadata,
    key("bot_id"),
    key("id"),
    some("timestamp", Utc),
    some("window_size", sa.BigInteger),
    maybe("win_rate", sa.Double),
    maybe("profit_factor", sa.Double),
    some("max_drawdown_pct", sa.Double),
    some("consecutive_losses", sa.BigInteger),
    some("total_trades", sa.BigInteger),
    some("alert_triggered", sa.Boolean),
    maybe("alert_message"),
    sa.Index(None, "bot_id", "timestamp", "id"),
)
