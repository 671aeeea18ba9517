"""The journal: the bot's books in memory, and the one place where they are written.

Steps set `books` to what they have become; `commit` writes what differs from the store, with its events and audit lines, in one
transaction, and then drains the outbox into the audit log. When a commit fails the books stay ahead and the next commit writes the whole
difference: nothing is lost and nothing is written twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from trading_bot.domain.books import Books, pruned
from trading_bot.domain.decisions import Decision
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.fills import Fill
from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.orders import Order
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.records import record_of
from trading_bot.domain.trades import Trade
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.files import TornTail
from trading_bot.services.decision_traces import with_results
from trading_bot.services.entries import (
    changed,
    write_decision,
    write_fill,
    write_order,
    write_plan,
    write_positions,
    write_session,
    write_suspensions,
    write_trade,
)
from trading_bot.services.log_numbers import settle_numbers
from trading_bot.services.performance_watch import watched
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
        self._numbers_settled = False
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
        self._hide_account()
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
            if not self._numbers_settled:
                settle_numbers(self._store, self._log, self.bot_id, self._generation)
                self._numbers_settled = True
            rows = self._waiting()
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

    def _hide_account(self) -> None:
        """Whose account it is never stands in a log, also where the venue says it in a text."""
        if self.books.account is not None:
            self._log.secrets.add(self.books.account.account_id)

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
        rows = self._waiting()
        self._log.append_all(rows)
        self._delivered = rows[-1].id if rows else self._delivered

    def _waiting(self) -> list[outbox.OutboxRow]:
        with self._store.reading(self.bot_id) as r:
            return [row for row in outbox.list_outbox(r, _DRAIN_BATCH) if row.id > self._delivered]

    def _next_rows(self) -> list[outbox.OutboxRow]:
        with self._store.writing(self.bot_id, self._generation) as w:
            outbox.delete_outbox(w, self._delivered)
            return list(outbox.list_outbox(w, _DRAIN_BATCH))

    def _write(self, w: Writing) -> None:
        before, after = self._stored, self.books
        write_session(w, before, after)
        if after.account is not None and after.account != before.account:
            accounts.save_account(w, after.account)
        for decision in changed(before.decisions, after.decisions):
            write_decision(w, decision)
        for plan in changed(before.plans, after.plans):
            write_plan(w, before.plans.get(plan.id), plan)
        for order in changed(before.orders, after.orders):
            write_order(w, before.orders.get(order.client_order_id), order)
        new = [
            fill for plan_id, booked in after.fills.items() for fill in _added(before.fills.get(plan_id, ()), booked)
        ]
        for fill in sorted(new, key=lambda fill: (fill.timestamp, fill.recorded_at, fill.id)):
            write_fill(w, fill, after)
        write_positions(w, before, after)
        write_suspensions(w, before, after)
        for trade in changed(before.trades, after.trades):
            write_trade(w, before, after, trade)
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


def _added(before: Sequence[Fill], after: Sequence[Fill]) -> list[Fill]:
    """The fills of a plan that are new; a late report stands among the older ones, so that its place tells nothing."""
    if before is after or len(before) == len(after):
        return []
    known = {fill.id for fill in before}
    return [fill for fill in after if fill.id not in known]


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
