"""Fills: single executions."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import describes, publish
from graph.types.paging import PageInfo
from resolvers import paging
from trading_bot.domain import fills, orders

publish(fills.Liquidity)


@describes(fills.Fill)
class Fill:
    id: strawberry.ID
    trade_id: strawberry.ID
    order_id: strawberry.ID
    client_order_id: str
    symbol: str
    action: orders.Side
    quantity: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    liquidity: fills.Liquidity | None
    realized: Decimal = strawberry.field(name="realizedPnl")
    reason: str
    timestamp: datetime
    recorded_at: datetime


@describes(paging.Edge)
class FillEdge:
    """A fill, and where it stands in the list."""

    node: Fill
    cursor: str


@describes(paging.Connection)
class FillConnection:
    """A page of fills, newest first."""

    edges: list[FillEdge]
    page_info: PageInfo
