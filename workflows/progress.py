"""Progress: what a run becomes by what its step came to, and which step is carried out next. Rules only; nothing is read or written.

Forward, a step that fails, runs out of time or is cancelled turns the run back. Back, what was begun is undone in reverse order; a step
that fails there holds up none of the others, and nobody can cancel it. A step that nobody ended, because its worker died, is begun again:
unless it may not be repeated, or was begun too often.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias, assert_never

from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.workflow_runs import StepPhase, StepRun, StepStatus, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from workflows.model import ActionType, Scene, Step, Wake, Workflow, rollback_of

MOST_ATTEMPTS = 20
"""Attempts at one step: one that kills every worker must not do so for ever."""
_OWN_FAMILY = "WF_"
_HARMLESS = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED})
_UNCLEAR = frozenset({StepStatus.INTERRUPTED, StepStatus.TIMEOUT})
_ACTS = frozenset({ActionType.COMMAND, ActionType.API_CALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The step succeeded."""

    output: dict[str, Any]
    """What it gave back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """The step was not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The step did not succeed."""

    error: SemanticError
    """Why."""
    is_late: bool = False
    """Whether it took too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The step was stopped on the way, because the run is to be cancelled."""


Outcome: TypeAlias = Done | Skipped | Failed | Wake | Stopped
"""What a step came to."""


def taken_up(
    run: WorkflowRun, workflow: Workflow, *, refusal: SemanticError | None, now: datetime
) -> tuple[WorkflowRun, Step | None]:
    """The run as a worker finds it that takes it over, and the step to carry out; null where it has ended or waits for its time.

    With a `refusal`, something that the workflow needs does not hold: no step of it is begun.
    """
    if run.started_at is None:
        run = replace(run.moved(WorkflowStatus.IN_PROGRESS), started_at=now)
        if refusal is not None:
            return _turned_back(run, workflow, refusal, WorkflowStatus.FAILED, now), None
    current = run.current
    if current is not None and current.wakes_at is None:
        run = _interrupted(run, workflow, current, now)
    return _next(run, workflow, now)


def carried_on(
    run: WorkflowRun, workflow: Workflow, outcome: Outcome, *, now: datetime
) -> tuple[WorkflowRun, Step | None]:
    """The run after its step came to `outcome`, and the next step to carry out; null where it has ended or waits for its time."""
    current = run.current
    if current is None:
        msg = "Expected a run whose step is under way."
        raise ValueError(msg)
    match outcome:
        case Done(output=output):
            run = _past(run, replace(current, status=StepStatus.SUCCEEDED, result=output, finished_at=now))
        case Skipped():
            run = _past(run, replace(current, status=StepStatus.SKIPPED, finished_at=now))
        case Failed(error=error, is_late=is_late):
            status = StepStatus.TIMEOUT if is_late else StepStatus.FAILED
            run = _stumbled(run, workflow, replace(current, status=status, error=error, finished_at=now), now)
        case Wake(at=at):
            run = run.with_attempt(replace(current, wakes_at=at))
        case Stopped():
            run = run.with_attempt(replace(current, status=StepStatus.INTERRUPTED, finished_at=now))
        case _:
            assert_never(outcome)
    return _next(run, workflow, now)


def abandoned(run: WorkflowRun, error: SemanticError, *, now: datetime) -> WorkflowRun:
    """The run where its definition can't be read any more: nothing can be done and nothing undone."""
    if run.status is WorkflowStatus.NOT_STARTED:
        run = replace(run.moved(WorkflowStatus.IN_PROGRESS), started_at=now)
    if run.current is not None:
        run = run.with_attempt(replace(run.current, status=StepStatus.INTERRUPTED, finished_at=now))
    if run.phase is StepPhase.FORWARD:
        run = run.moved(WorkflowStatus.FAILED, ended_at=now)
    if _begun_ids(run):
        run = run.moved(WorkflowStatus.ROLLBACK_FAILED, ended_at=now)
    return replace(run, error=error)


