"""Codes: the words in which the catalogue's entries are written."""

from types import MappingProxyType
from typing import Any

from trading_bot.domain.errors import ErrorCode, RemediationAction, RetryKind, Scope, Severity

LOW, MEDIUM, HIGH, CRITICAL = Severity
NEVER, SAME, DELAY, FIX, UNKNOWN = RetryKind


def code(
    code: str,
    kind: str,
    title: str,
    severity: Severity,
    retry: RetryKind,
    *,
    meaning: str,
    impact: str,
    remediation: str,
    actions: tuple[RemediationAction, ...] = (),
) -> ErrorCode:
    """One entry of the catalogue."""
    return ErrorCode(
        error_code=code,
        error_type=kind,
        title=title,
        meaning=meaning,
        impact=impact,
        remediation=remediation,
        actions=actions,
        severity=severity,
        retry=retry,
    )


def look(title: str, operation: str, **variables: Any) -> RemediationAction:
    """A catalogued operation that reads; `"{name}"` stands for a value of the error's context, `"{name?}"` for one that may be missing."""
    return RemediationAction(
        title=title, operation=operation, variables=MappingProxyType(variables), scope=Scope.READ, writes=False
    )


def act(title: str, operation: str, **variables: Any) -> RemediationAction:
    """A catalogued operation that writes, of risk LOW or MEDIUM; reason and idempotency key are filled in."""
    return RemediationAction(
        title=title, operation=operation, variables=MappingProxyType(variables), scope=Scope.OPERATE, writes=True
    )


def dry_run(title: str, operation: str, **variables: Any) -> RemediationAction:
    """What a catalogued operation of risk HIGH would do, with the confirm token that carries it out; reason and key are filled in."""
    return RemediationAction(
        title=title,
        operation=operation,
        variables=MappingProxyType({**variables, "dryRun": True}),
        scope=Scope.READ,
        writes=False,
    )
