"""Trade plans: what the bot means to do with one symbol."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import describes, publish
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import orders, plans

publish(orders.Side)
publish(plans.PlanStatus)


@describes(plans.TradePlan)
class TradePlan:
    id: strawberry.ID
    symbol: str
    side: orders.Side
    strategy_name: str
    entry_type: str
    entry_price: Decimal
    stop_price: Decimal
    target_price: Decimal | None
    size: Decimal
    planned_size: Decimal
    status: plans.PlanStatus
    reason: str
    exit_reason: str | None
    entry_order_id: strawberry.ID | None
    entry_client_order_id: str | None
    version: int
    config_version: int
    opened_at: datetime
    closed_at: datetime | None


@describes(paging.Edge)
class TradePlanEdge:
    """A plan, and where it stands in the list."""

    node: TradePlan
    cursor: str


@describes(paging.Connection)
class TradePlanConnection:
    """A page of plans, newest first."""

    edges: list[TradePlanEdge]
    page_info: PageInfo
