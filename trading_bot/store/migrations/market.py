"""The part of the first version that makes the table of what a venue lists; like it, this never changes once released."""

import sqlalchemy as sa
from alembic import op

from trading_bot.store.columns import Json, Text


def make_tables() -> None:
    """Make the table, within the running upgrade."""
    op.create_table(
        "listings",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("symbols", Json(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_listings"),
    )
