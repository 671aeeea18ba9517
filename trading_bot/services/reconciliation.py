"""Reconciliation: what the venue says happened to our orders, taken into the books, and its positions held against ours.

Fills are read again from before the last completed sync or the oldest open order, whichever is earlier, and booked once by the venue's id.
An order that the venue no longer lists is looked up by name: not found is not cancelled. A reply that can't be true is reported and not
used. Orders and fills of other prefixes are left alone, but for those that are known here and left under another one.
"""

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from trading_bot.clock import Clock
from trading_bot.domain.books import Execution, booked, with_plan, with_status
from trading_bot.domain.comparison import compared
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.fills import UNATTRIBUTED
from trading_bot.domain.money import plain
from trading_bot.domain.orders import UNSETTLED, ClientOrderId, Order, Side, parse_client_order_id, plan_id_from
from trading_bot.domain.plans import TradePlan, caretaker_plan
from trading_bot.domain.suspensions import Suspension
from trading_bot.errors.fault import Fault
from trading_bot.services.journal import Journal
from trading_bot.services.plausibility import lie_in_account, lie_in_fill, lie_in_order, lie_in_positions
from trading_bot.venues.venue import Venue, VenueFill, VenueOrder


def cutoff(config: BotConfig, last_sync_at: datetime, live: Iterable[Order]) -> datetime:
    """From when on fills are read again: counted back from the last completed sync or the oldest open order, never from now."""
    return min([last_sync_at, *(order.created_at for order in live)]) - timedelta(
        minutes=config.trade_sync_cutoff_minutes
    )


def ours(config: BotConfig, client_order_id: str) -> ClientOrderId | None:
    """What an id of our prefix says; null for any other."""
    key = parse_client_order_id(client_order_id)
    if key is None or (key.prefix, key.bot) != (config.client_order_prefix, config.bot_id):
        return None
    return key


