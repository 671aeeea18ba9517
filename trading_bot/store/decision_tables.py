"""The table of decisions."""

import sqlalchemy as sa

from trading_bot.domain.decisions import Verdict
from trading_bot.store.columns import Enumerated, Exact, Json, Utc
from trading_bot.store.metadata import key, maybe, metadata, some

decisions = sa.Table(
    "decisions",
    metadata,
    key("bot_id"),
    key("id"),
    some("session_id"),
    maybe("symbol"),
    some("strategy_name"),
    maybe("plan_id"),
    some("verdict", Enumerated(Verdict)),
    some("seen", Json),
    some("decided", Json),
    some("reasoning"),
    some("result", Json),
    maybe("prompt"),
    maybe("cost_usd", Exact),
    maybe("latency_ms", sa.Double),
    some("created_at", Utc),
    sa.Index(None, "bot_id", "created_at", "id"),
    sa.Index(None, "bot_id", "symbol", "created_at", "id"),
    sa.Index(None, "bot_id", "strategy_name", "created_at", "id"),
    sa.Index(None, "bot_id", "plan_id"),
)
