"""The part of the first version that makes the tables of workflow runs; like it, this never changes once released."""

import sqlalchemy as sa
from alembic import op

from trading_bot.store.columns import Json, Text, Texts, Utc


def make_tables() -> None:
    """Make the tables, within the running upgrade."""
    op.create_table(
        "workflow_runs",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("workflow_id", Text(), nullable=False),
        sa.Column("definition", Json(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("reads_only", sa.Boolean(), nullable=False),
        sa.Column("preempts", sa.Boolean(), nullable=False),
        sa.Column("timeout_seconds", sa.BigInteger(), nullable=False),
        sa.Column("forward", Texts(), nullable=False),
        sa.Column("undo", Texts(), nullable=False),
        sa.Column("status", Text(), nullable=False),
        sa.Column("phase", Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("user", Text(), nullable=False),
        sa.Column("user_name", Text(), nullable=False),
        sa.Column("scope", Text(), nullable=False),
        sa.Column("max_response_bytes", sa.BigInteger(), nullable=False),
        sa.Column("reason", Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.Column("cancelled_at", Utc(), nullable=True),
        sa.Column("cancelled_by", Text(), nullable=True),
        sa.Column("cancel_reason", Text(), nullable=True),
        sa.Column("error", Json(), nullable=True),
        sa.Column("owner", Text(), nullable=True),
        sa.Column("leased_until", Utc(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("holds_bot", Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_workflow_runs"),
        sa.UniqueConstraint("bot_id", "id", name="uq_workflow_runs_bot_id_id"),
        sa.UniqueConstraint("holds_bot", name="uq_workflow_runs_holds_bot"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_workflow_runs_bot_id_number", "workflow_runs", ["bot_id", "number"])
    op.create_index("ix_workflow_runs_bot_id_workflow_id_number", "workflow_runs", ["bot_id", "workflow_id", "number"])
    op.create_index("ix_workflow_runs_finished_at_due_at", "workflow_runs", ["finished_at", "due_at"])
    op.create_table(
        "workflow_steps",
        sa.Column("bot_id", Text(), nullable=False),
        sa.Column("run_id", Text(), nullable=False),
        sa.Column("phase", Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("id", Text(), nullable=False),
        sa.Column("status", Text(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("wakes_at", Utc(), nullable=True),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.Column("result", Json(), nullable=True),
        sa.Column("error", Json(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "run_id", "phase", "position", "attempt", name="pk_workflow_steps"),
    )
