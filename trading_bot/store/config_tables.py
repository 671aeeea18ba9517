"""The tables of configuration changes: each version as a step, and which one the bot trades by."""

import sqlalchemy as sa

from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin
from trading_bot.store.columns import Enumerated, Json, Utc
from trading_bot.store.metadata import key, maybe, metadata, some

config_changes = sa.Table(
    "config_changes",
    metadata,
    key("bot_id"),
    key("version", sa.BigInteger),
    some("id"),
    some("previous_version", sa.BigInteger),
    some("timestamp", Utc),
    some("user"),
    some("reason"),
    some("origin", Enumerated(ConfigOrigin)),
    some("diff", Json),
    some("watch_seconds", sa.BigInteger),
    maybe("command_id"),
    some("status", Enumerated(AdoptionStatus)),
    maybe("at", Utc),
    maybe("detail"),
    maybe("adopted_at", Utc),
    maybe("replaced", sa.BigInteger),
    maybe("watched_until", Utc),
    maybe("baseline", Json),
    some("crashes", sa.BigInteger),
    maybe("rolled_back_by", sa.BigInteger),
    sa.UniqueConstraint("bot_id", "id"),
)

config_pointers = sa.Table(
    "config_pointers",
    metadata,
    key("bot_id"),
    some("version", sa.BigInteger),
    some("restart_version", sa.BigInteger),
    some("since", Utc),
    maybe("file_version", sa.BigInteger),
    maybe("file_digest"),
    maybe("replaced_digest"),
    maybe("told_digest"),
)
