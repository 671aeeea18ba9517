"""The tables: every one has `bot_id`, but for the API keys, which open all bots of a store.

Each row is one domain value, column by column under the same names, unless a module says otherwise. Where insertion order matters, `number`
gives it. A changed table needs a migration: a test holds both equal.
"""

import sqlalchemy as sa

from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import Addressee, CommandKind, CommandStatus
from trading_bot.domain.errors import RetryKind, Scope, Severity
from trading_bot.domain.events import EventKind
from trading_bot.domain.fills import Liquidity
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import Leg, OrderStatus, OrderType, Side
from trading_bot.domain.performance import StreakType
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.suspensions import SuspensionStatus
from trading_bot.domain.trades import Outcome
from trading_bot.store import config_tables, decision_tables, log_tables, market_tables, risk_tables, workflow_tables  # noqa: F401 - they make it whole
from trading_bot.store.columns import Enumerated, Exact, Json, Texts, Utc
from trading_bot.store.metadata import key as _key
from trading_bot.store.metadata import maybe as _maybe
from trading_bot.store.metadata import metadata as metadata  # noqa: PLC0414 - the tables' face: others take it from here
from trading_bot.store.metadata import number as _number
from trading_bot.store.metadata import some as _some

bots = sa.Table(
    "bots",
    metadata,
    _key("bot_id"),
    _some("name"),
    _some("mode", Enumerated(TradingMode)),
    _some("venue"),
    _maybe("replay_of"),
    _some("registered_at", Utc),
)

# One row a bot, raised first in each write: its lock orders the writers of one bot on PostgreSQL.
counters = sa.Table(
    "counters",
    metadata,
    _key("bot_id"),
    _some("version", sa.BigInteger),  # commits that a read can show
    _some("seq", sa.BigInteger),  # the last number in `changes`
    _some("generation", sa.BigInteger),  # starts of the bot's process
)

runtime = sa.Table(
    "runtime",
    metadata,
    _key("bot_id"),
    _maybe("pid", sa.BigInteger),
    _some("run_state", Enumerated(RunState)),
    _maybe("run_state_reason"),
    _maybe("last_heartbeat", Utc),
    _maybe("process_ended_at", Utc),
    _maybe("observed_at", Utc),
    _maybe("venue_time", Utc),
    _some("venue_is_replay", sa.Boolean),
    _maybe("circuit_breaker_reason"),
    _some("checks", Json),
    _maybe("started_at", Utc),
    _some("ticks", sa.BigInteger),
    _maybe("last_tick_at", Utc),
    _some("loop_latency_ms", Json),
    _maybe("resume_as", Enumerated(RunState)),
    _maybe("resume_reason"),
)

progress = sa.Table("progress", metadata, _key("bot_id"), _maybe("cursor", Utc), _maybe("last_sync_at", Utc))

changes = sa.Table(
    "changes",
    metadata,
    _key("bot_id"),
    _key("seq", sa.BigInteger),
    _some("at", Utc),
    _some("kind", Enumerated(EventKind)),
    _some("subject"),
    _some("summary"),
    _some("data", Json),
)

outbox = sa.Table(
    "outbox",
    metadata,
    _number(),
    _some("bot_id"),
    _some("stream"),
    _some("record", Json),
    _some("recorded_at", Utc),
    sa.Index(None, "bot_id", "number"),
    sqlite_autoincrement=True,  # the log tells a record that it has by its number
)

accounts = sa.Table(
    "accounts",
    metadata,
    _key("bot_id"),
    _maybe("account_id"),
    _some("buying_power", Exact),
    _some("account_balance", Exact),
    _some("cash_balance", Exact),
    _some("day_trade_count", sa.BigInteger),
    _some("last_updated", Utc),
)

sessions = sa.Table(
    "sessions",
    metadata,
    _key("bot_id"),
    _key("id"),
    _some("date"),
    _some("starting_balance", Exact),
    _some("start_of_day_equity", Exact),
    _some("starting_capital", Exact),
    _some("gross_pnl", Exact),
    _some("total_fees", Exact),
    _some("total_llm_cost", Exact),
    _some("total_trades", sa.BigInteger),
    _some("created_at", Utc),
    _maybe("closed_at", Utc),
    sa.Index(None, "bot_id", "created_at", "id"),
)

