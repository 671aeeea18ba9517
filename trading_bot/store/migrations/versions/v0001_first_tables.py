"""The first tables."""

import sqlalchemy as sa
from alembic import op

from trading_bot.store.columns import Exact, Json, Text, Texts, Utc
from trading_bot.store.migrations import configuration, market, oversight, workflows

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "accounts",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("account_id", Text(), nullable=True),
        sa.Column("buying_power", Exact(), nullable=False),
        sa.Column("account_balance", Exact(), nullable=False),
        sa.Column("cash_balance", Exact(), nullable=False),
        sa.Column("day_trade_count", sa.BigInteger(), nullable=False),
        sa.Column("last_updated", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_accounts"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", Text(), nullable=False),
        sa.Column("hash", Text(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("scope", Text(), nullable=False),
        sa.Column("rate_per_minute", sa.BigInteger(), nullable=True),
        sa.Column("max_response_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("revoked_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )
    op.create_table(
        "bots",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("mode", Text(), nullable=False),
        sa.Column("venue", Text(), nullable=False),
        sa.Column("replay_of", Text(), nullable=True),
        sa.Column("registered_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_bots"),
    )
    op.create_table(
        "candles",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("open", Exact(), nullable=False),
        sa.Column("high", Exact(), nullable=False),
        sa.Column("low", Exact(), nullable=False),
        sa.Column("close", Exact(), nullable=False),
        sa.Column("volume", Exact(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "symbol", "timestamp", name="pk_candles"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changes",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("subject", Text(), nullable=False),
        sa.Column("summary", Text(), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "seq", name="pk_changes"),
    )
    op.create_table(
        "commands",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("addressee", Text(), nullable=False),
        sa.Column("kind", Text(), nullable=False),
        sa.Column("status", Text(), nullable=False),
        sa.Column("user", Text(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("executed_at", Utc(), nullable=True),
        sa.Column("outcome", Json(), nullable=True),
        sa.Column("error", Json(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_commands"),
        sa.UniqueConstraint("bot_id", "id", name="uq_commands_bot_id_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commands_bot_id_number", "commands", ["bot_id", "number"])
    op.create_index(
        "ix_commands_bot_id_status_addressee_number",
        "commands",
        ["bot_id", "status", "addressee", "number"],
        unique=False,
    )
    op.create_table(
        "configs",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("values", Json(), nullable=False),
        sa.Column("config_hash", Text(), nullable=False),
        sa.Column("user", Text(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "version", name="pk_configs"),
    )
    op.create_table(
        "counters",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_counters"),
    )
    op.create_table(
        "errors",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("error_code", Text(), nullable=False),
        sa.Column("error_type", Text(), nullable=False),
        sa.Column("message", Text(), nullable=False),
        sa.Column("cause", Text(), nullable=False),
        sa.Column("impact", Text(), nullable=False),
        sa.Column("remediation", Text(), nullable=False),
        sa.Column("actions", Json(), nullable=False),
        sa.Column("retry_kind", Text(), nullable=False),
        sa.Column("retry_after_seconds", sa.Double(), nullable=True),
        sa.Column("context", Json(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("severity", Text(), nullable=False),
        sa.Column("acknowledged_at", Utc(), nullable=True),
        sa.Column("symbol", Text(), nullable=True),
        sa.Column("last_seen_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_errors"),
        sa.UniqueConstraint("bot_id", "id", name="uq_errors_bot_id_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_errors_bot_id_last_seen_at", "errors", ["bot_id", "last_seen_at"])
    op.create_index("ix_errors_bot_id_number", "errors", ["bot_id", "number"])
    op.create_table(
        "fills",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("trade_id", Text(), nullable=False),
        sa.Column("order_id", Text(), nullable=False),
        sa.Column("client_order_id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("action", Text(), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("price", Exact(), nullable=False),
        sa.Column("value", Exact(), nullable=False),
        sa.Column("fee", Exact(), nullable=False),
        sa.Column("liquidity", Text(), nullable=True),
        sa.Column("realized_pnl", Exact(), nullable=True),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("recorded_at", Utc(), nullable=False),
        sa.Column("session_id", Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_fills"),
        sa.UniqueConstraint("bot_id", "id", name="uq_fills_bot_id_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_fills_bot_id_recorded_at", "fills", ["bot_id", "recorded_at"])
    op.create_index("ix_fills_bot_id_session_id", "fills", ["bot_id", "session_id"])
    op.create_index(
        "ix_fills_bot_id_symbol_timestamp_number", "fills", ["bot_id", "symbol", "timestamp", "number"], unique=False
    )
    op.create_index("ix_fills_bot_id_timestamp_number", "fills", ["bot_id", "timestamp", "number"])
    op.create_index("ix_fills_bot_id_trade_id_timestamp_number", "fills", ["bot_id", "trade_id", "timestamp", "number"])
    op.create_table(
        "intents",
        sa.Column("key_id", Text(), nullable=False),
        sa.Column("idempotency_key", Text(), nullable=False),
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("digest", Text(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("token_id", Text(), nullable=True),
        sa.Column("subject_id", Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name="pk_intents"),
        sa.UniqueConstraint("token_id", name="uq_intents_token_id"),
    )
    op.create_index("ix_intents_created_at", "intents", ["created_at"])
    op.create_table(
        "orders",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("client_order_id", Text(), nullable=False),
        sa.Column("venue_order_id", Text(), nullable=True),
        sa.Column("plan_id", Text(), nullable=False),
        sa.Column("leg", Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("side", Text(), nullable=False),
        sa.Column("order_type", Text(), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("filled", Exact(), nullable=False),
        sa.Column("price", Exact(), nullable=True),
        sa.Column("stop_price", Exact(), nullable=True),
        sa.Column("average_price", Exact(), nullable=True),
        sa.Column("status", Text(), nullable=False),
        sa.Column("reason", Text(), nullable=True),
        sa.Column("good_until", Utc(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.Column("recorded_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "client_order_id", name="pk_orders"),
    )
    op.create_index(
        "ix_orders_bot_id_created_at_recorded_at_client_order_id",
        "orders",
        ["bot_id", "created_at", "recorded_at", "client_order_id"],
        unique=False,
    )
    op.create_index(
        "ix_orders_bot_id_plan_id_created_at_recorded_at_client_order_id",
        "orders",
        ["bot_id", "plan_id", "created_at", "recorded_at", "client_order_id"],
    )
    op.create_index("ix_orders_bot_id_recorded_at", "orders", ["bot_id", "recorded_at"])
    op.create_index("ix_orders_bot_id_status", "orders", ["bot_id", "status"])
    op.create_index("ix_orders_bot_id_venue_order_id", "orders", ["bot_id", "venue_order_id"])
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("stream", Text(), nullable=False),
        sa.Column("record", Json(), nullable=False),
        sa.Column("recorded_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_bot_id_number", "outbox", ["bot_id", "number"])
    op.create_table(
        "plans",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("side", Text(), nullable=False),
        sa.Column("strategy_name", Text(), nullable=False),
        sa.Column("entry_type", Text(), nullable=False),
        sa.Column("entry_price", Exact(), nullable=False),
        sa.Column("stop_price", Exact(), nullable=False),
        sa.Column("target_price", Exact(), nullable=True),
        sa.Column("size", Exact(), nullable=False),
        sa.Column("planned_size", Exact(), nullable=False),
        sa.Column("status", Text(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("indicators_used", Texts(), nullable=False),
        sa.Column("entry_order_id", Text(), nullable=True),
        sa.Column("entry_client_order_id", Text(), nullable=True),
        sa.Column("exit_reason", Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("session_id", Text(), nullable=False),
        sa.Column("config_version", sa.BigInteger(), nullable=False),
        sa.Column("config_hash", Text(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", "id", name="pk_plans"),
    )
    op.create_index("ix_plans_bot_id_opened_at_id", "plans", ["bot_id", "opened_at", "id"])
    op.create_index(
        "ix_plans_bot_id_status_opened_at_id", "plans", ["bot_id", "status", "opened_at", "id"], unique=False
    )
    op.create_table(
        "positions",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("lots", Json(), nullable=False),
        sa.Column("current_price", Exact(), nullable=False),
        sa.Column("last_updated", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "symbol", name="pk_positions"),
    )
    op.create_table(
        "progress",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("cursor", Utc(), nullable=True),
        sa.Column("last_sync_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", name="pk_progress"),
    )
    op.create_table(
        "records",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("trades", sa.BigInteger(), nullable=False),
        sa.Column("wins", sa.BigInteger(), nullable=False),
        sa.Column("losses", sa.BigInteger(), nullable=False),
        sa.Column("realized", Exact(), nullable=False),
        sa.Column("peak", Exact(), nullable=False),
        sa.Column("max_drawdown", Exact(), nullable=False),
        sa.Column("streak", sa.BigInteger(), nullable=False),
        sa.Column("streak_type", Text(), nullable=True),
        sa.Column("risk_reward_sum", sa.Double(), nullable=False),
        sa.Column("risk_reward_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_records"),
    )
    op.create_table(
        "runtime",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("run_state", Text(), nullable=False),
        sa.Column("run_state_reason", Text(), nullable=True),
        sa.Column("last_heartbeat", Utc(), nullable=True),
        sa.Column("process_ended_at", Utc(), nullable=True),
        sa.Column("observed_at", Utc(), nullable=True),
        sa.Column("venue_time", Utc(), nullable=True),
        sa.Column("venue_is_replay", sa.Boolean(), nullable=False),
        sa.Column("circuit_breaker_reason", Text(), nullable=True),
        sa.Column("checks", Json(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
        sa.Column("last_tick_at", Utc(), nullable=True),
        sa.Column("loop_latency_ms", Json(), nullable=False),
        sa.Column("resume_as", Text(), nullable=True),
        sa.Column("resume_reason", Text(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", name="pk_runtime"),
    )
    op.create_table(
        "sessions",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("date", Text(), nullable=False),
        sa.Column("starting_balance", Exact(), nullable=False),
        sa.Column("start_of_day_equity", Exact(), nullable=False),
        sa.Column("starting_capital", Exact(), nullable=False),
        sa.Column("gross_pnl", Exact(), nullable=False),
        sa.Column("total_fees", Exact(), nullable=False),
        sa.Column("total_llm_cost", Exact(), nullable=False),
        sa.Column("total_trades", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", "id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_bot_id_created_at_id", "sessions", ["bot_id", "created_at", "id"])
    op.create_table(
        "trades",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("symbol", Text(), nullable=False),
        sa.Column("action", Text(), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("price", Exact(), nullable=False),
        sa.Column("total_value", Exact(), nullable=False),
        sa.Column("order_id", Text(), nullable=False),
        sa.Column("execution_mode", Text(), nullable=False),
        sa.Column("account_id", Text(), nullable=True),
        sa.Column("strategy_name", Text(), nullable=False),
        sa.Column("entry_type", Text(), nullable=False),
        sa.Column("stop_loss", Exact(), nullable=True),
        sa.Column("target", Exact(), nullable=True),
        sa.Column("decision_reasoning", Text(), nullable=False),
        sa.Column("indicators_used", Texts(), nullable=False),
        sa.Column("risk_reward_ratio", sa.Double(), nullable=True),
        sa.Column("outcome", Text(), nullable=False),
        sa.Column("profit_loss", Exact(), nullable=True),
        sa.Column("hold_duration_seconds", sa.BigInteger(), nullable=True),
        sa.Column("exit_timestamp", Utc(), nullable=True),
        sa.Column("exit_reasoning", Text(), nullable=True),
        sa.Column("slippage", Exact(), nullable=True),
        sa.Column("commission", Exact(), nullable=True),
        sa.Column("net_profit_loss", Exact(), nullable=True),
        sa.Column("session_id", Text(), nullable=False),
        sa.Column("bot_version", Text(), nullable=False),
        sa.Column("config_hash", Text(), nullable=False),
        sa.Column("recorded_at", Utc(), nullable=False),
        sa.Column("config_version", sa.BigInteger(), nullable=False),
        sa.Column("words", Text(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "id", name="pk_trades"),
    )
    op.create_index(
        "ix_trades_bot_id_config_version_net_profit_loss", "trades", ["bot_id", "config_version", "net_profit_loss"]
    )
    op.create_index(
        "ix_trades_bot_id_exit_timestamp_recorded_at_id",
        "trades",
        ["bot_id", "exit_timestamp", "recorded_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_trades_bot_id_symbol_timestamp_id", "trades", ["bot_id", "symbol", "timestamp", "id"], unique=False
    )
    op.create_index("ix_trades_bot_id_timestamp_id", "trades", ["bot_id", "timestamp", "id"])
    oversight.make_tables()
    configuration.make_tables()
    workflows.make_tables()
    market.make_tables()
