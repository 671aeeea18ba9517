"""Records: how orders, fills and trades stand in the audit log and in events.

A line of the log holds the whole value under its fields' names (`domain/records.py`), so that the value can be made of it again.
"""

from dataclasses import replace
from typing import Any

from trading_bot.domain.books import Books
from trading_bot.domain.fills import Fill
from trading_bot.domain.orders import Order
from trading_bot.domain.records import data_of, record_of
from trading_bot.domain.trades import RECORD_FIELDS, Outcome, Trade


def order_data(order: Order) -> dict[str, Any]:
    """An order as an event tells it, under the graph's names."""
    return {
        "clientOrderId": order.client_order_id,
        "orderId": order.venue_order_id,
        "planId": order.plan_id,
        "leg": order.leg.name,
        "attempt": order.attempt,
        "symbol": order.symbol,
        "side": order.side.name,
        "orderType": order.order_type.name,
        "status": order.status.name,
        "quantity": data_of(order.quantity),
        "filled": data_of(order.filled),
        "price": data_of(order.price),
        "stopPrice": data_of(order.stop_price),
        "averagePrice": data_of(order.average_price),
        "reason": order.reason,
        "goodUntil": data_of(order.good_until),
        "createdAt": data_of(order.created_at),
        "updatedAt": data_of(order.updated_at),
    }


def order_record(order: Order) -> dict[str, Any]:
    """An order as it stands now."""
    return {"entity": "order", **record_of(order)}


def fill_record(fill: Fill, books: Books) -> dict[str, Any]:
    """A fill, which release booked it in which mode, and what it left of the position: its lots as quantity and cost, and its mark."""
    held = books.positions.get(fill.symbol)
    return {
        "entity": "fill",
        **record_of(fill),
        "execution_mode": books.mode.value,
        "bot_version": books.bot_version,
        "lots": [[data_of(lot.quantity), data_of(lot.cost)] for lot in held.lots] if held else [],
        "current_price": data_of(held.current_price) if held else None,
        "last_updated": data_of(held.last_updated) if held else None,
    }


def trade_record(trade: Trade) -> dict[str, Any]:
    """TradeRecord's 27 fields, in its order, then what they link to. Whose account it is never stands in a log."""
    record = record_of(replace(trade, account_id=None))
    return {name: record[name] for name in (*RECORD_FIELDS, *(name for name in record if name not in RECORD_FIELDS))}


def entry_of(trade: Trade) -> Trade:
    """The trade as it stood at its entry: nothing of its exit."""
    return replace(
        trade,
        outcome=Outcome.OPEN,
        profit_loss=None,
        hold_duration_seconds=None,
        exit_timestamp=None,
        exit_reasoning=None,
        net_profit_loss=None,
    )
