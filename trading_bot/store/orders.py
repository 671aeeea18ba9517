"""Orders: the bot's own, from the intent to the end."""

from datetime import datetime

import sqlalchemy as sa

from trading_bot.domain.orders import LIVE, Order
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import orders
from trading_bot.store.transaction import Reading, Writing

_AGE = (orders.c.created_at, orders.c.recorded_at, orders.c.client_order_id)
_LAST = "z" * 16
"""What follows the mark in the last id that there could be."""
_IS_LIVE = orders.c.status.in_(sorted(LIVE, key=lambda status: status.value))


def save_order(w: Writing, order: Order, *, recorded_at: datetime | None = None) -> None:
    """Add the order, recorded now unless it is told otherwise, or renew it."""
    put(w, orders, {**values_of(order), "recorded_at": recorded_at or w.now}, once=("recorded_at",))


def find_order(r: Reading, client_order_id: str) -> Order | None:
    """The order of that client order id."""
    return _one(r, _all(r).where(orders.c.client_order_id == client_order_id))


def find_order_by_venue_id(r: Reading, order_id: str) -> Order | None:
    """The order of that venue's id."""
    return _one(r, _all(r).where(orders.c.venue_order_id == order_id).limit(1))


def list_marks(r: Reading) -> frozenset[str]:
    """What the client ids of the orders begin with: prefix and bot, such as bg-main; more than one where the prefix was changed."""
    name, marks = orders.c.client_order_id, set()
    least = sa.select(sa.func.min(name)).where(of_bot(r, orders))
    first = r.connection.execute(least).scalar_one()
    while first is not None:  # from one mark to the next, by the index: there are many orders and hardly ever two marks
        mark = first.rpartition("-")[0]
        marks.add(mark)
        first = r.connection.execute(least.where(name > first, name > f"{mark}-{_LAST}")).scalar_one()
    return frozenset(marks)


def list_live_orders(r: Reading) -> tuple[Order, ...]:
    """Orders that may still act, oldest first."""
    # Sorted here, for they are few: asked for their order, SQLite would walk through all orders by age instead.
    rows = r.connection.execute(_all(r).where(_IS_LIVE).add_columns(*(column.label(None) for column in _AGE))).all()
    return tuple(made(Order, row) for row in sorted(rows, key=lambda row: tuple(row[-len(_AGE) :])))


def count_live_orders(r: Reading) -> int:
    """How many orders may still act."""
    return r.connection.execute(sa.select(sa.func.count()).where(of_bot(r, orders), _IS_LIVE)).scalar_one()


def list_display_orders(r: Reading, first: int) -> tuple[Order, ...]:
    """Up to `first` orders: live ones, then ended ones, each newest first."""
    newest = tuple(column.desc() for column in _AGE)
    live = tuple(reversed(list_live_orders(r)))[:first]
    return live + _several(r, _all(r).where(sa.not_(_IS_LIVE)).order_by(*newest).limit(first - len(live)))


def list_plan_orders(r: Reading, plan_id: str) -> tuple[Order, ...]:
    """All orders of a plan, oldest first."""
    return _several(r, _all(r).where(orders.c.plan_id == plan_id).order_by(*_AGE))


def count_orders_since(r: Reading, since_wall: datetime) -> int:
    """Orders intended at or after a wall-clock time."""
    since = sa.select(sa.func.count()).where(of_bot(r, orders), orders.c.recorded_at >= since_wall)
    return r.connection.execute(since).scalar_one()


def _all(r: Reading) -> sa.Select[tuple[object, ...]]:
    return select_of(Order, orders).where(of_bot(r, orders))


def _one(r: Reading, query: sa.Select[tuple[object, ...]]) -> Order | None:
    row = r.connection.execute(query).one_or_none()
    return None if row is None else made(Order, row)


def _several(r: Reading, query: sa.Select[tuple[object, ...]]) -> tuple[Order, ...]:
    return tuple(made(Order, row) for row in r.connection.execute(query))
