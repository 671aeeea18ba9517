"""The trail of workflow runs: an event and a line in the log for everything that happens to one, and what such a line holds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from trading_bot.domain.events import EventKind
from trading_bot.domain.records import data_of, value_of
from trading_bot.domain.workflow_runs import (
    Cancellation,
    StepPhase,
    StepRun,
    StepStatus,
    WorkflowRun,
    WorkflowStatus,
)
from trading_bot.store.semantic import dumped, loaded
from trading_bot.store.transaction import Writing

STREAM = "workflow_execution_log"
KEPT = (
    "id",
    "workflow_id",
    "definition",
    "parameters",
    "reads_only",
    "preempts",
    "timeout_seconds",
    "forward",
    "user",
    "user_name",
    "scope",
    "max_response_bytes",
    "reason",
    "created_at",
)
"""Fields of a run that never change."""
MOVING = ("undo", "status", "phase", "position", "started_at", "due_at", "finished_at")
"""Fields of a run that its worker writes."""
STEP = ("id", "phase", "position", "status", "attempt", "started_at", "wakes_at", "finished_at", "result")
"""Fields of an attempt at a step."""
_STEPS = {
    StepStatus.PENDING: "waits",
    StepStatus.RUNNING: "was begun",
    StepStatus.SUCCEEDED: "succeeded",
    StepStatus.FAILED: "failed",
    StepStatus.TIMEOUT: "took too long",
    StepStatus.SKIPPED: "was not needed",
    StepStatus.INTERRUPTED: "was interrupted",
}
_RUNS = {
    WorkflowStatus.NOT_STARTED: "was asked for",
    WorkflowStatus.IN_PROGRESS: "was begun",
    WorkflowStatus.ROLLING_BACK: "was cancelled and is being undone",
    WorkflowStatus.COMPLETED: "has completed",
    WorkflowStatus.FAILED: "failed",
    WorkflowStatus.ROLLED_BACK: "was undone",
    WorkflowStatus.ROLLBACK_FAILED: "could not be undone altogether",
    WorkflowStatus.CANCELLED: "was cancelled",
}


def tell_run(w: Writing, run: WorkflowRun, *, fence: int | None = None, is_new: bool = False) -> None:
    """That a run was asked for, is to be cancelled, or has moved on under a worker's lease of number `fence`."""
    w.changed(EventKind.WORKFLOW, run.id, f"{run.workflow_id} {_said(run)}.", _event(run))
    record = _record(run)
    if is_new:
        record["definition"] = run.definition  # once is enough
    w.log(STREAM, record | {"fence": fence})


def tell_step(w: Writing, run: WorkflowRun, attempt: StepRun, *, fence: int) -> None:
    """That an attempt at a step was begun, waits or has ended."""
    undoing = "undoing " if attempt.phase is StepPhase.ROLLBACK else ""
    waits = attempt.status is StepStatus.RUNNING and attempt.wakes_at is not None
    summary = f"{run.workflow_id}: {undoing}step {attempt.id} {'waits' if waits else _STEPS[attempt.status]}."
    told = {"step": attempt.id, "phase": attempt.phase.name, "stepStatus": attempt.status.name}
    w.changed(EventKind.WORKFLOW, run.id, summary, _event(run) | told | {"attempt": attempt.attempt})
    shown = {name: data_of(getattr(attempt, name)) for name in STEP if name != "result"}
    error = dumped(attempt.error) if attempt.error else None
    record = {"entity": "step", "run_id": run.id, **shown, "result": attempt.output, "error": error}
    w.log(STREAM, record | {"fence": fence})


def read_run(record: Mapping[str, Any], known: WorkflowRun | None) -> WorkflowRun:
    """The run that a line of the log holds; `known` is what the lines before said of it. KeyError where the first one is missing."""
    definition = record["definition"] if known is None else known.definition
    nested = {"cancellation": None, "error": None, "attempts": (), "queued_behind": None}
    run = value_of(WorkflowRun, {**record, **nested, "definition": definition})
    asked = None
    if record["cancelled_at"] is not None:
        at = datetime.fromisoformat(record["cancelled_at"])
        asked = Cancellation(at=at, user=record["cancelled_by"], reason=record["cancel_reason"])
    error = loaded(record["error"]) if record["error"] else None
    return replace(run, cancellation=asked, error=error, attempts=() if known is None else known.attempts)


def read_step(record: Mapping[str, Any]) -> StepRun:
    """The attempt that a line of the log holds; its output as it was shown."""
    attempt = value_of(StepRun, {**record, "error": None})
    return replace(attempt, error=loaded(record["error"])) if record["error"] else attempt


def _said(run: WorkflowRun) -> str:
    if run.cancellation is not None and run.phase is StepPhase.FORWARD and not run.has_ended:
        return "is to be cancelled"
    if run.status is WorkflowStatus.FAILED and not run.has_ended:
        return "failed and is being undone"
    return _RUNS[run.status]


def _event(run: WorkflowRun) -> dict[str, Any]:
    """What an event says of the run: how far it is, and why it is no success."""
    told: dict[str, Any] = {"workflowId": run.workflow_id, "status": run.status.name, "progressPct": run.progress_pct}
    if run.has_ended:
        told["ended"] = True
    if run.error is not None:
        told["errorCode"] = run.error.error_code
    if run.cancellation is not None:
        told["cancelledBy"] = run.cancellation.user
    return told


def _record(run: WorkflowRun) -> dict[str, Any]:
    """The run as a line of the log holds it, without its definition."""
    shown = {name: data_of(getattr(run, name)) for name in (*KEPT, *MOVING) if name != "definition"}
    asked = run.cancellation
    return {
        "entity": "run",
        **shown,
        "cancelled_at": data_of(asked.at) if asked else None,
        "cancelled_by": asked.user if asked else None,
        "cancel_reason": asked.reason if asked else None,
        "error": dumped(run.error) if run.error else None,
    }
