"""Workflows: what can be run, what a run did, and what it is doing now."""

from datetime import datetime

import strawberry

from graph.describes import answered_by, describes, publish
from graph.scalars import JSON
from graph.types.commands import ActionPreview
from graph.types.errors import SemanticError
from graph.types.paging import PageInfo
from resolvers import paging, payloads
from resolvers.workflows import workflow_of_run
from trading_bot.domain import commands, workflow_runs
from workflows import model

publish(model.ActionType)
publish(workflow_runs.WorkflowStatus)
publish(workflow_runs.StepStatus)
publish(workflow_runs.StepPhase)


@describes(model.Step)
class WorkflowStep:
    id: strawberry.ID
    description: str
    action_type: model.ActionType
    parameters: JSON
    validation: JSON
    timeout_seconds: int


@describes(model.Workflow)
class Workflow:
    id: strawberry.ID
    name: str
    description: str
    risk: commands.RiskLevel
    steps: list[WorkflowStep]
    validation_rules: JSON
    rollback_procedure: list[str]
    parameters: JSON


@describes(workflow_runs.StepRun)
class StepRun:
    id: strawberry.ID
    phase: workflow_runs.StepPhase
    status: workflow_runs.StepStatus
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    output: JSON | None
    error: SemanticError | None


@describes(workflow_runs.WorkflowRun)
class WorkflowRun:
    id: strawberry.ID
    workflow: Workflow = answered_by(workflow_of_run, "What is run, as it was when the run was asked for.")
    bot_id: strawberry.ID
    status: workflow_runs.WorkflowStatus
    user: str
    reason: str
    queued_behind: strawberry.ID | None
    started_at: datetime | None
    finished_at: datetime | None
    steps: list[StepRun]
    progress_pct: int
    error: SemanticError | None


@describes(payloads.WorkflowRunPayload)
class WorkflowRunPayload:
    run: WorkflowRun | None
    preview: ActionPreview | None
    errors: list[SemanticError]
    replayed: bool


@describes(paging.Edge)
class WorkflowRunEdge:
    """A workflow run, and where it stands in the list."""

    node: WorkflowRun
    cursor: str


@describes(paging.Connection)
class WorkflowRunConnection:
    """A page of workflow runs, newest first."""

    edges: list[WorkflowRunEdge]
    page_info: PageInfo
