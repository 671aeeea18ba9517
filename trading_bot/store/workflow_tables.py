"""The tables of workflow runs, with the lease that a worker holds on one, and of the attempts at their steps."""

import sqlalchemy as sa

from trading_bot.domain.errors import Scope
from trading_bot.domain.workflow_runs import StepPhase, StepStatus, WorkflowStatus
from trading_bot.store.columns import Enumerated, Json, Texts, Utc
from trading_bot.store.metadata import key, maybe, metadata, number, some

workflow_runs = sa.Table(
    "workflow_runs",
    metadata,
    number(),
    some("bot_id"),
    some("id"),
    some("workflow_id"),
    some("definition", Json),
    some("parameters", Json),
    some("reads_only", sa.Boolean),
    some("preempts", sa.Boolean),
    some("timeout_seconds", sa.BigInteger),
    some("forward", Texts),
    some("undo", Texts),
    some("status", Enumerated(WorkflowStatus)),
    some("phase", Enumerated(StepPhase)),
    some("position", sa.BigInteger),
    some("user"),
    some("user_name"),
    some("scope", Enumerated(Scope)),
    some("max_response_bytes", sa.BigInteger),
    some("reason"),
    some("created_at", Utc),
    maybe("started_at", Utc),
    some("due_at", Utc),
    maybe("finished_at", Utc),
    maybe("cancelled_at", Utc),
    maybe("cancelled_by"),
    maybe("cancel_reason"),
    maybe("error", Json),
    maybe("owner"),  # the worker that holds the lease
    maybe("leased_until", Utc),
    some("fence", sa.BigInteger),  # raised with each lease: a worker that was given up writes with an old one
    maybe("holds_bot"),  # the bot, while this is the one run that writes to it
    sa.UniqueConstraint("bot_id", "id"),
    sa.UniqueConstraint("holds_bot"),
    sa.Index(None, "bot_id", "number"),
    sa.Index(None, "bot_id", "workflow_id", "number"),
    sa.Index(None, "finished_at", "due_at"),
    sqlite_autoincrement=True,
)

workflow_steps = sa.Table(
    "workflow_steps",
    metadata,
    key("bot_id"),
    key("run_id"),
    key("phase", Enumerated(StepPhase)),
    key("position", sa.BigInteger),
    key("attempt", sa.BigInteger),
    some("id"),
    some("status", Enumerated(StepStatus)),
    maybe("started_at", Utc),
    maybe("wakes_at", Utc),
    maybe("finished_at", Utc),
    maybe("result", Json),
    maybe("error", Json),
    some("number", sa.BigInteger),  # place among the run's attempts
    some("fence", sa.BigInteger),  # of the lease under which it was written
)
