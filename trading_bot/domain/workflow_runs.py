"""Workflow runs: one run of a workflow, how far it has come, and what each of its steps did.

A run goes forward through its steps. Where one fails, runs out of time or the run is cancelled, what was begun is undone in reverse order.
`FOLLOWING` holds every move that a run's status can make.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from trading_bot.domain.errors import Scope, SemanticError

OUTPUT_BYTES = 2_000
"""Bytes of compact JSON up to which a step's output is shown whole."""
_SHOWN_NAMES = 20
_MOST_STEPS = 100


class WorkflowStatus(Enum):
    """How far a run has come."""

    NOT_STARTED = "NOT_STARTED"
    """Stored; it waits for a worker, or for the runs before it."""
    IN_PROGRESS = "IN_PROGRESS"
    """Its steps are being carried out."""
    ROLLING_BACK = "ROLLING_BACK"
    """It was cancelled, and what it did is being undone."""
    COMPLETED = "COMPLETED"
    """All steps succeeded."""
    FAILED = "FAILED"
    """A step failed or time ran out. What was done is being undone; once it has ended like this, there was nothing to undo."""
    ROLLED_BACK = "ROLLED_BACK"
    """It failed or was cancelled, and what it had done was undone."""
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    """It failed or was cancelled, and something that it had done could not be undone: look at it."""
    CANCELLED = "CANCELLED"
    """It was cancelled, and there was nothing to undo."""


_S = WorkflowStatus
FOLLOWING = {
    _S.NOT_STARTED: frozenset({_S.IN_PROGRESS, _S.CANCELLED}),
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.FAILED, _S.ROLLING_BACK, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.ROLLED_BACK, _S.ROLLBACK_FAILED}),
    _S.ROLLING_BACK: frozenset({_S.ROLLED_BACK, _S.ROLLBACK_FAILED}),
    _S.COMPLETED: frozenset[WorkflowStatus](),
    _S.ROLLED_BACK: frozenset[WorkflowStatus](),
    _S.ROLLBACK_FAILED: frozenset[WorkflowStatus](),
    _S.CANCELLED: frozenset[WorkflowStatus](),
}
"""Which status may come after which."""


class StepStatus(Enum):
    """How far a step has come."""

    PENDING = "PENDING"
    """It has not been begun."""
    RUNNING = "RUNNING"
    """It is being carried out, or waits for its time."""
    SUCCEEDED = "SUCCEEDED"
    """It did what it should, verified."""
    FAILED = "FAILED"
    """It did not; `error` says why."""
    TIMEOUT = "TIMEOUT"
    """It took longer than it may, or than the run may."""
    SKIPPED = "SKIPPED"
    """It was not needed, or the run ended before it."""
    INTERRUPTED = "INTERRUPTED"
    """Its worker died, or the run was cancelled meanwhile; it may have had its effect."""


