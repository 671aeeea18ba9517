"""The part of the first version that makes the tables of risk, decisions, prices and the log; like it, this never changes once released."""

import sqlalchemy as sa
from alembic import op

from trading_bot.store.columns import Exact, Json, Text, Utc


def make_tables() -> None:
    """Make the tables, within the running upgrade."""
    op.create_table(
        "breakers",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("code", Text(), nullable=True),
        sa.Column("cause", Text(), nullable=True),
        sa.Column("tripped_at", Utc(), nullable=True),
        sa.Column("session_id", Text(), nullable=True),
        sa.Column("resume_as", Text(), nullable=True),
        sa.Column("resume_reason", Text(), nullable=True),
        sa.Column("reset_at", Utc(), nullable=True),
        sa.Column("trades_at_reset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_breakers"),
    )
    op.create_table(
        "decisions",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("session_id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=True),
        sa.Column("strategy_name", Text(), nullable=False),
        sa.Column("plan_id", Text(), nullable=True),
        sa.Column("verdict", Text(), nullable=False),
        sa.Column("seen", Json(), nullable=False),
        sa.Column("decided", Json(), nullable=False),
        sa.Column("reasoning", Text(), nullable=False),
        sa.Column("result", Json(), nullable=False),
        sa.Column("prompt", Text(), nullable=True),
        sa.Column("cost_usd", Exact(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_bot_id_created_at_id", "decisions", ["bot_id", "created_at", "id"])
    op.create_index("ix_decisions_bot_id_plan_id", "decisions", ["bot_id", "plan_id"])
    op.create_index(
        "ix_decisions_bot_id_strategy_name_created_at_id", "decisions", ["bot_id", "strategy_name", "created_at", "id"]
    )
    op.create_index("ix_decisions_bot_id_symbol_created_at_id", "decisions", ["bot_id", "symbol", "created_at", "id"])
    op.create_table(
        "performance_metrics",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("window_size", sa.BigInteger(), nullable=False),
        sa.Column("win_rate", sa.Double(), nullable=True),
        sa.Column("profit_factor", sa.Double(), nullable=True),
        sa.Column("max_drawdown_pct", sa.Double(), nullable=False),
        sa.Column("consecutive_losses", sa.BigInteger(), nullable=False),
        sa.Column("total_trades", sa.BigInteger(), nullable=False),
        sa.Column("alert_triggered", sa.Boolean(), nullable=False),
        sa.Column("alert_message", Text(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", "id", name="pk_performance_metrics"),
    )
    op.create_index("ix_performance_metrics_bot_id_timestamp_id", "performance_metrics", ["bot_id", "timestamp", "id"])
    op.create_table(
        "quotes",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("price", Exact(), nullable=False),
        sa.Column("bid", Exact(), nullable=True),
        sa.Column("ask", Exact(), nullable=True),
        sa.Column("bid_size", Exact(), nullable=True),
        sa.Column("ask_size", Exact(), nullable=True),
        sa.Column("volume", Exact(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", "symbol", name="pk_quotes"),
    )
    op.create_table(
        "risk_events",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("event_type", Text(), nullable=False),
        sa.Column("severity", Text(), nullable=False),
        sa.Column("daily_pnl", Exact(), nullable=False),
        sa.Column("daily_pnl_pct", Exact(), nullable=False),
        sa.Column("consecutive_losses", sa.BigInteger(), nullable=False),
        sa.Column("action_taken", Text(), nullable=False),
        sa.Column("config_snapshot", Json(), nullable=False),
        sa.Column("detail", Text(), nullable=False),
        sa.Column("code", Text(), nullable=True),
        sa.Column("symbol", Text(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "id", name="pk_risk_events"),
    )
    op.create_index("ix_risk_events_bot_id_timestamp_id", "risk_events", ["bot_id", "timestamp", "id"])
    op.create_table(
        "suspensions",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("ours", Exact(), nullable=False),
        sa.Column("theirs", Exact(), nullable=False),
        sa.Column("status", Text(), nullable=False),
        sa.Column("is_corporate_action", sa.Boolean(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("reason", Text(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", "symbol", name="pk_suspensions"),
    )
    op.create_table(
        "delivered",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_delivered"),
    )
