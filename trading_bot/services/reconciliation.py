"""Reconciliation: what the venue says happened to our orders, taken into the books.

Fills are read again from before the last completed sync or the oldest open order, whichever is earlier, and booked once by the venue's id.
An order that the venue no longer lists is looked up by name: not found is not cancelled. Orders and fills of other prefixes are left alone.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from trading_bot.clock import Clock
from trading_bot.domain.books import Execution, booked, with_status
from trading_bot.domain.config import BotConfig
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import plain
from trading_bot.domain.orders import UNSETTLED, ClientOrderId, Order, parse_client_order_id
from trading_bot.errors.fault import Fault
from trading_bot.services.journal import Journal
from trading_bot.venues.venue import Venue, VenueFill, VenueOrder


def cutoff(config: BotConfig, last_sync_at: datetime, live: Iterable[Order]) -> datetime:
    """From when on fills are read again: counted back from the last completed sync or the oldest open order, never from now."""
    return min([last_sync_at, *(order.created_at for order in live)]) - timedelta(
        minutes=config.trade_sync_cutoff_minutes
    )


class Reconciliation:
    """Takes fills and order states from the venue into the books."""

    def __init__(
        self, *, venue: Venue, journal: Journal, config: BotConfig, clock: Clock, known: Iterable[str]
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._config = config
        self._clock = clock
        self._known = set(known)

    async def sync(self, *, at: datetime, last_sync_at: datetime | None) -> None:
        """Bring the books up to date with the venue at venue time `at`."""
        await self._sync_fills(cutoff(self._config, last_sync_at or at, self._journal.books.live_orders))
        await self._sync_orders(at)
        account = await self._venue.account()
        self._journal.books = replace(self._journal.books, account=account)

    async def _sync_fills(self, since: datetime) -> None:
        for fill in await self._venue.fills_since(since):
            key = self._ours(fill.client_order_id)
            if key is not None and fill.id not in self._known:
                self._book(fill, key)
        self._journal.commit()

    def _book(self, fill: VenueFill, key: ClientOrderId) -> None:
        problem = _lie(fill)
        if problem is not None:
            self._known.add(fill.id)  # said once; the venue must send it right under a new report
            self._report("DATA_005", problem, fill)
            return
        if fill.client_order_id not in self._journal.books.orders:
            self._journal.recall(key.plan_id)
        unexplained = (
            key.plan_id not in self._journal.books.plans and fill.client_order_id not in self._journal.books.orders
        )
        execution = Execution(
            id=fill.id,
            order_id=fill.order_id,
            client_order_id=fill.client_order_id,
            plan_id=key.plan_id,
            leg=key.leg,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            liquidity=fill.liquidity,
            timestamp=fill.timestamp,
        )
        self._journal.books = booked(self._journal.books, execution, recorded_at=self._clock.now())
        self._known.add(fill.id)
        if unexplained:
            self._report(
                "ORD_003", "The venue reports it under our prefix; no plan and no order of ours explains it.", fill
            )

    async def _sync_orders(self, at: datetime) -> None:
        listed = {order.client_order_id: order for order in await self._venue.open_orders()}
        for order in self._journal.books.live_orders:
            if order.status in UNSETTLED:
                continue  # the desk settles these
            seen = listed.get(order.client_order_id) or await self._venue.order(order.client_order_id)
            if seen is None:
                self._missing(order)
            else:
                self._adopt(order, seen, at=at)
        self._journal.commit()

    def _adopt(self, order: Order, seen: VenueOrder, *, at: datetime) -> None:
        before = self._journal.books
        text = f"venue: {seen.reason}" if seen.reason else None
        self._journal.books = with_status(
            before,
            order.client_order_id,
            seen.status,
            at=at,
            venue_order_id=seen.order_id,
            reason=capped(text, REASON_BYTES) if text else None,
        )

    def _missing(self, order: Order) -> None:
        fault = Fault(
            "ORD_006",
            "An order that the venue had accepted is not known there any more; it counts as live.",
            context={"client_order_id": order.client_order_id, "symbol": order.symbol, "status": order.status.name},
        )
        self._journal.report(fault.semantic(now=self._clock.now()))

    def _ours(self, client_order_id: str) -> ClientOrderId | None:
        key = parse_client_order_id(client_order_id)
        if key is None or (key.prefix, key.bot) != (self._config.client_order_prefix, self._config.bot_id):
            return None
        return key

    def _report(self, code: str, cause: str, fill: VenueFill) -> None:
        context = {
            "fill_id": capped(fill.id, 100),
            "client_order_id": capped(fill.client_order_id, 100),
            "symbol": capped(fill.symbol, 40),
            "quantity": plain(fill.quantity),
            "price": plain(fill.price),
        }
        self._journal.report(Fault(code, cause, context=context).semantic(now=self._clock.now()))


def _lie(fill: VenueFill) -> str | None:
    """What can't be true of a reported execution; null when it can."""
    if not (fill.quantity.is_finite() and fill.price.is_finite() and fill.fee.is_finite()):
        return "The venue reports an execution with a figure that is not a number."
    if fill.quantity <= 0 or fill.price <= 0 or fill.fee < 0:
        return "The venue reports an execution with a quantity or price not above zero, or a fee below it."
    try:
        step = instrument(fill.symbol).quantity_step
    except ValueError:
        return "The venue reports an execution of a symbol that can't exist."
    return None if fill.quantity % step == 0 else "The venue reports an execution of a quantity between two steps."