def step_at(run: WorkflowRun, workflow: Workflow) -> Step:
    """The step that the run has come to."""
    if run.phase is StepPhase.FORWARD:
        return workflow.steps[run.position]
    return next(step for step in workflow.rollback if step.id == run.undo[run.position])


def scene_of(run: WorkflowRun, step: Step, caller: Caller, *, now: datetime) -> Scene:
    """What the step that the run has come to is run in, on behalf of `caller`; or, of a run that is only imagined, any step."""
    begun = [one.started_at or now for one in run.attempts_at(run.phase, run.position)] or [now]
    deadline = begun[-1] + timedelta(seconds=step.timeout_seconds)
    if run.phase is StepPhase.FORWARD and run.deadline is not None:
        deadline = min(deadline, run.deadline)
    return Scene(
        run_id=run.id,
        bot_id=run.bot_id,
        workflow_id=run.workflow_id,
        step_id=step.id,
        caller=caller,
        reason=run.reason,
        parameters=run.parameters,
        outputs=run.outputs,
        started_at=begun[0],
        deadline=deadline,
    )


def _next(run: WorkflowRun, workflow: Workflow, now: datetime) -> tuple[WorkflowRun, Step | None]:
    """Turn back, end, wait, or begin the next step."""
    if run.has_ended:
        return run, None
    if run.phase is StepPhase.FORWARD:
        turned = _turned_back_if_due(run, workflow, now)
        if turned is not run:
            return _next(turned, workflow, now)
        if run.position == len(run.forward):
            return run.moved(WorkflowStatus.COMPLETED, ended_at=now), None
    elif run.position == len(run.undo):
        return _undone(run, workflow, now), None
    current = run.current
    if current is not None and current.wakes_at is not None and now < current.wakes_at:
        return replace(run, due_at=_wake_up(run, current.wakes_at)), None
    return _begun(run, step_at(run, workflow), now)


def _begun(run: WorkflowRun, step: Step, now: datetime) -> tuple[WorkflowRun, Step]:
    """The run with its next attempt under way; a step that has waited goes on as the same one."""
    current = run.current
    if current is not None:
        return run.with_attempt(replace(current, wakes_at=None)), step
    attempt = StepRun(
        id=step.id,
        phase=run.phase,
        position=run.position,
        status=StepStatus.RUNNING,
        attempt=len(run.attempts_at(run.phase, run.position)) + 1,
        started_at=now,
        finished_at=None,
        result=None,
        error=None,
    )
    return run.with_attempt(attempt), step


def _wake_up(run: WorkflowRun, at: datetime) -> datetime:
    deadline = run.deadline
    return at if run.phase is StepPhase.ROLLBACK or deadline is None else min(at, deadline)


def _turned_back_if_due(run: WorkflowRun, workflow: Workflow, now: datetime) -> WorkflowRun:
    """The run on its way back where it is to be cancelled or has no time left; else the same run."""
    asked, deadline = run.cancellation, run.deadline
    is_late = deadline is not None and now >= deadline and run.position < len(run.forward)
    if asked is None and not is_late:
        return run
    current = run.current
    if current is not None:
        status = StepStatus.INTERRUPTED if asked is not None else StepStatus.TIMEOUT
        run = run.with_attempt(replace(current, status=status, finished_at=now))
    if asked is not None:
        fault = _fault(run, "WF_012", f"Cancelled by {asked.user}: {asked.reason}")
        return _turned_back(run, workflow, fault.semantic(now=now), WorkflowStatus.ROLLING_BACK, now)
    fault = _fault(run, "WF_011", f"{run.workflow_id} may take {run.timeout_seconds} s.")
    return _turned_back(run, workflow, fault.semantic(now=now), WorkflowStatus.FAILED, now)


def _turned_back(
    run: WorkflowRun, workflow: Workflow, error: SemanticError, status: WorkflowStatus, now: datetime
) -> WorkflowRun:
    """The run on its way back, or ended where nothing was begun that could be undone."""
    begun = _begun_ids(run)
    undo = tuple(step.id for step in rollback_of(workflow, begun)) if begun else ()
    run = replace(run, error=error)
    if undo:
        return replace(run.moved(status), phase=StepPhase.ROLLBACK, position=0, undo=undo, due_at=now)
    is_cancelled = status is WorkflowStatus.ROLLING_BACK
    return run.moved(WorkflowStatus.CANCELLED if is_cancelled else WorkflowStatus.FAILED, ended_at=now)


