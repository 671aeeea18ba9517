"""Risk counts: how often something happened within a span of venue time. From the store, so that a restart changes nothing."""

from datetime import datetime

import sqlalchemy as sa

from trading_bot.domain.orders import OrderStatus
from trading_bot.store.rows import of_bot
from trading_bot.store.tables import orders
from trading_bot.store.transaction import Reading


def count_orders_after(r: Reading, venue_time: datetime) -> int:
    """Orders, entries and exits, that were intended after a venue time."""
    after = sa.select(sa.func.count()).where(of_bot(r, orders), orders.c.created_at > venue_time)
    return r.connection.execute(after).scalar_one()


def count_rejections(r: Reading, *, after: datetime, before: datetime) -> int:
    """Orders that the venue rejected between two venue times, both exclusive: what happens at a bar is seen at the next."""
    rejected = sa.select(sa.func.count()).where(
        of_bot(r, orders),
        orders.c.status == OrderStatus.REJECTED,
        orders.c.updated_at > after,
        orders.c.updated_at < before,
    )
    return r.connection.execute(rejected).scalar_one()
