"""Fault: the one exception of the product: a code of the catalogue and the facts. It becomes a SemanticError where it is shown."""

from datetime import datetime
from typing import Any

from trading_bot.domain.errors import (
    CAUSE_BYTES,
    IMPACT_BYTES,
    MESSAGE_BYTES,
    REMEDIATION_BYTES,
    RemediationAction,
    Retry,
    SemanticError,
    capped,
)
from trading_bot.errors.actions import actions_for
from trading_bot.errors.catalogue import entry
from trading_bot.errors.shape import fitted


class Fault(Exception):  # noqa: N818 - a fault is what the house style calls it
    """Something that could not be done, with its code.

    `cause` is our own text and names the value at fault; `context` holds ids and figures, and anything that came from outside. `message`,
    `impact`, `remediation` and `actions` default to the catalogue's. A text of a venue or another program stands in the context under
    `venue_text` or `untrusted`, and nowhere else: it is data, never instruction.
    """

    def __init__(
        self,
        code: str,
        cause: str,
        *,
        message: str | None = None,
        impact: str | None = None,
        remediation: str | None = None,
        after_seconds: float | None = None,
        context: dict[str, Any] | None = None,
        actions: tuple[RemediationAction, ...] | None = None,
    ) -> None:
        super().__init__(f"{code}: {cause}")
        self.code = code
        self.cause = cause
        self.message = message
        self.impact = impact
        self.remediation = remediation
        self.after_seconds = after_seconds
        self.context = context or {}
        self.actions = actions

    def semantic(self, *, now: datetime, error_id: str | None = None) -> SemanticError:
        """The error as it is shown, stored and logged; `now` is the wall clock in UTC."""
        known = entry(self.code)
        error = SemanticError(
            id=error_id,
            error_code=known.error_code,
            error_type=known.error_type,
            message=capped(self.message or known.title, MESSAGE_BYTES),
            cause=capped(self.cause, CAUSE_BYTES),
            impact=capped(self.impact or known.impact, IMPACT_BYTES),
            remediation=capped(self.remediation or known.remediation, REMEDIATION_BYTES),
            actions=actions_for(known, self.context, now=now) if self.actions is None else self.actions,
            retry=Retry(kind=known.retry, after_seconds=self.after_seconds),
            context=self.context,
            timestamp=now,
            severity=known.severity,
        )
        return fitted(error)
