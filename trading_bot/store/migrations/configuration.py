"""The part of the first version that makes the tables of configuration changes; like it, this never changes once released."""

import sqlalchemy as sa
from alembic import op

from trading_bot.store.columns import Json, Text, Utc


def make_tables() -> None:
    """Make the tables, within the running upgrade."""
    op.create_table(
        "config_changes",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("previous_version", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", Utc(), nullable=False),
        sa.Column("user", Text(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("origin", Text(), nullable=False),
        sa.Column("diff", Json(), nullable=False),
        sa.Column("watch_seconds", sa.BigInteger(), nullable=False),
        sa.Column("command_id", Text(), nullable=True),
        sa.Column("status", Text(), nullable=False),
        sa.Column("at", Utc(), nullable=True),
        sa.Column("detail", Text(), nullable=True),
        sa.Column("adopted_at", Utc(), nullable=True),
        sa.Column("replaced", sa.BigInteger(), nullable=True),
        sa.Column("watched_until", Utc(), nullable=True),
        sa.Column("baseline", Json(), nullable=True),
        sa.Column("crashes", sa.BigInteger(), nullable=False),
        sa.Column("rolled_back_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", "version", name="pk_config_changes"),
        sa.UniqueConstraint("bot_id", "id", name="uq_config_changes_bot_id_id"),
    )
    op.create_table(
        "config_pointers",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("restart_version", sa.BigInteger(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("file_version", sa.BigInteger(), nullable=True),
        sa.Column("file_digest", Text(), nullable=True),
        sa.Column("replaced_digest", Text(), nullable=True),
        sa.Column("told_digest", Text(), nullable=True),
        sa.PrimaryKeyConstraint("bot_id", name="pk_config_pointers"),
    )
