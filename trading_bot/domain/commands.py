"""Commands: what an operator asks of the bot, and who asked.

A write is one `Intent`: who, why, and under which idempotency key. The service that carries it out stores it in the same transaction as
its effect, so a crash can't double a write.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from trading_bot.domain.errors import Scope, SemanticError


class CommandKind(Enum):
    """What is asked."""

    PAUSE = "PAUSE"
    """No new entries; stops, targets and sync go on."""
    RESUME = "RESUME"
    """Back to RUNNING from PAUSED, HALTED or STOPPING: a stop that still goes on is withdrawn."""
    START = "START"
    """Back to RUNNING from STOPPED."""
    STOP = "STOP"
    """The process lives on and sends nothing."""
    CLOSE_POSITIONS = "CLOSE_POSITIONS"
    """Exit named positions at the market."""
    CANCEL_ORDERS = "CANCEL_ORDERS"
    """Cancel named orders."""
    RESET_BREAKER = "RESET_BREAKER"
    """Clear the circuit breaker."""
    ADOPT_CONFIG = "ADOPT_CONFIG"
    """Take on a configuration version."""
    RESTART_PROCESS = "RESTART_PROCESS"
    """The supervisor ends and starts the bot's process."""
    RECONCILE = "RECONCILE"
    """Compare the books with the venue now."""
    BACKUP = "BACKUP"
    """Back the home up."""
    EXPORT = "EXPORT"
    """Write logs to a file."""
    UPDATE_TARGETS = "UPDATE_TARGETS"
    """Move the target, the stop or both of an open plan."""


class CommandStatus(Enum):
    """How far a command has come."""

    PENDING = "PENDING"
    """Stored; its addressee has not taken it."""
    RUNNING = "RUNNING"
    """Being carried out."""
    DONE = "DONE"
    """Carried out and verified."""
    FAILED = "FAILED"
    """Refused or failed; `error` says why."""
    EXPIRED = "EXPIRED"
    """Not taken in time; nothing happened."""
    UNKNOWN = "UNKNOWN"
    """It may have happened; look before sending another."""


class StopPolicy(Enum):
    """What happens to orders and positions at a stop."""

    KEEP_EVERYTHING = "KEEP_EVERYTHING"
    """Orders and positions stay as they are; stops and targets are not watched while stopped."""
    CANCEL_ORDERS = "CANCEL_ORDERS"
    """Our resting orders are cancelled, positions stay."""
    FLATTEN = "FLATTEN"
    """Orders are cancelled and positions closed; stopped once verified flat."""


class RiskLevel(Enum):
    """How much harm a write could do."""

    LOW = "LOW"
    """Can be undone at once, or only makes things safer."""
    MEDIUM = "MEDIUM"
    """Changes what the bot does."""
    HIGH = "HIGH"
    """May cost money or loosen a limit; needs ADMIN and a confirm token."""


class Addressee(Enum):
    """Which process acts on a command."""

    BOT = "bot"
    """The trading bot."""
    SUPERVISOR = "supervisor"
    """The parent of the processes."""
    WORKER = "worker"
    """A workflow worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose key an operation came with."""

    key_id: str
    """Id of the key, never the key."""
    name: str
    """What the operator called the key."""
    scope: Scope
    """What it may do."""
    max_response_bytes: int
    """Largest answer it is sent, in bytes."""
    rate_per_minute: int | None
    """Operations a minute; null for no limit."""
    rate_remaining: int | None = None
    """Operations left in this minute, the present one counted; null for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One write as it was asked for, stored with its effect."""

    caller: Caller
    """Whose key."""
    idempotency_key: str
    """Chosen by the caller, 1 to 128 characters; the same key with the same content is answered with the first result for 24 hours."""
    digest: str
    """SHA-256 of operation and input without dryRun, confirmToken and idempotencyKey."""
    reason: str
    """Why, in the caller's words, 1 to 500 bytes."""
    token_id: str | None = None
    """The confirm token that it uses up; null where none came or it is not good for this."""
    token_refusal: str | None = None
    """Why the confirm token that came is not good for this; null where it is, or none came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing asked of the bot, and what came of it."""

    id: str
    """UUID."""
    bot_id: str
    """The bot that it concerns."""
    kind: CommandKind
    """What is asked."""
    status: CommandStatus
    """How far it has come."""
    user: str
    """Id of the key that asked."""
    reason: str
    """Why, at most 500 bytes."""
    parameters: dict[str, Any]
    """What else it needs, such as the stop policy."""
    created_at: datetime
    """Wall clock when it was stored, UTC."""
    executed_at: datetime | None
    """Wall clock when it ended, UTC; null until then."""
    outcome: dict[str, Any] | None
    """What was verified afterwards, not what was sent; null until it ended."""
    error: SemanticError | None
    """Why it failed; null where it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPreview:
    """What a write would do, without doing it."""

    summary: str
    """In one sentence."""
    effects: tuple[str, ...]
    """Each thing that would change, at most 20."""
    risk: RiskLevel
    """How much harm it could do."""
    confirm_token: str | None
    """Send it with the same input within 120 seconds to carry a HIGH write out; null where none is needed."""
    expires_at: datetime | None
    """When the token ends, UTC; null without one."""
