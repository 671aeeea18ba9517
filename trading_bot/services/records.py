"""Records: how orders and trades stand in the audit log and in events. Amounts are plain decimal strings, times ISO 8601 in UTC."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from trading_bot.domain.money import plain
from trading_bot.domain.orders import Order
from trading_bot.domain.trades import RECORD_FIELDS, Outcome, Trade


def order_record(order: Order) -> dict[str, Any]:
    """An order as it stands now."""
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
        "quantity": _text(order.quantity),
        "filled": _text(order.filled),
        "price": _text(order.price),
        "stopPrice": _text(order.stop_price),
        "averagePrice": _text(order.average_price),
        "reason": order.reason,
        "goodUntil": _text(order.good_until),
        "createdAt": _text(order.created_at),
        "updatedAt": _text(order.updated_at),
    }


def trade_record(trade: Trade) -> dict[str, Any]:
    """TradeRecord's 27 fields, in its order."""
    return {name: _text(getattr(trade, name)) for name in RECORD_FIELDS}


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


def _text(value: object) -> Any:
    """`value` as JSON holds it."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Enum():
            return value.value
        case tuple():
            return [_text(item) for item in value]
        case _:
            return value
