"""Rows: orders, fills and bars as the ledger's tables have them, every decimal and time as text that reads back exactly."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from trading_bot.domain.fills import Liquidity
from trading_bot.domain.market import Bar
from trading_bot.domain.money import plain
from trading_bot.domain.orders import OrderStatus, OrderType, Side
from trading_bot.venues.paper.books import WorkingOrder, average
from trading_bot.venues.venue import VenueFill, VenueOrder

Row = tuple[Any, ...]  # SQLite's columns have no types that a checker could know


def bar_row(bar: Bar) -> tuple[str, ...]:
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return (bar.symbol, bar.timestamp.isoformat(), *map(plain, prices))


def bar(symbol: str, moment: str, prices: list[str]) -> Bar:
    opened, high, low, close, volume = map(Decimal, prices)
    timestamp = datetime.fromisoformat(moment)
    return Bar(symbol=symbol, timestamp=timestamp, open=opened, high=high, low=low, close=close, volume=volume)


def order_row(working: WorkingOrder) -> tuple[str | int | None, ...]:
    order = working.order
    return (
        working.number,
        order.order_id,
        order.client_order_id,
        order.symbol,
        order.side.value,
        order.order_type.value,
        plain(order.quantity),
        plain(order.filled),
        _plain(order.price),
        _plain(order.stop_price),
        order.status.value,
        order.reason,
        order.created_at.isoformat(),
        order.updated_at.isoformat(),
        plain(working.hold_price),
        working.expires_at.isoformat() if working.expires_at else None,
        int(working.is_triggered),
        plain(working.paid),
    )


def working_order(row: Row) -> WorkingOrder:
    filled, paid = Decimal(row[6]), Decimal(row[17])
    return WorkingOrder(
        order=VenueOrder(
            order_id=row[0],
            client_order_id=row[1],
            symbol=row[2],
            side=Side(row[3]),
            order_type=OrderType(row[4]),
            quantity=Decimal(row[5]),
            filled=filled,
            price=_decimal(row[7]),
            stop_price=_decimal(row[8]),
            average_price=average(paid, filled),
            status=OrderStatus(row[9]),
            reason=row[10],
            created_at=datetime.fromisoformat(row[11]),
            updated_at=datetime.fromisoformat(row[12]),
        ),
        number=int(row[13]),
        hold_price=Decimal(row[14]),
        expires_at=datetime.fromisoformat(row[15]) if row[15] else None,
        is_triggered=bool(row[16]),
        paid=paid,
    )


def fill_row(fill: VenueFill) -> tuple[str | None, ...]:
    return (
        fill.id,
        fill.order_id,
        fill.client_order_id,
        fill.symbol,
        fill.side.value,
        plain(fill.quantity),
        plain(fill.price),
        plain(fill.fee),
        fill.liquidity.value if fill.liquidity else None,
        fill.timestamp.isoformat(),
    )


def fill(row: Row) -> VenueFill:
    return VenueFill(
        id=row[0],
        order_id=row[1],
        client_order_id=row[2],
        symbol=row[3],
        side=Side(row[4]),
        quantity=Decimal(row[5]),
        price=Decimal(row[6]),
        fee=Decimal(row[7]),
        liquidity=Liquidity(row[8]) if row[8] else None,
        timestamp=datetime.fromisoformat(row[9]),
    )


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
