"""Entries: how each part of the books that changed is written: its row, its event, and its line for the audit log."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from trading_bot.domain.books import Books
from trading_bot.domain.decisions import Decision
from trading_bot.domain.events import EventKind
from trading_bot.domain.fills import Fill
from trading_bot.domain.money import plain
from trading_bot.domain.orders import Leg, Order
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.records import record_of
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.trades import Outcome, Trade
from trading_bot.services.decision_traces import decision_event
from trading_bot.services.records import entry_of, fill_record, order_data, order_record, trade_record
from trading_bot.store import decisions, fills, orders, plans, positions, sessions, trades
from trading_bot.store import suspensions as suspended
from trading_bot.store.store import Writing

_T = TypeVar("_T")


def changed(before: Mapping[str, _T], after: Mapping[str, _T]) -> list[_T]:
    """What is new or different in `after`."""
    return [value for key, value in after.items() if before.get(key) is not value and before.get(key) != value]


def write_session(w: Writing, before: Books, after: Books) -> None:
    """The session's row; a line and an event when it begins and ends, and a line where its model cost something."""
    session = after.session
    if session is None or session == before.session:
        return
    if before.session is not None and before.session.id != session.id:
        ended = replace(before.session, closed_at=session.created_at)
        _log_session(w, ended)
        w.changed(EventKind.SESSION, ended.id, f"Session {ended.date} ended.", {"netPnl": plain(ended.net_pnl)})
    is_new = before.session is None or before.session.id != session.id
    if is_new or (before.session is not None and before.session.total_llm_cost != session.total_llm_cost):
        _log_session(w, session)
    else:
        sessions.save_session(w, session)  # what a fill or a trade adds can be made again of these
    if is_new:
        equity = plain(session.start_of_day_equity)
        w.changed(EventKind.SESSION, session.id, f"Session {session.date} began.", {"startOfDayEquity": equity})


def _log_session(w: Writing, session: BotSession) -> None:
    sessions.save_session(w, session)
    w.log("sessions", record_of(session))


def write_plan(w: Writing, before: TradePlan | None, plan: TradePlan) -> None:
    """The plan's row and line; an event where status or version changed."""
    plans.save_plan(w, plan)
    w.log("plans", record_of(plan))
    data = {
        "symbol": plan.symbol,
        "status": plan.status.name,
        "version": plan.version,
        "stopPrice": plain(plan.stop_price),
        "targetPrice": plain(plan.target_price) if plan.target_price is not None else None,
        "size": plain(plan.size),
    }
    if before is None:
        w.changed(EventKind.PLAN, plan.id, f"Plan opened for {plan.symbol} by {plan.strategy_name}.", data)
    elif (before.status, before.version) != (plan.status, plan.version):
        w.changed(EventKind.PLAN, plan.id, f"Plan for {plan.symbol} is {plan.status.name}.", data)


def write_decision(w: Writing, decision: Decision) -> None:
    """The decision's row, line and event."""
    decisions.save_decision(w, decision)
    summary, data = decision_event(decision)
    w.changed(EventKind.DECISION, decision.id, summary, data)
    w.log("decisions", record_of(decision))


def write_order(w: Writing, before: Order | None, order: Order) -> None:
    """The order's row and line; an event where status or filled quantity changed."""
    orders.save_order(w, order)
    w.log("orders", order_record(order))
    if before is not None and (before.status, before.filled) == (order.status, order.filled):
        return
    w.changed(
        EventKind.ORDER,
        order.client_order_id,
        f"{order.side.name} {plain(order.quantity)} {order.symbol}: {order.status.name}.",
        order_data(order),
    )


def write_fill(w: Writing, fill: Fill, books: Books) -> None:
    """The fill's row, line and event, once."""
    if not fills.save_fill(w, fill):
        return
    w.log("orders", fill_record(fill, books))
    data = {
        "symbol": fill.symbol,
        "action": fill.action.name,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "fee": plain(fill.fee),
        "clientOrderId": fill.client_order_id,
    }
    w.changed(
        EventKind.FILL,
        fill.id,
        f"{fill.action.name} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}.",
        data,
    )


def write_positions(w: Writing, before: Books, after: Books) -> None:
    """The rows of positions that changed; an event where the quantity did."""
    for symbol in {**before.positions, **after.positions}:
        old, new = before.positions.get(symbol), after.positions.get(symbol)
        if new is None or new == old:
            continue
        positions.save_position(w, new)
        if old is None or old.lots != new.lots:
            quantity = plain(new.quantity)
            w.changed(
                EventKind.POSITION, symbol, f"{quantity} {symbol} held.", {"symbol": symbol, "quantity": quantity}
            )


def write_suspensions(w: Writing, before: Books, after: Books) -> None:
    """The rows of suspensions that changed; an event where a difference is new, other or gone."""
    for symbol in sorted(before.suspensions.keys() - after.suspensions.keys()):
        suspended.delete_suspension(w, symbol)
        w.changed(EventKind.RISK, symbol, f"Books and venue agree on {symbol[:40]} again.", {"symbol": symbol})
    for suspension in changed(before.suspensions, after.suspensions):
        suspended.save_suspension(w, suspension)
        old = before.suspensions.get(suspension.symbol)
        if old is None or (old.status, old.difference) != (suspension.status, suspension.difference):
            data = {
                "symbol": suspension.symbol,
                "status": suspension.status.name,
                "ours": plain(suspension.ours),
                "theirs": plain(suspension.theirs),
            }
            w.changed(EventKind.RISK, suspension.symbol, f"{suspension.status.name}: {suspension.explanation}.", data)


def write_trade(w: Writing, before: Books, after: Books, trade: Trade) -> None:
    """The trade's row; a line in the log and an event once its entry is complete, and once it is closed (or changes after that)."""
    trades.save_trade(w, trade)
    old = before.trades.get(trade.id)
    is_closed = trade.outcome is not Outcome.OPEN
    if _entry_ended(after, trade.id) and (old is None or not _entry_ended(before, trade.id)):
        w.log("trades", trade_record(entry_of(trade)))
        w.changed(
            EventKind.TRADE, trade.id, f"Entered {plain(trade.quantity)} {trade.symbol}.", {"symbol": trade.symbol}
        )
    if is_closed:
        w.log("trades", trade_record(trade))
    if is_closed and (old is None or old.outcome is Outcome.OPEN):
        net = plain(trade.net_profit_loss) if trade.net_profit_loss is not None else None
        w.changed(
            EventKind.TRADE,
            trade.id,
            f"Closed {trade.symbol}: {trade.outcome.name}.",
            {"symbol": trade.symbol, "outcome": trade.outcome.name, "netProfitLoss": net},
        )


def _entry_ended(books: Books, plan_id: str) -> bool:
    entries = books.orders_of(plan_id, Leg.ENTRY)
    return bool(entries) and not any(order.is_live for order in entries)
