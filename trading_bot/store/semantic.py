"""Semantic errors as JSON data, for a log record or a column of another row, and back."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from trading_bot.domain.errors import RemediationAction, Retry, RetryKind, Scope, SemanticError, Severity


def dumped(error: SemanticError) -> dict[str, Any]:
    """`error` as JSON data, field by field under the same names; times in ISO 8601."""
    data = {field.name: getattr(error, field.name) for field in fields(error)}
    data["actions"] = dumped_actions(error.actions)
    data["retry"] = {"kind": error.retry.kind.value, "after_seconds": error.retry.after_seconds}
    data["timestamp"] = error.timestamp.isoformat()
    data["severity"] = error.severity.value
    data["acknowledged_at"] = error.acknowledged_at.isoformat() if error.acknowledged_at else None
    return data


def loaded(data: dict[str, Any]) -> SemanticError:
    """The error that `dumped` made `data` of; what else `data` holds is passed over."""
    acknowledged_at = data["acknowledged_at"]
    return SemanticError(
        **{
            **{field.name: data[field.name] for field in fields(SemanticError)},
            "actions": loaded_actions(data["actions"]),
            "retry": Retry(kind=RetryKind(data["retry"]["kind"]), after_seconds=data["retry"]["after_seconds"]),
            "timestamp": datetime.fromisoformat(data["timestamp"]),
            "severity": Severity(data["severity"]),
            "acknowledged_at": datetime.fromisoformat(acknowledged_at) if acknowledged_at else None,
        }
    )


def dumped_actions(actions: tuple[RemediationAction, ...]) -> list[dict[str, Any]]:
    """Remediation actions as JSON data."""
    return [
        {
            "title": action.title,
            "operation": action.operation,
            "variables": dict(action.variables),
            "scope": action.scope.value,
            "writes": action.writes,
        }
        for action in actions
    ]


def loaded_actions(data: list[dict[str, Any]]) -> tuple[RemediationAction, ...]:
    """The actions that `dumped_actions` made `data` of."""
    return tuple(RemediationAction(**{**action, "scope": Scope(action["scope"])}) for action in data)
