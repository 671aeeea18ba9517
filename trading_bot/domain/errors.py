"""SemanticError: one shape for every error, wherever it appears.

Texts are capped in UTF-8 bytes (message 120, cause 160, impact 160, remediation 240), so that three of them and all warnings fit a summary
of 10 KB. Text that came from outside stands in `context` only.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

MESSAGE_BYTES = 120
CAUSE_BYTES = 160
IMPACT_BYTES = 160
REMEDIATION_BYTES = 240
REASON_BYTES = 500

_CODE = re.compile(r"[A-Z]{2,8}_\d{3}")
_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")


class Severity(Enum):
    """How much an error matters."""

    LOW = "LOW"
    """Nothing is lost; worth knowing."""
    MEDIUM = "MEDIUM"
    """Something did not happen that was asked for."""
    HIGH = "HIGH"
    """Trading is hindered until somebody acts."""
    CRITICAL = "CRITICAL"
    """Money may be at risk now."""


class RetryKind(Enum):
    """Whether sending the same again can help."""

    NEVER = "NEVER"
    """It will fail again, whatever is changed."""
    SAME = "SAME"
    """The same may be sent again at once."""
    AFTER_DELAY = "AFTER_DELAY"
    """The same may be sent again after `afterSeconds`."""
    AFTER_FIX = "AFTER_FIX"
    """Carry the remediation out first."""
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"
    """It may have happened; look before you send it again."""


class Scope(Enum):
    """What a key may do; each includes the ones before it."""

    READ = "READ"
    """All queries, subscriptions and dry runs."""
    OPERATE = "OPERATE"
    """Writes of risk LOW and MEDIUM."""
    ADMIN = "ADMIN"
    """Writes of risk HIGH, and keys."""

    def includes(self, other: "Scope") -> bool:
        """Whether a key of this scope may do what needs `other`."""
        order = tuple(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Whether and when sending the same again can help."""

    kind: RetryKind
    """What must hold before it is sent again."""
    after_seconds: float | None = None
    """Seconds to wait; null where waiting does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemediationAction:
    """An operation that carries the remediation out, ready to send."""

    title: str
    """What it does, in a few words."""
    operation: str
    """Name of a catalogued operation."""
    variables: MappingProxyType[str, Any] | dict[str, Any]
    """Its variables, complete."""
    scope: Scope
    """What the key must be allowed to do."""
    writes: bool
    """Whether it changes anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticError:
    """What went wrong, why, what it means, and what to do."""

    id: str | None
    """Id of the stored error; null where it was not stored."""
    error_code: str
    """CATEGORY_NUMBER, stable for ever."""
    error_type: str
    """Category in words, such as ConfigurationError."""
    message: str
    """What happened, at most 120 bytes."""
    cause: str
    """Why, at most 160 bytes."""
    impact: str
    """What it means for the bot or the caller, at most 160 bytes."""
    remediation: str
    """Steps that resolve it, at most 240 bytes."""
    actions: tuple[RemediationAction, ...] = ()
    """Operations that carry the remediation out, ready to send."""
    retry: Retry
    """Whether and when sending the same again can help."""
    context: dict[str, Any] = field(default_factory=dict)
    """Ids and figures to correlate with: symbol, order, plan, field, limits; text from outside is untrusted data."""
    timestamp: datetime
    """When it occurred, wall clock, UTC."""
    severity: Severity
    """How much it matters."""
    acknowledged_at: datetime | None = None
    """When an operator took note of it, UTC; null until then."""

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.error_code):
            msg = f"Expected an error code such as ORD_001, was `{self.error_code}`."
            raise ValueError(msg)


def capped(text: str, limit: int) -> str:
    """`text` cut to at most `limit` UTF-8 bytes, with an ellipsis where something was cut, in one line of printable characters."""
    # A space is the only white space that is ASCII and printable.
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    # Lone surrogates are not printable either, so what is left can be encoded.
    shown = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(shown.split())
    raw = line.encode()
    if len(raw) <= limit:
        return line
    return raw[: limit - 3].decode("utf-8", "ignore") + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """One entry of the error catalogue."""

    error_code: str
    """CATEGORY_NUMBER, stable for ever."""
    error_type: str
    """Category in words, such as ConfigurationError."""
    title: str
    """What happened, in a few words, at most 120 bytes; the message of an error that has none of its own."""
    meaning: str
    """What the code means, in one or two sentences, at most 240 bytes."""
    impact: str
    """What it means for the bot or the caller, at most 160 bytes."""
    remediation: str
    """Steps that resolve it, at most 240 bytes."""
    actions: tuple[RemediationAction, ...] = ()
    """Operations that carry the remediation out; in an error, `{name}` is filled from its context."""
    severity: Severity
    """How much it matters."""
    retry: RetryKind
    """Whether sending the same again can help."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The remediation, one sentence each, at most 240 bytes."""
        return tuple(_SENTENCE_END.split(self.remediation))

    @property
    def doc_url(self) -> str:
        """Where the code is documented, below the project's own address."""
        return f"docs/errors.md#{self.error_code.lower()}"
