"""The journal: the bot's books in memory, and the one place where they are written.

Steps set `books` to what they have become; `commit` writes what differs from the store, with its events and audit lines, in one
transaction, and then drains the outbox into the audit log. When a commit fails the books stay ahead and the next commit writes the whole
difference: nothing is lost and nothing is written twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from trading_bot.domain.books import Books, pruned
from trading_bot.domain.decisions import Decision
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.events import EventKind
from trading_bot.domain.fills import Fill
from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.money import plain
from trading_bot.domain.orders import Leg, Order
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.records import record_of
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.trades import Outcome, Trade
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.files import TornTail
from trading_bot.services.decision_traces import decision_event, with_results
from trading_bot.services.performance_watch import watched
from trading_bot.services.records import entry_of, fill_record, order_data, order_record, trade_record
from trading_bot.store import (
    accounts,
    decisions,
    errors,
    fills,
    orders,
    outbox,
    performance,
    plans,
    positions,
    sessions,
    trades,
)
from trading_bot.store import suspensions as suspended
from trading_bot.store.store import Reading, Store, Writing

_DRAIN_BATCH = 500
_T = TypeVar("_T")


class Journal:
    """The bot's books, and the one place where they are written."""

    def __init__(
        self,
        *,
        store: Store,
        log: AuditLog,
        bot_id: str,
        generation: int,
        books: Books,
        alerts: AlertThresholds | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self.bot_id = bot_id
        self._generation = generation
        self._stored = books
        self._delivered = 0
        self._deleted = 0
        self._torn: list[TornTail] = []
        self.books = books
        self.log_fault: Fault | None = None
        self.alerts = alerts or AlertThresholds()
        self.at_venue: Mapping[str, Decimal] | None = None
        """What the venue holds, by symbol, as of this bar; null while it can't be read. It is never stored."""

    def commit(self, also: Callable[[Writing], object] | None = None) -> None:
        """Write what the books have become, and what `also` writes, in one transaction; then drain the outbox.

        Raises the store's Fault when nothing was written. A log that can't be written is kept in `log_fault`: the store has committed.
        """
        if also is None and self.books is self._stored:
            return
        self.books = with_results(self.books)  # what came of decisions belongs to what it came from
        with self._store.writing(self.bot_id, self._generation) as w:
            self._write(w)
            if also is not None:
                also(w)
            if self._delivered > self._deleted:
                outbox.delete_outbox(w, self._delivered)
            logged = w.has_log
        self._deleted = self._delivered
        self.books = self._stored = pruned(self.books)
        if logged or self.log_fault is not None:
            self.drain()

    def report(self, error: SemanticError) -> None:
        """Store an error, with its event and audit line."""
        self.commit(lambda w: errors.save_error(w, error))

    def drain(self) -> None:
        """Append what waits in the outbox to the audit log, whoever put it in: the bot alone does so, in the order of the numbers.

        What the log had to set aside on the way is stored as an error.
        """
        try:
            with self._store.reading(self.bot_id) as r:
                rows = [row for row in outbox.list_outbox(r, _DRAIN_BATCH) if row.id > self._delivered]
            while rows:
                self._log.append_all(rows)
                self._delivered = rows[-1].id
                if len(rows) < _DRAIN_BATCH:
                    break
                rows = self._next_rows()
            self._report_torn()
        except Fault as fault:
            self.log_fault = fault
        else:
            self.log_fault = None

    def recall(self, plan_id: str) -> None:
        """Take a plan that is over back into the books, with its orders, fills and trade: a late fill concerns it."""
        with self._store.reading(self.bot_id) as r:
            plan = plans.find_plan(r, plan_id)
            found = orders.list_plan_orders(r, plan_id)
            booked = fills.list_plan_fills(r, plan_id)
            trade = trades.find_trade(r, plan_id)
            made = decisions.list_plan_decisions(r, plan_id)
        for name in ("_stored", "books"):
            books: Books = getattr(self, name)
            setattr(
                self,
                name,
                _with_recalled(books, plan_id, plan=plan, found=found, booked=booked, trade=trade, made=made),
            )

    def _report_torn(self) -> None:
        """Store what a crash left in the log; kept for the next time where the store can't be written."""
        self._torn += self._log.take_torn()
        if not self._torn:
            return
        faults = [
            Fault("LOG_001", f"{tail.size} bytes at the end of {tail.file} are no record.", context=record_of(tail))
            for tail in self._torn
        ]
        with self._store.writing(self.bot_id, self._generation) as w:
            for fault in faults:
                errors.save_error(w, fault.semantic(now=w.now))
        self._torn = []
        with self._store.reading(self.bot_id) as r:
            rows = [row for row in outbox.list_outbox(r, _DRAIN_BATCH) if row.id > self._delivered]
        self._log.append_all(rows)
        self._delivered = rows[-1].id if rows else self._delivered

    def _next_rows(self) -> list[outbox.OutboxRow]:
        with self._store.writing(self.bot_id, self._generation) as w:
            outbox.delete_outbox(w, self._delivered)
            return list(outbox.list_outbox(w, _DRAIN_BATCH))

    def _write(self, w: Writing) -> None:
        before, after = self._stored, self.books
        _write_session(w, before, after)
        if after.account is not None and after.account != before.account:
            accounts.save_account(w, after.account)
        for decision in _changed(before.decisions, after.decisions):
            _write_decision(w, decision)
        for plan in _changed(before.plans, after.plans):
            _write_plan(w, before.plans.get(plan.id), plan)
        for order in _changed(before.orders, after.orders):
            _write_order(w, before.orders.get(order.client_order_id), order)
        new = [
            fill for plan_id, booked in after.fills.items() for fill in _added(before.fills.get(plan_id, ()), booked)
        ]
        for fill in sorted(new, key=lambda fill: (fill.timestamp, fill.recorded_at, fill.id)):
            _write_fill(w, fill, after)
        _write_positions(w, before, after)
        _write_suspensions(w, before, after)
        for trade in _changed(before.trades, after.trades):
            _write_trade(w, before, after, trade)
        after = self.books = watched(w, before, after, self.alerts)
        if after.record != before.record:
            performance.save_record(w, after.record)


def load_books(r: Reading, empty: Books) -> Books:
    """The books as the store has them: what is open, with what belongs to it."""
    open_plans = {plan.id: plan for plan in plans.list_open_plans(r)}
    found: dict[str, Order] = {order.client_order_id: order for order in orders.list_live_orders(r)}
    for plan_id in open_plans:
        found.update({order.client_order_id: order for order in orders.list_plan_orders(r, plan_id)})
    by_symbol = {plan.symbol: plan for plan in open_plans.values()}
    return replace(
        empty,
        session=sessions.find_current_session(r),
        account=accounts.find_account(r),
        positions={p.symbol: replace(p, plan=by_symbol.get(p.symbol)) for p in positions.list_positions(r)},
        orders=found,
        plans=open_plans,
        fills={plan_id: tuple(fills.list_plan_fills(r, plan_id)) for plan_id in open_plans},
        decisions={made.id: made for plan_id in open_plans for made in decisions.list_plan_decisions(r, plan_id)},
        trades={plan_id: trade for plan_id in open_plans if (trade := trades.find_trade(r, plan_id)) is not None},
        record=performance.find_record(r),
        suspensions={suspension.symbol: suspension for suspension in suspended.list_suspensions(r)},
    )


def _changed(before: Mapping[str, _T], after: Mapping[str, _T]) -> list[_T]:
    return [value for key, value in after.items() if before.get(key) is not value and before.get(key) != value]


def _added(before: Sequence[Fill], after: Sequence[Fill]) -> list[Fill]:
    """The fills of a plan that are new; a late report stands among the older ones, so that its place tells nothing."""
    if before is after or len(before) == len(after):
        return []
    known = {fill.id for fill in before}
    return [fill for fill in after if fill.id not in known]


def _write_session(w: Writing, before: Books, after: Books) -> None:
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


def _write_plan(w: Writing, before: TradePlan | None, plan: TradePlan) -> None:
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


def _write_decision(w: Writing, decision: Decision) -> None:
    decisions.save_decision(w, decision)
    summary, data = decision_event(decision)
    w.changed(EventKind.DECISION, decision.id, summary, data)
    w.log("decisions", record_of(decision))


def _write_order(w: Writing, before: Order | None, order: Order) -> None:
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


def _write_fill(w: Writing, fill: Fill, books: Books) -> None:
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


def _write_positions(w: Writing, before: Books, after: Books) -> None:
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


def _write_suspensions(w: Writing, before: Books, after: Books) -> None:
    for symbol in sorted(before.suspensions.keys() - after.suspensions.keys()):
        suspended.delete_suspension(w, symbol)
        w.changed(EventKind.RISK, symbol, f"Books and venue agree on {symbol[:40]} again.", {"symbol": symbol})
    for suspension in _changed(before.suspensions, after.suspensions):
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


def _write_trade(w: Writing, before: Books, after: Books, trade: Trade) -> None:
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


def _with_recalled(
    books: Books,
    plan_id: str,
    *,
    plan: TradePlan | None,
    found: Sequence[Order],
    booked: Sequence[Fill],
    trade: Trade | None,
    made: Sequence[Decision],
) -> Books:
    return replace(
        books,
        plans={**books.plans, plan_id: plan} if plan is not None else books.plans,
        orders={**{order.client_order_id: order for order in found}, **books.orders},
        fills={**books.fills, plan_id: tuple(booked)},
        trades={**books.trades, plan_id: trade} if trade is not None else books.trades,
        decisions={**books.decisions, **{decision.id: decision for decision in made}},
    )
