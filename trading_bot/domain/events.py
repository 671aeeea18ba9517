"""Events: what changed, in order, as the store numbered it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any


class EventKind(Enum):
    """What an event is about."""

    TRADE = "TRADE"
    """A trade was entered or closed."""
    ORDER = "ORDER"
    """An order changed its status."""
    FILL = "FILL"
    """A fill was booked."""
    PLAN = "PLAN"
    """A plan was opened, changed or closed."""
    POSITION = "POSITION"
    """The quantity held of a symbol changed."""
    ERROR = "ERROR"
    """An error was stored."""
    RISK = "RISK"
    """A limit refused something or the breaker moved."""
    CONFIG = "CONFIG"
    """A configuration version was written or adopted."""
    WORKFLOW = "WORKFLOW"
    """A workflow run moved on."""
    COMMAND = "COMMAND"
    """A command was asked for or ended."""
    HEALTH = "HEALTH"
    """The run state or health changed."""
    DECISION = "DECISION"
    """A strategy or model decided."""
    SESSION = "SESSION"
    """A trading session began or ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change, numbered without gaps for its bot."""

    seq: int
    """Position in the bot's event stream, from 1, without gaps."""
    at: datetime
    """Wall clock when it was stored, UTC."""
    kind: EventKind
    """What it is about."""
    subject: str
    """Id of the thing that changed."""
    summary: str
    """In one sentence."""
    data: dict[str, Any]
    """The figures, small."""
