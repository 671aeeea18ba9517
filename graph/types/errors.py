"""Errors: one shape for every error, wherever it appears."""

from datetime import datetime

import strawberry

from graph.describes import describes, publish
from graph.scalars import JSON
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import errors

publish(errors.Severity)
publish(errors.RetryKind)
publish(errors.Scope)


@describes(errors.RemediationAction)
class RemediationAction:
    title: str
    operation: str
    variables: JSON
    scope: errors.Scope
    writes: bool


@describes(errors.Retry)
class Retry:
    kind: errors.RetryKind
    after_seconds: float | None


@describes(errors.ErrorCode)
class ErrorCode:
    error_code: str
    error_type: str
    title: str
    meaning: str
    impact: str
    remediation: str
    steps: list[str]
    actions: list[RemediationAction]
    severity: errors.Severity
    retry: errors.RetryKind
    doc_url: str


@describes(errors.SemanticError)
class SemanticError:
    id: strawberry.ID | None
    error_code: str
    error_type: str
    message: str
    cause: str
    impact: str
    remediation: str
    actions: list[RemediationAction]
    retry: Retry
    context: JSON
    timestamp: datetime
    severity: errors.Severity
    acknowledged_at: datetime | None


@describes(paging.Edge)
class SemanticErrorEdge:
    """An error, and where it stands in the list."""

    node: SemanticError
    cursor: str


@describes(paging.Connection)
class SemanticErrorConnection:
    """A page of errors, newest first."""

    edges: list[SemanticErrorEdge]
    page_info: PageInfo