class Reconciliation:
    """Takes fills, order states and positions from the venue into the books."""

    def __init__(
        self,
        *,
        venue: Venue,
        journal: Journal,
        config: BotConfig,
        config_version: int,
        config_hash: str,
        clock: Clock,
        known: Iterable[str],
        marks: Container[str],
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._config = config
        self._config_version = config_version
        self._config_hash = config_hash
        self._clock = clock
        self._known = set(known)
        self._marks = marks
        self._said: set[tuple[str, str]] = set()
        self.is_reconciled = False
        """Whether fills, orders and positions were once read to the end since the start."""
        self.strays: tuple[VenueOrder, ...] = ()
        """Orders of ours that work at the venue although they had ended here."""
        self.doubt: Fault | None = None
        """What the venue said of our fills, orders, positions or account at the last sync that can't be true; null where all could be."""
        self._lies: list[Fault] = []

    def take_on(self, in_force: InForce) -> None:
        """Sync under this configuration from now on."""
        self._config = in_force.config
        self._config_version = in_force.version
        self._config_hash = in_force.hash

    async def sync(self, *, at: datetime, last_sync_at: datetime | None, prices: Mapping[str, Decimal]) -> None:
        """Bring the books up to date with the venue at venue time `at`; `prices` are newer than those in the books."""
        self._lies.clear()
        try:
            await self._synced(at=at, last_sync_at=last_sync_at, prices=prices)
        except Fault as fault:
            # What could not be read to the end clears no doubt.
            self._lies += [fault] if fault.code == "DATA_005" else []
            self.doubt = next(iter(self._lies), self.doubt)
            raise
        self.doubt = next(iter(self._lies), None)

    async def _synced(self, *, at: datetime, last_sync_at: datetime | None, prices: Mapping[str, Decimal]) -> None:
        self._journal.at_venue = None
        await self._sync_fills(cutoff(self._config, last_sync_at or at, self._journal.books.live_orders), at=at)
        await self._sync_orders(at)
        await self.compare(at=at, prices=prices)
        self.is_reconciled = True
        account = await self._venue.account()
        problem = lie_in_account(account)
        if problem is not None:
            raise Fault("DATA_005", problem)
        self._journal.books = replace(self._journal.books, account=account)

    async def compare(self, *, at: datetime, prices: Mapping[str, Decimal] = MappingProxyType({})) -> None:
        """Hold the venue's positions against ours; what differs for certain is reported and suspended. DATA_005 when they can't be true."""
        held = await self._venue.positions()
        problem = lie_in_positions(held)
        if problem is not None:
            raise Fault("DATA_005", problem)
        theirs = {position.symbol: position.quantity for position in held if position.quantity}
        result = compared(self._journal.books, theirs, prices=prices, at=at)
        self._journal.at_venue = theirs
        self._journal.books = result.books
        for suspension in result.reported:
            self._journal.report(_difference(suspension).semantic(now=self._clock.now()))

    def caretaker(self, seed: str, symbol: str, *, name: str, price: Decimal, reason: str, at: datetime) -> TradePlan:
        """A plan for what is held of `symbol` without one; the same `seed` gives the same id."""
        session = self._journal.books.session
        digest = hashlib.sha256(f"{self._config.bot_id}/{symbol}/{name}/{seed}".encode()).digest()
        return caretaker_plan(
            plan_id_from(digest),
            symbol,
            name=name,
            price=price,
            reason=capped(reason, REASON_BYTES),
            session_id=session.id if session else "",
            config_version=self._config_version,
            config_hash=self._config_hash,
            at=at,
        )

    async def _sync_fills(self, since: datetime, *, at: datetime) -> None:
        for fill in await self._venue.fills_since(since):
            key = self._ours(fill.client_order_id) if fill.id not in self._known else None
            if key is not None:
                self._try(fill, key, at=at)
        self._journal.commit()

    def _try(self, fill: VenueFill, key: ClientOrderId, *, at: datetime) -> None:
        """Take the execution in. One that can't be booked, as more than a trade can hold, keeps none of the others from it."""
        before = self._journal.books
        try:
            self._take(fill, key, at=at)
        except ValueError as error:
            self._journal.books = before
            self._report("DATA_005", f"The venue reports an execution that can't be booked. {error}", fill)

    def _ours(self, client_order_id: str) -> ClientOrderId | None:
        """What the id says of an order of ours: of our prefix, or one that left under the prefix that we had before."""
        key = parse_client_order_id(client_order_id)
        if key is None or ours(self._config, client_order_id) is not None:
            return key
        if key.mark not in self._marks:
            return None
        self._recall(key.plan_id)
        # Somebody else may have the old prefix by now: only an order that is known here is ours.
        return key if client_order_id in self._journal.books.orders else None

    def _recall(self, plan_id: str) -> None:
        """Have in the books what is known of a plan that may be over."""
        books = self._journal.books
        if plan_id not in books.plans and plan_id not in books.fills:
            self._journal.recall(plan_id)

    def _take(self, fill: VenueFill, key: ClientOrderId, *, at: datetime) -> None:
        self._recall(key.plan_id)
        books = self._journal.books
        problem = lie_in_fill(fill, at=at, order=books.orders.get(fill.client_order_id))
        if problem is not None:
            self._report("DATA_005", problem, fill)  # a report of the same id that can be true is still taken
            return
        if any(fill.id == known.id for known in books.fills.get(key.plan_id, ())):
            pass  # recalled with its plan
        elif key.plan_id in books.plans:
            self._book(fill, key, key.plan_id)
        else:
            self._book_unexplained(fill, key)
        self._known.add(fill.id)  # once booked: what could not be is tried again

    def _book(self, fill: VenueFill, key: ClientOrderId, plan_id: str, *, reason: str | None = None) -> None:
        execution = Execution(
            id=fill.id,
            order_id=fill.order_id,
            client_order_id=fill.client_order_id,
            plan_id=plan_id,
            leg=key.leg,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            liquidity=fill.liquidity,
            timestamp=fill.timestamp,
            reason=reason,
        )
        self._journal.books = booked(self._journal.books, execution, recorded_at=self._clock.now())
        order = self._journal.books.orders.get(fill.client_order_id)
        if order is not None and order.filled > order.quantity:
            self._report("ORD_006", "The venue filled more of an order than was ordered; all of it is booked.", fill)

    def _book_unexplained(self, fill: VenueFill, key: ClientOrderId) -> None:
        """A fill of a plan that is not known here: a sale is one of the symbol's open plan, what was bought gets a caretaker."""
        books = self._journal.books
        plan_id = key.plan_id
        if fill.side is Side.SELL:
            holding = [plan for plan in books.plans_of(fill.symbol) if books.held_for(plan.id) > 0]
            plan_id = holding[0].id if holding else plan_id
        else:
            plan = self.caretaker(
                "", fill.symbol, name=UNATTRIBUTED, price=fill.price, reason=UNATTRIBUTED, at=fill.timestamp
            )
            self._journal.books = with_plan(books, replace(plan, id=plan_id))
        self._book(fill, key, plan_id, reason=UNATTRIBUTED)
        self._report(
            "ORD_003", "The venue reports it under our prefix; no plan and no order of ours explains it.", fill
        )

    async def _sync_orders(self, at: datetime) -> None:
        """What the venue says of every live order; one that can't be looked up does not hold up the others."""
        listed = {order.client_order_id: order for order in await self._venue.open_orders()}
        faults: list[Fault] = []
        for order in self._journal.books.live_orders:
            if order.status in UNSETTLED:
                continue  # the desk settles these
            try:
                seen = listed.get(order.client_order_id) or await self._venue.order(order.client_order_id)
            except Fault as fault:
                faults.append(fault)
                continue
            if seen is None:
                self._say("ORD_006", "The venue does not know an order that it had accepted; it counts as live.", order)
            else:
                self._adopt(order, seen, at=at)
        live = {order.client_order_id for order in self._journal.books.live_orders}
        self.strays = tuple(
            order for name, order in listed.items() if name not in live and self._ours(name) is not None
        )
        self._journal.commit()
        if faults:
            raise faults[0]

    def _adopt(self, order: Order, seen: VenueOrder, *, at: datetime) -> None:
        problem = lie_in_order(seen, order)
        if problem is not None:
            self._say("DATA_005", problem, order)
            return
        text = f"venue: {seen.reason}" if seen.reason else None
        self._journal.books = with_status(
            self._journal.books,
            order.client_order_id,
            seen.status,
            at=at,
            venue_order_id=seen.order_id,
            filled=seen.filled,
            reason=capped(text, REASON_BYTES) if text else None,
        )

    def _say(self, code: str, cause: str, order: Order) -> None:
        """Report what is the same at every bar once."""
        context = {"client_order_id": order.client_order_id, "symbol": order.symbol, "status": order.status.name}
        self._doubt(code, cause, context)
        if (code, order.client_order_id) in self._said:
            return
        self._said.add((code, order.client_order_id))
        self._journal.report(Fault(code, cause, context=context).semantic(now=self._clock.now()))

    def _report(self, code: str, cause: str, fill: VenueFill) -> None:
        context = {
            "fill_id": capped(fill.id, 100),
            "client_order_id": capped(fill.client_order_id, 100),
            "symbol": capped(fill.symbol, 40),
            "quantity": capped(str(fill.quantity), 40),
            "price": capped(str(fill.price), 40),
        }
        self._doubt(code, cause, context)
        if (code, fill.id) in self._said:
            return
        self._said.add((code, fill.id))
        self._journal.report(Fault(code, cause, context=context).semantic(now=self._clock.now()))

    def _doubt(self, code: str, cause: str, context: dict[str, str]) -> None:
        """Remember what can't be true of a sync."""
        if code == "DATA_005":
            self._lies.append(Fault(code, cause, context=context))


def _difference(suspension: Suspension) -> Fault:
    code = "ORD_008" if suspension.is_corporate_action else "ORD_007"
    context = {
        "symbol": capped(suspension.symbol, 40),
        "ours": plain(suspension.ours),
        "theirs": plain(suspension.theirs),
        "difference": plain(suspension.difference),
    }
    return Fault(code, f"{suspension.explanation[:1].upper()}{suspension.explanation[1:]}.", context=context)
