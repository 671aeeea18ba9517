"""Decisions: what was seen, what was decided and why, and what came of it."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import describes, publish
from graph.scalars import JSON
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import decisions

publish(decisions.Verdict)


@describes(decisions.Decision)
class Decision:
    id: strawberry.ID
    session_id: strawberry.ID
    symbol: str | None
    strategy_name: str
    plan_id: strawberry.ID | None
    verdict: decisions.Verdict
    acted: bool
    seen: JSON
    decided: JSON
    reasoning: str
    result: JSON
    prompt: str | None
    cost_usd: Decimal | None
    latency_ms: float | None
    created_at: datetime


@describes(paging.Edge)
class DecisionEdge:
    """A decision, and where it stands in the list."""

    node: Decision
    cursor: str


@describes(paging.Connection)
class DecisionConnection:
    """A page of decisions, newest first."""

    edges: list[DecisionEdge]
    page_info: PageInfo
