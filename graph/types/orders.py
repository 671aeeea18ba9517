"""Orders: what the bot asked of the venue, and what became of it."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import describes, publish
from trading_bot.domain import orders

publish(orders.OrderType)
publish(orders.OrderStatus)


@describes(orders.Order)
class OrderInfo:
    order_id: strawberry.ID
    client_order_id: str
    symbol: str
    side: orders.Side
    order_type: orders.OrderType
    status: orders.OrderStatus
    quantity: Decimal
    remaining: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    average_price: Decimal | None
    reason: str | None
    created_at: datetime
    updated_at: datetime
