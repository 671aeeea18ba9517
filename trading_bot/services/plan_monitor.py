"""The plan monitor: watches stops and targets, and drives exits until the plan is flat.

An exit first cancels what is left of the entry; one exit of a plan is live at a time, and an unknown one counts as live. When the market
is closed the exit waits, and leaves with the first bar that it can match.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from trading_bot.calendar import is_open
from trading_bot.domain.books import with_plan
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Leg
from trading_bot.domain.plans import PlanStatus, TradePlan, exit_due
from trading_bot.services.journal import Journal
from trading_bot.services.order_desk import OrderDesk


class PlanMonitor:
    """Watches stops and targets, and drives exits until the plan is flat."""

    def __init__(self, *, journal: Journal, desk: OrderDesk) -> None:
        self._journal = journal
        self._desk = desk

    def watch(self, bars: Iterable[Bar]) -> None:
        """Mark the plans that a bar ends. Bars of extended hours end nothing."""
        for bar in bars:
            plan = self._journal.books.plan_of(bar.symbol)
            if plan is None or plan.exit_reason is not None or plan.status is PlanStatus.SUSPENDED:
                continue
            if self._journal.books.held_for(plan.id) > 0 and is_open(instrument(bar.symbol).asset_class, bar.timestamp):
                reason = exit_due(plan, self._since_entry(plan, bar))
                if reason is not None:
                    self.end(plan, reason)

    def end(self, plan: TradePlan, reason: str) -> None:
        """Mark `plan` to be exited, with its reason; the exit leaves with `drive`."""
        self._journal.books = with_plan(self._journal.books, replace(plan, exit_reason=capped(reason, REASON_BYTES)))

    async def drive(self, *, at: datetime, market_open: frozenset[str]) -> None:
        """Take every plan that is marked to be exited one step further."""
        for plan in tuple(self._journal.books.plans.values()):
            if plan.is_open and plan.exit_reason is not None and plan.status is not PlanStatus.SUSPENDED:
                await self._drive(plan, at=at, market_open=market_open)

    async def cancel_entries(self, *, at: datetime, reason: str, due_only: bool) -> int:
        """Cancel resting entries, all or only those whose time is over; how many were asked to be."""
        resting = [
            order
            for order in self._journal.books.live_orders
            if order.leg is Leg.ENTRY and (not due_only or (order.good_until is not None and order.good_until <= at))
        ]
        for order in resting:
            await self._desk.cancel(order, at=at, reason=reason)
        return len(resting)

    async def _drive(self, plan: TradePlan, *, at: datetime, market_open: frozenset[str]) -> None:
        for order in self._journal.books.orders_of(plan.id, Leg.ENTRY):
            if order.is_live:
                await self._desk.cancel(order, at=at, reason="the plan is being exited")
        books = self._journal.books
        if any(order.is_live for leg in Leg for order in books.orders_of(plan.id, leg)):
            return  # what is live, or may be, must end first
        current = books.plans.get(plan.id)
        held = books.held_for(plan.id)
        if current is not None and held > 0 and plan.symbol in market_open:
            await self._desk.leave(current, held, at=at)

    def _since_entry(self, plan: TradePlan, bar: Bar) -> Bar:
        """Of the bar in which the entry filled, only the close is known to have come after it."""
        entered = self._journal.books.fills[plan.id][-1].timestamp
        if bar.timestamp < entered <= bar.known_at or bar.timestamp == entered:
            return replace(bar, open=bar.close, high=bar.close, low=bar.close)
        return bar
