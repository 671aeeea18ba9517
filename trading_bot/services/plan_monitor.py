"""The plan monitor: watches stops, targets and the session's end, and drives exits until the plan is flat.

An exit first cancels what is left of the entry; one exit of a plan is live at a time, and an unknown one counts as live. It sells what the
plan holds, and never more than the venue has. When the market is closed the exit waits, and leaves with the first bar that it can match.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from trading_bot.calendar import is_open, session_at
from trading_bot.domain.books import with_plan
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.events import EventKind
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import plain
from trading_bot.domain.orders import Leg, Order, is_due
from trading_bot.domain.plans import PlanStatus, TradePlan, exit_due, since_entry, with_levels
from trading_bot.errors.fault import Fault
from trading_bot.services.journal import Journal
from trading_bot.services.order_desk import OrderDesk

_LATE = "the session's hours for entries are over"


class PlanMonitor:
    """Watches stops, targets and the session's end, and drives exits until the plan is flat."""

    def __init__(self, *, journal: Journal, desk: OrderDesk, hours: SessionHours) -> None:
        self._journal = journal
        self._desk = desk
        self.hours = hours
        self._silent: set[str] = set()

    def watch(self, bars: Iterable[Bar]) -> None:
        """Mark the plans that a bar ends. Bars of extended hours end nothing."""
        for bar in bars:
            for plan in self._journal.books.plans_of(bar.symbol):
                if plan.exit_reason is None and plan.status is PlanStatus.OPEN:
                    self._watch(plan, bar)

    def unwatched(self, longest: timedelta, *, at: datetime, market_open: frozenset[str]) -> tuple[Fault, ...]:
        """What is held and has had no bar for longer than that although its market is open: its stop sees nothing. Said once a silence."""
        books = self._journal.books
        begun = books.session.created_at if books.session else at
        marked = [held for name, held in books.positions.items() if held.lots and not books.is_repriced(name)]
        ages = {held.symbol: at - max(held.last_updated, begun) for held in marked}
        silent = {name for name, age in ages.items() if age > longest and name in market_open}
        new = sorted(silent - self._silent)
        self._silent = silent
        return tuple(_silence(symbol, ages[symbol]) for symbol in new)

    def end(self, plan: TradePlan, reason: str) -> None:
        """Mark `plan` to be exited, with its reason; the exit leaves with `drive`."""
        self._journal.books = with_plan(self._journal.books, replace(plan, exit_reason=capped(reason, REASON_BYTES)))

    def close(self, plan: TradePlan, reason: str) -> None:
        """Mark `plan` to be exited because an operator wants it, also one that waited for an operator."""
        self.end(replace(plan, status=PlanStatus.OPEN), plan.exit_reason or reason)

    def keep(self, plan: TradePlan) -> None:
        """Take the mark back: the plan is held, and its stop and target are watched again."""
        self._journal.books = with_plan(self._journal.books, replace(plan, exit_reason=None))

    def move(
        self,
        plan_id: str,
        *,
        reason: str,
        stop: Decimal | None = None,
        target: Decimal | None = None,
        by_operator: bool = False,
    ) -> TradePlan:
        """Move the stop, the target or both (null: stays) by a new version of the plan, and arm them.

        A stop is only ever tightened, unless an operator says otherwise; an operator's move also arms a plan that was SUSPENDED.
        QRY_005 for a plan that is not open, ORD_010 for a stop that would be loosened or that stands above the target.
        """
        plan = self._journal.books.plans.get(plan_id)
        if plan is None or not plan.is_open:
            raise Fault("QRY_005", f"There is no open plan `{plan_id[:40]}`.", context={"planId": plan_id[:40]})
        moved = with_levels(plan, stop=stop, target=target)
        figures = {"planId": plan.id, "stop": plain(moved.stop_price), "was": plain(plan.stop_price)}
        if moved.stop_price < plan.stop_price and not by_operator:
            raise Fault("ORD_010", "A stop is only ever tightened; an operator may loosen it.", context=figures)
        if moved.target_price is not None and moved.stop_price >= moved.target_price:
            raise Fault("ORD_010", "The stop has to stand below the target.", context=figures)
        if by_operator:
            moved = replace(moved, status=PlanStatus.OPEN)
        if moved == plan:
            return plan
        moved = replace(moved, version=plan.version + 1)
        self._journal.books = with_plan(self._journal.books, moved)
        data = {**figures, "symbol": plan.symbol, "version": moved.version, "reason": capped(reason, REASON_BYTES)}
        self._journal.commit(
            lambda w: w.changed(EventKind.PLAN, plan.id, f"Stop and target of {plan.symbol} were moved.", data)
        )
        return moved

    async def drive(self, *, at: datetime, market_open: frozenset[str]) -> None:
        """Take every plan that is marked to be exited one step further; one that fails does not hold up the others.

        What the session's end ends is marked first, whether its symbol had a bar or not.
        """
        self._mark_at_end(at)
        faults: list[Exception] = []
        for plan in tuple(self._journal.books.plans.values()):
            if plan.is_open and plan.exit_reason is not None and plan.status is not PlanStatus.SUSPENDED:
                try:
                    await self._drive(plan, at=at, market_open=market_open)
                except Exception as error:  # noqa: BLE001 - raised below
                    faults.append(error)
        if faults:
            raise faults[0]

    async def cancel_entries(self, *, at: datetime, reason: str, due_only: bool) -> int:
        """Cancel resting entries; how many were asked to be.

        All of them, or only those whose time is over, whose symbol is suspended, or whose session has no hours left for entries.
        """
        resting = [order for order in self._journal.books.live_orders if order.leg is Leg.ENTRY]
        reasons = [self._why_due(order, at, reason) if due_only else reason for order in resting]
        due = [(order, why) for order, why in zip(resting, reasons, strict=True) if why is not None]
        for order, why in due:
            await self._desk.cancel(order, at=at, reason=why)
        return len(due)

    def _why_due(self, order: Order, at: datetime, reason: str) -> str | None:
        """Why a resting entry is to be cancelled: that reason where its time is over; null where it may rest on."""
        if (order.good_until is not None and order.good_until <= at) or self._journal.books.suspended(order.symbol):
            return reason
        if self.hours.last_minutes == 0:
            return None
        session = session_at(instrument(order.symbol).asset_class, at)
        return _LATE if session is not None and self.hours.is_too_late(at, session[1]) else None

    def _mark_at_end(self, at: datetime) -> None:
        """Mark what is held to be exited where the hours say so."""
        if self.hours.flatten_before_close_minutes is None:
            return
        for plan in tuple(self._journal.books.plans.values()):
            is_watched = plan.exit_reason is None and plan.status is PlanStatus.OPEN
            session = session_at(instrument(plan.symbol).asset_class, at)
            if is_watched and session is not None and self._journal.books.held_for(plan.id) > 0:
                reason = self.hours.flatten_due(at, session[1])
                if reason is not None:
                    self.end(plan, reason)

    async def _drive(self, plan: TradePlan, *, at: datetime, market_open: frozenset[str]) -> None:
        for order in self._journal.books.orders_of(plan.id, Leg.ENTRY):
            if order.is_live:
                await self._desk.cancel(order, at=at, reason="the plan is being exited")
        books = self._journal.books
        exits = books.orders_of(plan.id, Leg.EXIT)
        if any(order.is_live for order in exits) or not is_due(exits, at):
            return  # what is live, or may be, must end first
        # An entry that can't be cancelled traps nothing: what it still buys is sold by the next exit.
        current = books.plans.get(plan.id)
        if current is None or not current.is_open or plan.symbol not in market_open:
            return
        quantity = books.sellable(current, self._journal.at_venue)
        if quantity > 0:
            await self._desk.leave(current, quantity, at=at)

    def _watch(self, plan: TradePlan, bar: Bar) -> None:
        """Mark the plan when what of the bar came after its entry ends it."""
        if self._journal.books.held_for(plan.id) <= 0:
            return
        if not is_open(instrument(bar.symbol).asset_class, bar.timestamp):
            return
        since = since_entry(bar, self._journal.books.fills[plan.id][0].timestamp)
        reason = exit_due(plan, since) if since is not None else None
        if reason is not None:
            self.end(plan, reason)


def _silence(symbol: str, age: timedelta) -> Fault:
    cause = f"{symbol} is held and has had no bar for {age.total_seconds():.0f} s although its market is open."
    return Fault("DATA_003", cause, context={"symbol": symbol, "seconds": int(age.total_seconds())})