orders = sa.Table(
    "orders",
    metadata,
    _key("bot_id"),
    _key("client_order_id"),
    _maybe("venue_order_id"),
    _some("plan_id"),
    _some("leg", Enumerated(Leg)),
    _some("attempt", sa.BigInteger),
    _some("symbol"),
    _some("side", Enumerated(Side)),
    _some("order_type", Enumerated(OrderType)),
    _some("quantity", Exact),
    _some("filled", Exact),
    _maybe("price", Exact),
    _maybe("stop_price", Exact),
    _maybe("average_price", Exact),
    _some("status", Enumerated(OrderStatus)),
    _maybe("reason"),
    _maybe("good_until", Utc),
    _some("created_at", Utc),
    _some("updated_at", Utc),
    _some("recorded_at", Utc),  # wall clock of the intent
    sa.Index(None, "bot_id", "status"),
    sa.Index(None, "bot_id", "created_at", "recorded_at", "client_order_id"),
    sa.Index(None, "bot_id", "venue_order_id"),
    sa.Index(None, "bot_id", "plan_id", "created_at", "recorded_at", "client_order_id"),
    sa.Index(None, "bot_id", "recorded_at"),
)

fills = sa.Table(
    "fills",
    metadata,
    _number(),
    _some("bot_id"),
    _some("id"),
    _some("trade_id"),
    _some("order_id"),
    _some("client_order_id"),
    _some("symbol"),
    _some("action", Enumerated(Side)),
    _some("quantity", Exact),
    _some("price", Exact),
    _some("value", Exact),
    _some("fee", Exact),
    _maybe("liquidity", Enumerated(Liquidity)),
    _maybe("realized_pnl", Exact),
    _some("reason"),
    _some("timestamp", Utc),
    _some("recorded_at", Utc),
    _maybe("session_id"),
    sa.UniqueConstraint("bot_id", "id"),
    sa.Index(None, "bot_id", "trade_id", "timestamp", "number"),
    sa.Index(None, "bot_id", "session_id"),
    sa.Index(None, "bot_id", "timestamp", "number"),
    sa.Index(None, "bot_id", "symbol", "timestamp", "number"),
    sa.Index(None, "bot_id", "recorded_at"),
    sqlite_autoincrement=True,
)

plans = sa.Table(
    "plans",
    metadata,
    _key("bot_id"),
    _key("id"),
    _some("symbol"),
    _some("side", Enumerated(Side)),
    _some("strategy_name"),
    _some("entry_type"),
    _some("entry_price", Exact),
    _some("stop_price", Exact),
    _maybe("target_price", Exact),
    _some("size", Exact),
    _some("planned_size", Exact),
    _some("status", Enumerated(PlanStatus)),
    _some("reason"),
    _some("indicators_used", Texts),
    _maybe("entry_order_id"),
    _maybe("entry_client_order_id"),
    _maybe("exit_reason"),
    _some("version", sa.BigInteger),
    _some("session_id"),
    _some("config_version", sa.BigInteger),
    _some("config_hash"),
    _some("opened_at", Utc),
    _maybe("closed_at", Utc),
    sa.Index(None, "bot_id", "opened_at", "id"),
    sa.Index(None, "bot_id", "status", "opened_at", "id"),
)

trades = sa.Table(
    "trades",
    metadata,
    _key("bot_id"),
    _key("id"),
    _some("timestamp", Utc),
    _some("symbol"),
    _some("action", Enumerated(Side)),
    _some("quantity", Exact),
    _some("price", Exact),
    _some("total_value", Exact),
    _some("order_id"),
    _some("execution_mode", Enumerated(TradingMode)),
    _maybe("account_id"),
    _some("strategy_name"),
    _some("entry_type"),
    _maybe("stop_loss", Exact),
    _maybe("target", Exact),
    _some("decision_reasoning"),
    _some("indicators_used", Texts),
    _maybe("risk_reward_ratio", sa.Double),
    _some("outcome", Enumerated(Outcome)),
    _maybe("profit_loss", Exact),
    _maybe("hold_duration_seconds", sa.BigInteger),
    _maybe("exit_timestamp", Utc),
    _maybe("exit_reasoning"),
    _maybe("slippage", Exact),
    _maybe("commission", Exact),
    _maybe("net_profit_loss", Exact),
    _some("session_id"),
    _some("bot_version"),
    _some("config_hash"),
    _some("recorded_at", Utc),
    _some("config_version", sa.BigInteger),
    _some("words"),  # what a search looks through, case folded: the databases fold letters differently
    sa.Index(None, "bot_id", "timestamp", "id"),
    sa.Index(None, "bot_id", "symbol", "timestamp", "id"),
    sa.Index(None, "bot_id", "exit_timestamp", "recorded_at", "id"),
    sa.Index(None, "bot_id", "config_version", "net_profit_loss"),
)

