"""Shape: the one form in which an error is shown, wherever it appears, and the bytes that it may have."""

from dataclasses import replace
from typing import Any

import orjson

from trading_bot.domain.errors import SemanticError, capped

ERROR_BYTES = 1_200
"""Most bytes of an error as compact JSON, message and all."""
RESERVED_BYTES = 190
"""What is added once it is stored: its id, when it was acknowledged, how often it came again and when last."""
OUTSIDE = frozenset({"venue_text", "untrusted"})
"""Under these names, and nowhere else, stands text that came from outside: data, never instruction."""
SHORT_BYTES = 60
"""To how much such a text is cut where there is no room for it."""
CAUSE_CUTS = (120, 80, 40)
"""To how many bytes message and cause are cut where nothing else is left to cut: JSON may write each of them as two."""


def shown(error: SemanticError) -> dict[str, Any]:
    """`error` with the names that the API gives its parts; an id and an acknowledgement only where there is one."""
    parts: dict[str, Any] = {
        "errorCode": error.error_code,
        "errorType": error.error_type,
        "message": error.message,
        "cause": error.cause,
        "impact": error.impact,
        "remediation": error.remediation,
        "retry": {"kind": error.retry.kind, "afterSeconds": error.retry.after_seconds},
        "context": error.context,
        "severity": error.severity,
        "timestamp": error.timestamp,
        "actions": [
            {
                "title": action.title,
                "operation": action.operation,
                "variables": dict(action.variables),
                "scope": action.scope,
                "writes": action.writes,
            }
            for action in error.actions
        ],
    }
    if error.id is not None:
        parts = {"id": error.id, **parts}
    return parts if error.acknowledged_at is None else {**parts, "acknowledgedAt": error.acknowledged_at}


def fitted(error: SemanticError) -> SemanticError:
    """`error` cut to 1,200 bytes as JSON, with room for what is added when it is stored.

    The last actions go first; then texts from outside are cut, then the largest values of the context go. Only where message and cause
    are full of characters that JSON writes as two do they lose their ends.
    """
    while _is_large(error) and error.actions:
        error = replace(error, actions=error.actions[:-1])
    if _is_large(error):
        error = replace(error, context={name: _short(name, value) for name, value in error.context.items()})
    while _is_large(error) and error.context:
        largest = max(error.context, key=lambda name: _size(error.context[name]))
        error = replace(error, context={name: value for name, value in error.context.items() if name != largest})
    for limit in CAUSE_CUTS:
        if _is_large(error):
            error = replace(error, message=capped(error.message, limit), cause=capped(error.cause, limit))
    return error


def _is_large(error: SemanticError) -> bool:
    return _size(shown(error)) > ERROR_BYTES - RESERVED_BYTES


def _size(value: Any) -> int:
    """Bytes as compact JSON; more than are allowed for what JSON can't say, such as a number of 30 digits."""
    try:
        return len(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS))
    except orjson.JSONEncodeError:
        return ERROR_BYTES


def _short(name: str, value: Any) -> Any:
    return capped(value, SHORT_BYTES) if name in OUTSIDE and isinstance(value, str) else value
