"""The order desk: the only way an order leaves.

The intent is stored, with its client order id, and its audit line is durable, before anything is sent. What the venue answers is one of
three: confirmed, rejected, unknown. Unknown is settled by a look-up at the next bar, never assumed.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from trading_bot.clock import Clock
from trading_bot.domain.books import with_order, with_plan, with_status
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.decisions import decision_id
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.market import BAR_LENGTH
from trading_bot.domain.money import ZERO, plain
from trading_bot.domain.orders import (
    UNSETTLED,
    WORKING,
    ClientOrderId,
    Leg,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
)
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.risk import Refused, check_exit
from trading_bot.errors.fault import Fault
from trading_bot.services.journal import Journal
from trading_bot.services.plausibility import lie_in_order
from trading_bot.venues.venue import Confirmed, Rejected, Unknown, Venue, VenueOrder

# A venue that has not answered by then has not answered: the outcome is unknown.
ANSWER_SECONDS = 10.0


class OrderDesk:
    """Sends, cancels and settles orders."""

    def __init__(
        self, *, venue: Venue, journal: Journal, config: BotConfig, config_version: int, config_hash: str, clock: Clock
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._config = config
        self._config_version = config_version
        self._config_hash = config_hash
        self._clock = clock
        self._lost: set[str] = set()
        self.doubt: Fault | None = None
        """What the venue said of an order at the last look-up that can't be true; null where all could be."""

    def take_on(self, in_force: InForce) -> None:
        """Plans and orders from now on are made under this configuration."""
        self._config = in_force.config
        self._config_version = in_force.version
        self._config_hash = in_force.hash

    async def enter(self, proposal: EntryProposal, quantity: Decimal, *, at: datetime, session_id: str) -> None:
        """Open a plan for `proposal` and send its entry of `quantity`. `at` is venue time. SYS_005 while the log can't be written."""
        self._require_log()
        plan = self._plan(proposal, quantity, at=at, session_id=session_id)
        order = self._order(
            plan,
            Leg.ENTRY,
            quantity,
            at=at,
            order_type=proposal.order_type,
            price=proposal.entry_price if proposal.order_type is OrderType.LIMIT else None,
            stop_price=proposal.entry_price if proposal.order_type is OrderType.STOP else None,
            good_until=at + timedelta(minutes=proposal.good_for_bars),
            reason=plan.reason,
        )
        plan = replace(plan, entry_client_order_id=order.client_order_id)
        self._journal.books = with_order(with_plan(self._journal.books, plan), order)
        await self._send(order, at=at)

    async def leave(self, plan: TradePlan, quantity: Decimal, *, at: datetime) -> None:
        """Send an exit at the market for `quantity` of what the plan holds.

        RISK_012 for more than that: the bot never sells short. SYS_005 while the audit log can't be written.
        """
        self._require_log()
        verdict = check_exit(quantity, self._journal.books.held_for(plan.id))
        if isinstance(verdict, Refused):
            raise Fault(
                verdict.code, verdict.cause, context={"symbol": plan.symbol, "plan_id": plan.id, **verdict.figures}
            )
        order = self._order(plan, Leg.EXIT, quantity, at=at, order_type=OrderType.MARKET, reason=plan.exit_reason)
        self._journal.books = with_order(self._journal.books, order)
        await self._send(order, at=at)

    async def cancel(self, order: Order, *, at: datetime, reason: str) -> None:
        """Take an order back; what the venue says of it is what it becomes.

        That it is asked for, and why, is stored first: a kill in between does not lose the reason.
        """
        if order.status in WORKING:
            self._note(order, OrderStatus.PENDING_CANCEL, at=at, reason=reason)
        outcome = _plausible(await self._answer(self._venue.cancel(order.client_order_id)), order)
        match outcome:
            case Confirmed(order=seen):
                self._adopt(order, seen, at=at, reason=reason)
            case Rejected(code=code, reason=text):
                self._journal.books = with_order(self._journal.books, order)
                self._journal.commit()
                self._report(code, "The venue refused to cancel it.", order, text)
            case Unknown(reason=text):
                self._note(order, OrderStatus.PENDING_CANCEL, at=at, reason=reason)
                self._report("ORD_004", text, order)

    async def settle(self, *, at: datetime, may_enter: bool) -> None:
        """Look up every order whose state is not known, and make it known; one that can't be looked up does not hold up the others."""
        faults: list[Fault] = []
        for order in self._journal.books.live_orders:
            if order.status in UNSETTLED:
                try:
                    await self._settle(order, at=at, may_enter=may_enter)
                except Fault as fault:
                    faults.append(fault)
        self.doubt = next((fault for fault in faults if fault.code == "DATA_005"), None)
        if faults:
            raise faults[0]

    async def take_back(self, strays: Iterable[VenueOrder]) -> None:
        """Cancel orders of ours that work at the venue although they had ended here: a request that came late, or a lost record."""
        for stray in strays:
            await self._answer(self._venue.cancel(stray.client_order_id))
            context = {
                "symbol": capped(stray.symbol, 40),
                "client_order_id": capped(stray.client_order_id, 100),
                "order_id": capped(stray.order_id, 100),
            }
            cause = "It carries our prefix and works, but had ended here or is not known; it was asked to be cancelled."
            self._journal.report(Fault("ORD_009", cause, context=context).semantic(now=self._clock.now()))

    async def _settle(self, order: Order, *, at: datetime, may_enter: bool) -> None:
        seen = await self._venue.order(order.client_order_id)
        if seen is not None:
            problem = lie_in_order(seen, order)
            if problem is not None:
                raise Fault("DATA_005", problem, context={"client_order_id": order.client_order_id})
            asked = order.reason if order.status is OrderStatus.PENDING_CANCEL else None
            self._adopt(order, seen, at=at, reason=asked)
            if order.status is OrderStatus.PENDING_CANCEL and seen.status in (
                OrderStatus.ACCEPTED,
                OrderStatus.PARTIALLY_FILLED,
            ):
                await self.cancel(
                    self._journal.books.orders[order.client_order_id], at=at, reason=order.reason or "cancelled"
                )
        elif order.status is OrderStatus.PENDING_CANCEL:
            # "Not found" is not "cancelled": it stays live until the venue names it or an operator settles it.
            if order.client_order_id not in self._lost:
                self._lost.add(order.client_order_id)
                self._report("ORD_004", "The venue does not know the order that is being cancelled.", order)
        elif (
            self._venue.dedupes and at - order.created_at <= BAR_LENGTH and self._may_leave(order, may_enter=may_enter)
        ):
            await self._send(order, at=at)
        else:
            self._note(order, OrderStatus.EXPIRED, at=at, reason="never reached the venue")
            self._report("ORD_005", "The venue does not have it and the market has moved on.", order)

    def _may_leave(self, order: Order, *, may_enter: bool) -> bool:
        """Whether a lost order may be sent again: an exit always, an entry where a new one might."""
        books = self._journal.books
        plan = books.plans.get(order.plan_id)
        ends = plan is not None and plan.exit_reason is not None
        return order.leg is Leg.EXIT or (may_enter and not ends and books.suspended(order.symbol) is None)

    def _require_log(self) -> None:
        """Go on only while the audit log can be written: what can't be recorded must not leave, nor even be intended."""
        if self._journal.log_fault is not None:
            self._journal.drain()
        if self._journal.log_fault is not None:
            raise self._journal.log_fault

    async def _send(self, order: Order, *, at: datetime) -> None:
        """Make the intent durable, send it, and take in the answer."""
        self._journal.commit()
        if self._journal.log_fault is not None:
            raise self._journal.log_fault  # the order stays INTENDED, and is settled at the next bar
        outcome = _plausible(await self._answer(self._venue.place(_request(order))), order)
        match outcome:
            case Confirmed(order=seen):
                self._adopt(order, seen, at=at)
            case Rejected(code=code, reason=text):
                self._note(order, OrderStatus.REJECTED, at=at, reason=capped(f"venue: {text}", REASON_BYTES))
                self._report(
                    code, f"{order.side.name} {plain(order.quantity)} {order.symbol} was refused.", order, text
                )
            case Unknown(reason=text):
                self._note(order, OrderStatus.UNKNOWN, at=at)
                cause = f"Whether {order.side.name} {plain(order.quantity)} {order.symbol} was taken is not known."
                self._report("ORD_002", cause, order, text)

    async def _answer(self, call: Awaitable[Confirmed | Rejected | Unknown]) -> Confirmed | Rejected | Unknown:
        """The venue's answer; whatever goes wrong on the way is an unknown outcome, never a rejection."""
        try:
            return await asyncio.wait_for(call, ANSWER_SECONDS)
        except TimeoutError:
            return Unknown(reason=f"The venue did not answer within {ANSWER_SECONDS:.0f} s.")
        except Exception as error:  # noqa: BLE001 - the order may exist: only a look-up tells
            return Unknown(reason=f"The call to the venue failed ({type(error).__name__}).")

    def _adopt(self, order: Order, seen: VenueOrder, *, at: datetime, reason: str | None = None) -> None:
        ended = seen.status not in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)
        text = reason or (f"venue: {seen.reason}" if seen.reason else None)
        self._journal.books = with_status(
            self._journal.books,
            order.client_order_id,
            seen.status,
            at=at,
            venue_order_id=seen.order_id,
            filled=seen.filled,
            reason=capped(text, REASON_BYTES) if ended and text else None,
        )
        self._journal.commit()

    def _note(self, order: Order, status: OrderStatus, *, at: datetime, reason: str | None = None) -> None:
        self._journal.books = with_status(self._journal.books, order.client_order_id, status, at=at, reason=reason)
        self._journal.commit()

    def _report(self, code: str, cause: str, order: Order, venue_text: str | None = None) -> None:
        context = {
            "symbol": order.symbol,
            "client_order_id": order.client_order_id,
            "order_id": order.venue_order_id,
            "plan_id": order.plan_id,
            "quantity": plain(order.quantity),
        }
        if venue_text is not None:
            context["venue_text"] = capped(venue_text, 200)
        self._journal.report(Fault(code, cause, context=context).semantic(now=self._clock.now()))

    def _plan(self, proposal: EntryProposal, quantity: Decimal, *, at: datetime, session_id: str) -> TradePlan:
        return TradePlan(
            id=decision_id(self._config.bot_id, proposal.symbol, proposal.strategy_name, at),
            symbol=proposal.symbol,
            side=Side.BUY,
            strategy_name=proposal.strategy_name,
            entry_type=proposal.entry_type,
            entry_price=proposal.entry_price,
            stop_price=proposal.stop_price,
            target_price=proposal.target_price,
            size=ZERO,
            planned_size=quantity,
            status=PlanStatus.OPEN,
            reason=capped(proposal.reasoning, REASON_BYTES),
            indicators_used=tuple(proposal.indicators),
            entry_order_id=None,
            entry_client_order_id=None,
            exit_reason=None,
            version=1,
            session_id=session_id,
            config_version=self._config_version,
            config_hash=self._config_hash,
            opened_at=at,
            closed_at=None,
        )

    def _order(
        self,
        plan: TradePlan,
        leg: Leg,
        quantity: Decimal,
        *,
        at: datetime,
        order_type: OrderType,
        price: Decimal | None = None,
        stop_price: Decimal | None = None,
        good_until: datetime | None = None,
        reason: str | None = None,
    ) -> Order:
        attempt = len(self._journal.books.orders_of(plan.id, leg))
        key = ClientOrderId(
            prefix=self._config.client_order_prefix, bot=self._config.bot_id, plan_id=plan.id, leg=leg, attempt=attempt
        )
        return Order(
            client_order_id=str(key),
            venue_order_id=None,
            plan_id=plan.id,
            leg=leg,
            attempt=attempt,
            symbol=plan.symbol,
            side=Side.BUY if leg is Leg.ENTRY else Side.SELL,
            order_type=order_type,
            quantity=quantity,
            filled=ZERO,
            price=price,
            stop_price=stop_price,
            average_price=None,
            status=OrderStatus.INTENDED,
            reason=reason,
            good_until=good_until,
            created_at=at,
            updated_at=at,
        )


def _plausible(outcome: Confirmed | Rejected | Unknown, order: Order) -> Confirmed | Rejected | Unknown:
    """The outcome; a confirmation that can't be true is none."""
    if isinstance(outcome, Confirmed):
        problem = lie_in_order(outcome.order, order)
        if problem is not None:
            return Unknown(reason=problem)
    return outcome


def _request(order: Order) -> OrderRequest:
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        quantity=order.quantity,
        price=order.price,
        stop_price=order.stop_price,
    )