class StepPhase(Enum):
    """Which way a run goes."""

    FORWARD = "FORWARD"
    """Through its steps."""
    ROLLBACK = "ROLLBACK"
    """Back, through what undoes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One attempt at one step of a run."""

    id: str
    """Id of the step within its workflow."""
    phase: StepPhase
    """Whether it does something or undoes it."""
    position: int
    """Place in its phase, from 0."""
    status: StepStatus
    """How far it has come."""
    attempt: int
    """Which attempt at this step, from 1; 0 for a step that was not begun."""
    started_at: datetime | None
    """Wall clock when it was begun, UTC; null before."""
    wakes_at: datetime | None = None
    """Wall clock until when it waits, UTC; null for one that does not."""
    finished_at: datetime | None
    """Wall clock when it ended, UTC; null before."""
    result: dict[str, Any] | None
    """What it gave back, whole, for later steps; null until it succeeded."""
    error: SemanticError | None
    """Why it failed; null where it did not."""

    @property
    def output(self) -> dict[str, Any] | None:
        """What it gave back, at most 2,000 bytes: of more, only the size and the names. Null until it succeeded."""
        return None if self.result is None else shown_output(self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """That somebody wants a run to stop."""

    at: datetime
    """Wall clock when it was asked for, UTC."""
    user: str
    """Id of the key that asked, or of the run that goes first."""
    reason: str
    """Why, at most 500 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """One run of a workflow on one bot."""

    id: str
    """UUID."""
    bot_id: str
    """The bot that it concerns."""
    workflow_id: str
    """What is run."""
    definition: dict[str, Any]
    """The workflow as it was when the run was asked for."""
    parameters: dict[str, Any]
    """What it was started with."""
    reads_only: bool
    """Whether it changes nothing, and so waits for no other run."""
    preempts: bool
    """Whether it cancelled the active run and goes before those that wait."""
    timeout_seconds: int
    """Longest time from its start to the end of its last step, in seconds, from 1."""
    forward: tuple[str, ...]
    """Ids of its steps, in their order."""
    undo: tuple[str, ...] = ()
    """Ids of the steps that undo it, in the order in which they are run; empty unless it is rolled back."""
    status: WorkflowStatus
    """How far it has come."""
    phase: StepPhase = StepPhase.FORWARD
    """Which way it goes."""
    position: int = 0
    """Place of the step in its phase that is run now or next, from 0."""
    user: str
    """Id of the key that asked for it."""
    user_name: str
    """What the operator called that key."""
    scope: Scope
    """What that key was allowed when it asked."""
    max_response_bytes: int
    """Largest answer that the key is sent, in bytes."""
    reason: str
    """Why, at most 500 bytes."""
    created_at: datetime
    """Wall clock when it was asked for, UTC."""
    started_at: datetime | None = None
    """Wall clock when a worker began it, UTC; null before."""
    due_at: datetime
    """Wall clock before which nothing is to be done for it, UTC."""
    finished_at: datetime | None = None
    """Wall clock when it ended, UTC; null before."""
    cancellation: Cancellation | None = None
    """Who wants it to stop; null where nobody does."""
    error: SemanticError | None = None
    """Why it failed or was cancelled; null where it was not."""
    attempts: tuple[StepRun, ...] = ()
    """Every attempt at a step that was begun, in their order."""
    queued_behind: str | None = None
    """Id of the run that goes before it; null where none does."""

    @property
    def deadline(self) -> datetime | None:
        """Wall clock by which its last step must have ended, UTC; null before it started."""
        return None if self.started_at is None else self.started_at + timedelta(seconds=self.timeout_seconds)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens."""
        return self.finished_at is not None

    @property
    def current(self) -> StepRun | None:
        """The attempt that is under way; null between two steps."""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and last.status is StepStatus.RUNNING else None

    @property
    def steps(self) -> tuple[StepRun, ...]:
        """Every attempt, and each step that was not begun; forward ones first, at most 100: of more, the last attempt at each step."""
        goes_on = not self.has_ended and self.phase is StepPhase.FORWARD
        found = [one for one in self.attempts if one.phase is StepPhase.FORWARD]
        found += self._untouched(self.forward, StepPhase.FORWARD, StepStatus.PENDING if goes_on else StepStatus.SKIPPED)
        found += [one for one in self.attempts if one.phase is StepPhase.ROLLBACK]
        found += self._untouched(self.undo, StepPhase.ROLLBACK, StepStatus.PENDING)
        last = {(one.phase, one.position): one for one in found}
        return tuple(found if len(found) <= _MOST_STEPS else last.values())

    @property
    def progress_pct(self) -> int:
        """Steps done, 0 to 100 percent; once it is rolled back, those undone."""
        ids = self.forward if self.phase is StepPhase.FORWARD else self.undo
        return 100 if self.status is WorkflowStatus.COMPLETED or not ids else self.position * 100 // len(ids)

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """What its steps gave back, by id."""
        return {one.id: one.result for one in self.attempts if one.result is not None}

    def moved(self, status: WorkflowStatus, *, ended_at: datetime | None = None) -> "WorkflowRun":
        """The run in its next status, ended where `ended_at` says so. ValueError for one that can't follow."""
        if status not in FOLLOWING[self.status]:
            msg = f"A run that is {self.status.name} does not become {status.name}."
            raise ValueError(msg)
        return replace(self, status=status, finished_at=ended_at)

    def with_attempt(self, attempt: StepRun) -> "WorkflowRun":
        """The run with `attempt` as the last: in place of the same one as it was, or after it."""
        key = attempt.phase, attempt.position, attempt.attempt
        kept = tuple(one for one in self.attempts if (one.phase, one.position, one.attempt) != key)
        return replace(self, attempts=(*kept, attempt))

    def attempts_at(self, phase: StepPhase, position: int) -> tuple[StepRun, ...]:
        """The attempts at one step, in their order."""
        return tuple(one for one in self.attempts if (one.phase, one.position) == (phase, position))

    def _untouched(self, ids: tuple[str, ...], phase: StepPhase, status: StepStatus) -> list[StepRun]:
        begun = {one.position for one in self.attempts if one.phase is phase}
        return [
            StepRun(
                id=step_id,
                phase=phase,
                position=position,
                status=status,
                attempt=0,
                started_at=None,
                finished_at=None,
                result=None,
                error=None,
            )
            for position, step_id in enumerate(ids)
            if position not in begun
        ]


def shown_output(result: dict[str, Any]) -> dict[str, Any]:
    """`result` where it is at most 2,000 bytes of JSON, else its size and the first of its names."""
    size = len(json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"))
    if size <= OUTPUT_BYTES:
        return result
    return {"truncated": True, "bytes": size, "names": [name[:40] for name in list(result)[:_SHOWN_NAMES]]}
