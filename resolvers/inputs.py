"""Inputs: what a caller sends with a query or a write, as values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.commands import StopPolicy
from trading_bot.domain.errors import Severity
from trading_bot.domain.trades import Outcome
from trading_bot.errors.fault import Fault

MOST_NAMES = 50
"""Things that one write may name."""
LONGEST_NAME = 128
"""Characters of a symbol or an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter:
    """Which trades; all conditions must hold, and one that is left out does not count."""

    symbol: str | None = None
    """Exactly this symbol, such as AAPL or BTC/USD."""
    strategy_name: str | None = None
    """Exactly this strategy."""
    outcome: Outcome | None = None
    """How it ended; OPEN for those that have not."""
    start: datetime | None = None
    """Entered at or after this venue time."""
    end: datetime | None = None
    """Entered before this venue time."""
    min_profit_loss: Decimal | None = None
    """Net profit or loss of at least this, in the quote currency; leaves out open trades."""
    max_profit_loss: Decimal | None = None
    """Net profit or loss of at most this, in the quote currency; leaves out open trades."""
    search: str | None = None
    """Text in symbol, strategy or reasoning, in capitals or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFilter:
    """Which errors; all conditions must hold, and one that is left out does not count."""

    error_code: str | None = None
    """Exactly this code, such as DATA_004."""
    severity: Severity | None = None
    """Exactly this severity."""
    acknowledged: bool | None = None
    """Whether an operator took note of it."""
    symbol: str | None = None
    """Errors that concern this symbol."""
    start: datetime | None = None
    """Occurred at or after this time."""
    end: datetime | None = None
    """Occurred before this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """Which decisions; all conditions must hold, and one that is left out does not count."""

    symbol: str | None = None
    """Exactly this symbol."""
    strategy_name: str | None = None
    """Exactly this strategy; language-model for a model's."""
    acted: bool | None = None
    """Whether an order left because of it."""
    start: datetime | None = None
    """Made at or after this venue time."""
    end: datetime | None = None
    """Made before this venue time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEventFilter:
    """Which risk events; all conditions must hold, and one that is left out does not count."""

    event_type: str | None = None
    """Exactly this type, such as circuit_breaker_trip."""
    severity: Severity | None = None
    """Exactly this severity."""
    start: datetime | None = None
    """Happened first at or after this venue time."""
    end: datetime | None = None
    """Happened first before this venue time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotAction:
    """One thing asked of a bot."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStop:
    """A stop of a bot, and what happens to its orders and positions."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    on_stop: StopPolicy
    """What happens to orders and positions."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsClose:
    """Positions to be closed at the market."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    symbols: list[str]
    """What is held, 1 to 50 symbols; their plans end and their resting entries are cancelled."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersCancel:
    """Orders to be cancelled."""

    bot_id: str | None
    """Which bot; may be left out when there is one."""
    order_ids: list[str]
    """The venue's ids or client order ids, 1 to 50; one that has ended already is left as it is."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAcknowledge:
    """Errors that an operator has taken note of."""

    error_ids: list[str]
    """Ids of stored errors of one bot, 1 to 50."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowExecute:
    """A workflow that is to be run."""

    workflow_id: str
    """Which one, such as check-health."""
    bot_id: str | None
    """On which bot; may be left out when there is one."""
    parameters: object | None
    """What it is started with, by name, as the workflow's `parameters` say; at most 16,384 bytes as JSON, left out for none."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what each step would do now, and do nothing."""
    confirm_token: str | None
    """From a dry run of the same input; needed for risk HIGH only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCancel:
    """A run that is to be stopped and undone."""

    run_id: str
    """Which run."""
    reason: str
    """Why, for the audit log; 1 to 500 bytes, not blank."""
    idempotency_key: str
    """Chosen by you, 1 to 128 characters, new for each write: sending the same again does nothing twice, for 24 hours."""
    dry_run: bool
    """Answer with what would happen, and do nothing."""
    confirm_token: str | None
    """Never needed."""


def require_names(field: str, names: list[str]) -> list[str]:
    """The names, each once; Fault QRY_004 for none, for more than 50, and for one that is blank or too long to be one."""
    if not 1 <= len(names) <= MOST_NAMES:
        cause = f"Expected `{field}` with 1 to {MOST_NAMES} of them, were {len(names)}."
        raise Fault("QRY_004", cause, context={"field": field, "max": MOST_NAMES})
    for name in names:
        if not name.strip() or len(name) > LONGEST_NAME:
            cause = f"Expected each of `{field}` with 1 to {LONGEST_NAME} characters, was one with {len(name)}."
            raise Fault("QRY_004", cause, context={"field": field})
    return list(dict.fromkeys(names))
