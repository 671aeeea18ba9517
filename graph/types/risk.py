"""Risk: what the limits refused, and what the circuit breaker did."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import describes
from graph.scalars import JSON
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import errors, risk_events


@describes(risk_events.RiskEvent)
class RiskEvent:
    id: strawberry.ID
    timestamp: datetime
    event_type: str
    severity: errors.Severity
    daily_pnl: Decimal
    daily_pnl_pct: Decimal
    consecutive_losses: int
    action_taken: str
    config_snapshot: JSON
    detail: str
    code: str | None
    symbol: str | None
    count: int
    last_seen_at: datetime


@describes(paging.Edge)
class RiskEventEdge:
    """A risk event, and where it stands in the list."""

    node: RiskEvent
    cursor: str


@describes(paging.Connection)
class RiskEventConnection:
    """A page of risk events, newest first."""

    edges: list[RiskEventEdge]
    page_info: PageInfo
