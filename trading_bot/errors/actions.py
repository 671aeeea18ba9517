"""Actions: the operations of a remediation, made ready to send from the facts of one error."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from trading_bot.domain.errors import ErrorCode, RemediationAction

_PLACE = re.compile(r"\{(\w+)(\?)?\}")
_GONE = object()


class _Missing(Exception):  # noqa: N818 - not an error: the action has nothing to be about
    """The context lacks a value without which the action means nothing."""


def actions_for(known: ErrorCode, context: Mapping[str, Any], *, now: datetime) -> tuple[RemediationAction, ...]:
    """The actions of `known`, their variables filled from the error's context; one that would lack a needed value is left out.

    A write gets its reason, and an idempotency key that is the same for this error only: sent twice, it happens once.
    """
    filled = (_filled(template, context) for template in known.actions)
    return tuple(
        _written(action, known, now) if action.writes or "dryRun" in action.variables else action
        for action in filled
        if action is not None
    )


def _filled(template: RemediationAction, context: Mapping[str, Any]) -> RemediationAction | None:
    try:
        return replace(template, variables=_value(dict(template.variables), context))
    except _Missing:
        return None


def _written(action: RemediationAction, known: ErrorCode, now: datetime) -> RemediationAction:
    key = f"{known.error_code}-{action.operation}-{now:%Y%m%dT%H%M%S%f}"
    reason = f"Remedy of {known.error_code}."
    return replace(action, variables={**action.variables, "reason": reason, "idempotencyKey": key})


def _value(template: Any, context: Mapping[str, Any]) -> Any:
    match template:
        case str() if place := _PLACE.fullmatch(template):
            return _of_context(place[1], context, is_optional=bool(place[2]))
        case dict():
            pairs = {name: _value(value, context) for name, value in template.items()}
            return {name: value for name, value in pairs.items() if value is not _GONE}
        case list() | tuple():
            return [_value(value, context) for value in template]
        case _:
            return template


def _of_context(name: str, context: Mapping[str, Any], *, is_optional: bool) -> Any:
    value = context.get(name)
    if value is not None:
        return value
    if is_optional:
        return _GONE
    raise _Missing(name)