def _begun_ids(run: WorkflowRun) -> list[str]:
    return [one.id for one in run.attempts if one.status is not StepStatus.SKIPPED]


def _interrupted(run: WorkflowRun, workflow: Workflow, current: StepRun, now: datetime) -> WorkflowRun:
    """The run after its worker died in a step."""
    died = replace(current, status=StepStatus.INTERRUPTED, finished_at=now)
    if step_at(run, workflow).is_repeatable and current.attempt < MOST_ATTEMPTS:
        return run.with_attempt(died)
    fault = _fault(run, "WF_013", f"Step `{current.id}` was interrupted in attempt {current.attempt}.", current.id)
    return _stumbled(run, workflow, replace(died, error=fault.semantic(now=now)), now)


def _past(run: WorkflowRun, attempt: StepRun) -> WorkflowRun:
    return replace(run.with_attempt(attempt), position=run.position + 1)


def _stumbled(run: WorkflowRun, workflow: Workflow, attempt: StepRun, now: datetime) -> WorkflowRun:
    """The run after a step failed: forward it turns back, back it goes on."""
    run = run.with_attempt(attempt)
    if run.phase is StepPhase.ROLLBACK:
        return replace(run, position=run.position + 1)
    error = attempt.error
    if run.cancellation is not None or error is None:
        return run
    return _turned_back(run, workflow, _of_run(run, attempt.id, error, now), WorkflowStatus.FAILED, now)


def _of_run(run: WorkflowRun, step_id: str, error: SemanticError, now: datetime) -> SemanticError:
    """Why the run failed, by what its step says."""
    code = error.error_code if error.error_code.startswith(_OWN_FAMILY) else "WF_004"
    told = error.cause if code == error.error_code else f"{error.error_code}: {error.cause}"
    return _fault(run, code, f"Step `{step_id}`: {told}", step_id, errorCode=error.error_code).semantic(now=now)


def _undone(run: WorkflowRun, workflow: Workflow, now: datetime) -> WorkflowRun:
    """The run after its way back."""
    why = _left_over(run, workflow)
    if why is None:
        return run.moved(WorkflowStatus.ROLLED_BACK, ended_at=now)
    step_id, cause = why
    because = f"{run.error.error_code}: {run.error.cause}" if run.error else ""
    fault = _fault(run, "WF_014", f"Step `{step_id}`: {cause}", step_id, because=because)
    ended = run.moved(WorkflowStatus.ROLLBACK_FAILED, ended_at=now)
    return replace(ended, error=fault.semantic(now=now))


def _left_over(run: WorkflowRun, workflow: Workflow) -> tuple[str, str] | None:
    """The first step of the way back that may have left something undone, and why; null where all is as it was.

    A step that was stopped on the way may have had its effect. Where what would undo it was skipped, nobody knows.
    """
    last = {one.id: one for one in run.attempts}
    steps = {step.id: step for step in (*workflow.steps, *workflow.rollback)}
    for undo_id in run.undo:
        attempt, undone = last[undo_id], steps.get(steps[undo_id].undoes or "")
        if attempt.status not in _HARMLESS:
            return undo_id, attempt.error.cause if attempt.error else "it was interrupted"
        if attempt.status is not StepStatus.SKIPPED or undone is None or undone.action_type not in _ACTS:
            continue
        if last[undone.id].status in _UNCLEAR:
            cause = f"it was skipped, and nobody knows whether `{undone.id}` had its effect before it was stopped."
            return undo_id, cause
    return None


def _fault(run: WorkflowRun, code: str, cause: str, step_id: str | None = None, **more: str) -> Fault:
    step = {} if step_id is None else {"step": step_id}
    return Fault(code, cause, context={"runId": run.id, "workflowId": run.workflow_id, **step, **more})
