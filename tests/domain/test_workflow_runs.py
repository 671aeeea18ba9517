from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.domain.samples import NOON
from trading_bot.domain.errors import Scope
from trading_bot.domain.workflow_runs import (
    FOLLOWING,
    StepPhase,
    StepRun,
    StepStatus,
    WorkflowRun,
    WorkflowStatus,
    shown_output,
)

RUN = WorkflowRun(
    id="r",
    bot_id="main",
    workflow_id="tidy-up",
    definition={},
    parameters={},
    reads_only=False,
    preempts=False,
    timeout_seconds=60,
    forward=("a", "b", "c"),
    status=WorkflowStatus.NOT_STARTED,
    user="k",
    user_name="desk",
    scope=Scope.OPERATE,
    max_response_bytes=10_240,
    reason="because",
    created_at=NOON,
    due_at=NOON,
)


def attempt(
    id: str, position: int, status: StepStatus, number: int = 1, phase: StepPhase = StepPhase.FORWARD
) -> StepRun:
    return StepRun(
        id=id,
        phase=phase,
        position=position,
        status=status,
        attempt=number,
        started_at=NOON,
        finished_at=None,
        result=None,
        error=None,
    )


def test_a_run_takes_only_the_ways_that_the_table_has() -> None:
    ways = [("NOT_STARTED", "IN_PROGRESS"), ("IN_PROGRESS", "FAILED"), ("FAILED", "ROLLED_BACK")]
    assert all(WorkflowStatus[after] in FOLLOWING[WorkflowStatus[before]] for before, after in ways)
    done = RUN.moved(WorkflowStatus.IN_PROGRESS).moved(WorkflowStatus.COMPLETED, ended_at=NOON)
    assert (done.has_ended, done.progress_pct) == (True, 100)

    for status in WorkflowStatus:
        with pytest.raises(ValueError, match=f"A run that is COMPLETED does not become {status.name}"):
            done.moved(status)
    assert FOLLOWING.keys() == set(WorkflowStatus)


def test_steps_that_were_not_begun_are_pending_while_the_run_goes_forward_and_skipped_after() -> None:
    run = replace(RUN.moved(WorkflowStatus.IN_PROGRESS), position=1).with_attempt(attempt("a", 0, StepStatus.SUCCEEDED))
    assert [(one.id, one.status.name, one.attempt) for one in run.steps] == [
        ("a", "SUCCEEDED", 1),
        ("b", "PENDING", 0),
        ("c", "PENDING", 0),
    ]
    assert (run.progress_pct, run.current) == (33, None)
    back = replace(run.moved(WorkflowStatus.FAILED), phase=StepPhase.ROLLBACK, undo=("undo-a",), position=0)
    assert [(one.id, one.status.name) for one in back.steps][1:] == [
        ("b", "SKIPPED"),
        ("c", "SKIPPED"),
        ("undo-a", "PENDING"),
    ]
    assert back.progress_pct == 0


def test_no_more_than_a_hundred_steps_are_shown_and_then_the_last_attempt_at_each() -> None:
    run = RUN.moved(WorkflowStatus.IN_PROGRESS)
    for number in range(1, 121):
        run = run.with_attempt(attempt("a", 0, StepStatus.INTERRUPTED, number))

    assert [(one.id, one.attempt) for one in run.steps] == [("a", 120), ("b", 0), ("c", 0)]
    assert [two.attempt - one.attempt for one, two in pairwise(run.attempts)] == [1] * 119


def test_the_deadline_counts_from_the_start() -> None:
    assert RUN.deadline is None
    assert replace(RUN, started_at=NOON).deadline == NOON + timedelta(seconds=60)


def test_an_output_is_shown_whole_up_to_two_thousand_bytes() -> None:
    fits = {"text": "é" * 994}
    assert shown_output(fits) is fits
    assert shown_output({"text": "é" * 995, "n" * 60: 1}) == {
        "truncated": True,
        "bytes": 2066,
        "names": ["text", "n" * 40],
    }
