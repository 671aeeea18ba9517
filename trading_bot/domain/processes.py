"""Processes: what an operator may ask of the supervisor, and what it holds down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

E = TypeVar("E", bound=Enum)

LONGEST_DRAIN = 120.0
"""Seconds that a process may be given at most to finish what it is doing."""
USUAL_DRAIN = 30.0
"""Seconds that it is given where nothing else was asked for."""


class ProcessName(Enum):
    """Which of the two processes."""

    BOT = "bot"
    """The trading bot."""
    API = "api"
    """The API."""


class ProcessAction(Enum):
    """What is done with a process."""

    RESTART = "restart"
    """It finishes what it is doing, ends, and is started again."""
    START = "start"
    """It is started, and no longer held down."""
    STOP = "stop"
    """It finishes what it is doing, ends, and is held down until it is started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOrder:
    """What a command asks of the supervisor."""

    program: ProcessName
    """Which process."""
    action: ProcessAction
    """What is done with it."""
    drain_seconds: float
    """Seconds from SIGTERM to SIGKILL, 0 to 120."""

    def parameters(self) -> dict[str, Any]:
        """As a command carries it."""
        return {
            "program": self.program.value,
            "action": self.action.value,
            "drainSeconds": self.drain_seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a process is not started."""

    error_code: str | None
    """SUP_001 after too many crashes; null where an operator asked for it."""
    cause: str
    """In one sentence, for people."""
    at: datetime
    """Since when, wall clock, UTC."""


def read_order(parameters: Mapping[str, Any]) -> ProcessOrder:
    """The order in a command's parameters; ValueError says what is wrong with them."""
    program = _one_of(ProcessName, "program", parameters.get("program", ProcessName.BOT.value))
    action = _one_of(ProcessAction, "action", parameters.get("action", ProcessAction.RESTART.value))
    if program is ProcessName.API and action is not ProcessAction.RESTART:
        raise ValueError("Expected `restart` as the action on the API: nobody could be asked to start it again.")
    drain = parameters.get("drainSeconds", USUAL_DRAIN)
    if isinstance(drain, bool) or not isinstance(drain, int | float) or not 0 <= drain <= LONGEST_DRAIN:
        raise ValueError(f"Expected drainSeconds from 0 to {LONGEST_DRAIN:.0f}, was {str(drain)[:20]}.")
    return ProcessOrder(program=program, action=action, drain_seconds=float(drain))


def _one_of(kind: type[E], name: str, value: object) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise ValueError(f"Expected {name} to be one of {known}, was {str(value)[:20]}.") from None
