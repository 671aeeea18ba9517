"""The table of what the audit log is known to have."""

import sqlalchemy as sa

from trading_bot.store.metadata import key, metadata, some

delivered = sa.Table(
    "delivered",
    metadata,
    key("bot_id"),
    some("number", sa.BigInteger),  # of the outbox: it and all before it were appended to the log
)