positions = sa.Table(
    "positions",
    metadata,
    _key("bot_id"),
    _key("symbol"),
    _some("lots", Json),  # [[quantity, cost], ...], oldest first, as decimal strings
    _some("current_price", Exact),
    _some("last_updated", Utc),
)

suspensions = sa.Table(
    "suspensions",
    metadata,
    _key("bot_id"),
    _key("symbol"),
    _some("ours", Exact),
    _some("theirs", Exact),
    _some("status", Enumerated(SuspensionStatus)),
    _some("is_corporate_action", sa.Boolean),
    _some("since", Utc),
    _maybe("reason"),
)

records = sa.Table(
    "records",
    metadata,
    _key("bot_id"),
    _some("trades", sa.BigInteger),
    _some("wins", sa.BigInteger),
    _some("losses", sa.BigInteger),
    _some("realized", Exact),
    _some("peak", Exact),
    _some("max_drawdown", Exact),
    _some("streak", sa.BigInteger),
    _maybe("streak_type", Enumerated(StreakType)),
    _some("risk_reward_sum", sa.Double),
    _some("risk_reward_count", sa.BigInteger),
)

candles = sa.Table(
    "candles",
    metadata,
    _key("bot_id"),
    _key("symbol"),
    _key("timestamp", Utc),
    _some("open", Exact),
    _some("high", Exact),
    _some("low", Exact),
    _some("close", Exact),
    _some("volume", Exact),
    sqlite_with_rowid=False,
)

errors = sa.Table(
    "errors",
    metadata,
    _number(),
    _some("bot_id"),
    _some("id"),
    _some("error_code"),
    _some("error_type"),
    _some("message"),
    _some("cause"),
    _some("impact"),
    _some("remediation"),
    _some("actions", Json),
    _some("retry_kind", Enumerated(RetryKind)),
    _maybe("retry_after_seconds", sa.Double),
    _some("context", Json),
    _some("timestamp", Utc),
    _some("severity", Enumerated(Severity)),
    _maybe("acknowledged_at", Utc),
    _maybe("symbol"),  # context's symbol, to filter by
    _some("last_seen_at", Utc),  # when it was last repeated
    sa.UniqueConstraint("bot_id", "id"),
    sa.Index(None, "bot_id", "number"),
    sa.Index(None, "bot_id", "last_seen_at"),
    sqlite_autoincrement=True,
)

commands = sa.Table(
    "commands",
    metadata,
    _number(),
    _some("bot_id"),
    _some("id"),
    _some("addressee", Enumerated(Addressee)),
    _some("kind", Enumerated(CommandKind)),
    _some("status", Enumerated(CommandStatus)),
    _some("user"),
    _some("reason"),
    _some("parameters", Json),
    _some("created_at", Utc),
    _maybe("executed_at", Utc),
    _maybe("outcome", Json),
    _maybe("error", Json),
    sa.UniqueConstraint("bot_id", "id"),
    sa.Index(None, "bot_id", "number"),
    sa.Index(None, "bot_id", "status", "addressee", "number"),
    sqlite_autoincrement=True,
)

intents = sa.Table(
    "intents",
    metadata,
    _key("key_id"),
    _key("idempotency_key"),
    _some("bot_id"),
    _some("digest"),
    _some("reason"),
    _maybe("token_id"),
    _some("subject_id"),
    _some("created_at", Utc),
    sa.UniqueConstraint("token_id"),
    sa.Index(None, "created_at"),
)

configs = sa.Table(
    "configs",
    metadata,
    _key("bot_id"),
    _key("version", sa.BigInteger),
    _some("values", Json),
    _some("config_hash"),
    _some("user"),
    _some("reason"),
    _some("updated_at", Utc),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _key("id"),
    _some("hash"),
    _some("name"),
    _some("scope", Enumerated(Scope)),
    _maybe("rate_per_minute", sa.BigInteger),
    _some("max_response_bytes", sa.BigInteger),
    _some("created_at", Utc),
    _maybe("revoked_at", Utc),
    sa.UniqueConstraint("hash"),
)
