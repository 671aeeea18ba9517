"""Risk events: what the risk gate, the circuit breaker and the performance watch did, with the figures that it was done on."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from trading_bot.domain.errors import REASON_BYTES, Severity, capped
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.money import percent, plain
from trading_bot.domain.positions import Position
from trading_bot.domain.sessions import BotSession, daily_pnl

TRIPPED = "circuit_breaker_trip"
RESET = "circuit_breaker_reset"
DOUBTED = "reconciliation_halt"

# Ids are UUIDv5 in this namespace: the same event has the same id after any restart.
_NAMESPACE = uuid.UUID("0d3f5a1e-6a55-5d0f-8f57-4c7a2c1f9e63")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvent:
    """One refusal, trip or reset."""

    id: str
    """UUIDv5 of what happened, the same after any restart."""
    timestamp: datetime
    """Venue time when it happened first, UTC."""
    event_type: str
    """What happened: circuit_breaker_trip, circuit_breaker_reset, reconciliation_halt, or the limit that was met (order_rate_exceeded)."""
    severity: Severity
    """How much it matters."""
    daily_pnl: Decimal
    """Equity then minus equity at the session's start, in the quote currency."""
    daily_pnl_pct: Decimal
    """The same in percent of the equity at the session's start, two decimals: -1.25 is -1.25 %."""
    consecutive_losses: int
    """Losing trades in a row then, since the breaker was last reset."""
    action_taken: str
    """What was done: position_rejected, trading_halted, trading_resumed."""
    config_snapshot: dict[str, Any]
    """The limits in force then, by name."""
    detail: str
    """What happened, with figures, at most 500 bytes."""
    code: str | None
    """The error code that it goes with; null for a reset."""
    symbol: str | None
    """What was to be entered; null where it is about all."""
    count: int
    """How often the same happened in its session, from 1."""
    last_seen_at: datetime
    """Venue time when it happened last, UTC."""

    def repeated(self, at: datetime) -> "RiskEvent":
        """The same, once more: unchanged when it was counted at `at` already, as after a restart within one bar."""
        return self if at <= self.last_seen_at else replace(self, count=self.count + 1, last_seen_at=at)


def risk_event(
    event_type: str,
    detail: str,
    *,
    bot_id: str,
    parts: tuple[str, ...],
    severity: Severity,
    action: str,
    at: datetime,
    session: BotSession,
    positions: Iterable[Position],
    losses: int,
    limits: RiskLimits,
    code: str | None = None,
    symbol: str | None = None,
) -> RiskEvent:
    """What happened at venue time `at`, with the figures of that moment. `parts` tell it apart from others of its type."""
    lost = daily_pnl(session, positions)
    return RiskEvent(
        id=str(uuid.uuid5(_NAMESPACE, "/".join((bot_id, event_type, *parts)))),
        timestamp=at,
        event_type=event_type,
        severity=severity,
        daily_pnl=lost,
        daily_pnl_pct=percent(lost, session.start_of_day_equity),
        consecutive_losses=losses,
        action_taken=action,
        config_snapshot=_snapshot(limits),
        detail=capped(detail, REASON_BYTES),
        code=code,
        symbol=symbol,
        count=1,
        last_seen_at=at,
    )


def _snapshot(limits: RiskLimits) -> dict[str, Any]:
    """The limits by name, as JSON holds them: decimals as strings, choices by their word in the file."""
    return {field.name: _json(getattr(limits, field.name)) for field in fields(limits)}


def _json(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    return value.value if isinstance(value, Enum) else value
