"""Subjects: positions, orders, errors, processes that a write names. They must be there; what happens to each is said beforehand."""

from collections.abc import Mapping
from typing import Any

from trading_bot.domain.commands import CommandKind
from trading_bot.domain.money import plain
from trading_bot.domain.orders import Leg, Order
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.positions import Position
from trading_bot.domain.processes import ProcessAction, ProcessName, ProcessOrder, read_order
from trading_bot.errors.fault import Fault
from trading_bot.store import orders, plans, positions
from trading_bot.store.risk_events import find_breaker
from trading_bot.store.store import Reading

_NAMED = 8


def require_subjects(r: Reading, kind: CommandKind, parameters: dict[str, Any]) -> None:
    """Refuse a command that names a position or an order that is not there: QRY_005 says which, and what there is.

    QRY_004 for parameters that no process can be asked with.
    """
    match kind:
        case CommandKind.CLOSE_POSITIONS:
            held = sorted({*_held(r), *(plan.symbol for plan in plans.list_open_plans(r))})
            missing = [symbol for symbol in parameters.get("symbols", ()) if symbol not in held]
            what, there = "position or open plan", held
        case CommandKind.CANCEL_ORDERS:
            missing = [name for name in parameters.get("orderIds", ()) if _order(r, name) is None]
            what, there = "order", [order.client_order_id for order in orders.list_live_orders(r)]
        case CommandKind.UPDATE_TARGETS:
            open_on = sorted({plan.symbol for plan in plans.list_open_plans(r)})
            missing = [symbol for symbol in (str(parameters.get("symbol", "")),) if symbol not in open_on]
            what, there = "open plan on", open_on
        case CommandKind.RESTART_PROCESS:
            process_order(parameters)
            return
        case _:
            return
    if missing:
        cause = f"There is no {what} `{missing[0]:.40}`; there is {', '.join(there[:3]) or 'none at all'}."
        context = {"missing": [name[:40] for name in missing[:_NAMED]], "known": there[:_NAMED]}
        raise Fault("QRY_005", cause, context=context)


def effects_on(r: Reading, kind: CommandKind, parameters: dict[str, Any]) -> list[str]:
    """What the command does to each thing that it is about, in one sentence each."""
    match kind:
        case CommandKind.CLOSE_POSITIONS:
            held, live = _held(r), orders.list_live_orders(r)
            return [_closing(symbol, held.get(symbol), live) for symbol in parameters.get("symbols", ())]
        case CommandKind.CANCEL_ORDERS:
            found = (_order(r, name) for name in parameters.get("orderIds", ()))
            return [_cancelling(order) for order in found if order is not None]
        case CommandKind.RESET_BREAKER:
            cause = find_breaker(r).cause
            return [f"The breaker tripped: {cause}" if cause else "The breaker is not tripped: the bot will refuse."]
        case CommandKind.UPDATE_TARGETS:
            return [
                _moving(plan, parameters)
                for plan in plans.list_open_plans(r)
                if plan.symbol == parameters.get("symbol")
            ]
        case CommandKind.RESTART_PROCESS:
            return _on_process(process_order(parameters), open_plans=len(plans.list_open_plans(r)))
        case _:
            return []


def process_order(parameters: Mapping[str, Any]) -> ProcessOrder:
    """What the supervisor is asked; QRY_004 says what is wrong with the parameters."""
    try:
        return read_order(parameters)
    except ValueError as error:
        raise Fault("QRY_004", str(error), context={"field": "parameters"}) from None


def _on_process(order: ProcessOrder, *, open_plans: int) -> list[str]:
    name, drain = order.program.value, f"within {order.drain_seconds:g} s or by force"
    if order.program is ProcessName.API:
        return [f"The {name} process ends {drain}, and another one answers; the bot trades on."]
    match order.action:
        case ProcessAction.RESTART:
            watched = f"{open_plans} open plans are not watched in between."
            return [f"The {name} process ends {drain}, and another one goes on where it was.", watched]
        case ProcessAction.START:
            return [f"The {name} process is started if it does not run, and goes on where it was."]
        case ProcessAction.STOP:
            watched = f"{open_plans} open plans are not watched until it is started; orders stay at the venue."
            return [f"The {name} process ends {drain} and is held down.", watched]


def _moving(plan: TradePlan, parameters: Mapping[str, Any]) -> str:
    now = {"stop": plan.stop_price, "target": plan.target_price}
    moves = [
        f"{name} {plain(price) if price is not None else 'none'} becomes {str(parameters[name])[:20]}"
        for name, price in now.items()
        if parameters.get(name) is not None
    ]
    return f"{plan.symbol}: {', '.join(moves) or 'nothing is moved'}."


def _held(r: Reading) -> dict[str, Position]:
    return {position.symbol: position for position in positions.list_positions(r)}


def _order(r: Reading, id: str) -> Order | None:
    return orders.find_order(r, id) or orders.find_order_by_venue_id(r, id)


def _closing(symbol: str, position: Position | None, live: tuple[Order, ...]) -> str:
    resting = sum(1 for order in live if order.symbol == symbol)
    cancelled = f"; {resting} live orders on it are cancelled or end with the exit" if resting else ""
    if position is None:
        return f"Nothing is held of {symbol}: its plan ends{cancelled}."
    price = plain(position.current_price)
    return f"{plain(position.quantity)} {symbol} are sold at the market, last price {price}{cancelled}."


def _cancelling(order: Order) -> str:
    what = f"{order.side.name} {plain(order.quantity)} {order.symbol} ({order.status.name})"
    if not order.is_live:
        return f"{what} has ended and stays as it is."
    if order.leg is Leg.EXIT:
        return f"{what} is cancelled; it was to close a position, whose stop and target stay watched."
    return f"{what} is cancelled."
