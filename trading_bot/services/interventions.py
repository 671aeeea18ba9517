"""Interventions: an operator closes positions, cancels orders, moves stops and targets, or settles what differs from the venue.

Each is taken one step further whenever commands are obeyed, until what was asked for is verified.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading_bot.calendar import is_open
from trading_bot.clock import Clock
from trading_bot.domain.books import Books, settled, with_order, with_status
from trading_bot.domain.commands import Command, CommandKind
from trading_bot.domain.comparison import adopted, ignored
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_versions import InForce
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.fills import ADOPTED
from trading_bot.domain.health import MAY_EXIT, RunState
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import parse_decimal, plain
from trading_bot.domain.orders import LIVE, Leg, Order, OrderStatus
from trading_bot.domain.plans import PlanStatus, TradePlan, with_levels
from trading_bot.domain.suspensions import Suspension
from trading_bot.errors.fault import Fault
from trading_bot.services.counts import Counts, counted
from trading_bot.services.journal import Journal
from trading_bot.services.order_desk import OrderDesk
from trading_bot.services.plan_monitor import PlanMonitor
from trading_bot.services.plausibility import lie_in_order, lie_in_price
from trading_bot.services.reconciliation import Reconciliation
from trading_bot.store import fills
from trading_bot.store.store import Store
from trading_bot.venues.venue import Venue, VenueOrder

_NOT_COUNTED: Mapping[str, Any] = {"fills": {}, "orders": {}, "positions": {}, "ignored": []}
# A live order of ours, and what the venue says of it; null where it does not know it.
_Seen = tuple[Order, VenueOrder | None]

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far an intervention has come."""

    waiting_for: Mapping[str, Any] = field(default_factory=dict)
    """What still stands in the way; empty when nothing does."""
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """What was verified, once nothing does."""


class Interventions:
    """Carries out what an operator wants done to positions, orders and differences."""

    def __init__(
        self,
        *,
        store: Store,
        venue: Venue,
        journal: Journal,
        desk: OrderDesk,
        monitor: PlanMonitor,
        reconciliation: Reconciliation,
        config: BotConfig,
        clock: Clock,
    ) -> None:
        self._store = store
        self._venue = venue
        self._journal = journal
        self._desk = desk
        self._monitor = monitor
        self._reconciliation = reconciliation
        self._config = config
        self._clock = clock
        self._tried: dict[str, datetime] = {}

    def take_on(self, in_force: InForce) -> None:
        """Count under this configuration from now on."""
        self._config = in_force.config

    async def take(self, command: Command, *, at: datetime | None, run_state: RunState) -> Step:
        """Take the command one step further at venue time `at`. BOT_003 where the state or the books don't allow it."""
        if at is None or run_state is RunState.STARTING:
            return Step(waiting_for={"runState": run_state.name})
        match command.kind:
            case CommandKind.CLOSE_POSITIONS:
                _require_sending(run_state)
                return self._close(command, at=at)
            case CommandKind.CANCEL_ORDERS:
                _require_sending(run_state)
                return await self._cancel(command, at=at)
            case CommandKind.UPDATE_TARGETS:
                return self._move(command)
            case CommandKind.RECONCILE:
                return await self._reconcile(command, at=at)
            case _:
                raise Fault("BOT_003", f"{command.kind.name} is no intervention.")

    def _close(self, command: Command, *, at: datetime) -> Step:
        """Mark the plans of the named symbols; the loop drives their exits, once the market is open."""
        symbols = _texts(command, "symbols")
        for symbol in symbols:
            for plan in self._journal.books.plans_of(symbol):
                self._monitor.close(plan, closing_reason(command))
        self._journal.commit()
        books = self._journal.books
        held = {
            s: plain(books.positions[s].quantity) for s in symbols if s in books.positions and books.positions[s].lots
        }
        live = [order.client_order_id for order in books.live_orders if order.symbol in symbols]
        if not held and not live:
            return Step(outcome={"closed": list(symbols), "held": {}})
        shut = [symbol for symbol in held if not is_open(instrument(symbol).asset_class, at)]
        waiting = {"positions": held, "liveOrders": live, "marketClosed": shut}
        return Step(waiting_for={name: what for name, what in waiting.items() if what})

    async def _cancel(self, command: Command, *, at: datetime) -> Step:
        """Cancel what is live of the named orders, once a bar; a cancelled exit leaves its plan held and watched."""
        wanted = set(_texts(command, "orderIds"))
        first = command.id not in self._tried
        if first or self._tried[command.id] < at:
            self._tried[command.id] = at
            for order in self._named(wanted):
                if order.is_live:
                    await self._desk.cancel(order, at=at, reason=f"cancelled by command: {command.reason}")
        left = [order.client_order_id for order in self._named(wanted) if order.is_live]
        for order in self._named(wanted):
            plan = self._journal.books.plans.get(order.plan_id)
            if order.leg is Leg.EXIT and not order.is_live and plan is not None and plan.is_open:
                self._monitor.keep(plan)
        self._journal.commit()
        if left:
            return Step(waiting_for={"liveOrders": left})
        del self._tried[command.id]
        return Step(outcome={"orderIds": sorted(wanted), "live": []})

    def _move(self, command: Command) -> Step:
        """Move stop and target of the open plan on a symbol: first what they are is stored with the command, then they are moved.

        So they can be moved back, also when the bot is killed in between. Taken twice, it moves nothing the second time.
        """
        symbol = str(command.parameters.get("symbol", ""))[:40]
        books = self._journal.books
        plan = next((plan for plan in books.plans_of(symbol) if plan.is_open), None)
        if plan is None:
            raise Fault("QRY_005", f"There is no open plan on `{symbol}`.", context={"symbol": symbol})
        stop, target = (_price(command, name) for name in ("stop", "target"))
        position = books.positions.get(symbol)
        if position is not None and position.lots:
            _require_apart(stop, target, price=position.current_price)
        before = (command.outcome or {}).get("waitingFor")
        if not before:
            return Step(waiting_for={"stopBefore": _shown(plan.stop_price), "targetBefore": _shown(plan.target_price)})
        moved = self._monitor.move(plan.id, reason=command.reason, stop=stop, target=target, by_operator=True)
        levels = {"stop": _shown(moved.stop_price), "target": _shown(moved.target_price), **before}
        return Step(outcome={"planId": plan.id, "symbol": symbol, "version": moved.version, **levels})

    def _named(self, wanted: set[str]) -> tuple[Order, ...]:
        return tuple(
            order for order in self._journal.books.orders.values() if wanted & {order.client_order_id, order.order_id}
        )

    async def _reconcile(self, command: Command, *, at: datetime) -> Step:
        """Compare; adopt or ignore the difference on one symbol, where that is asked for, and compare again."""
        await self._reconciliation.compare(at=at)
        action, symbol = command.parameters.get("action"), str(command.parameters.get("symbol", ""))
        if action is not None:
            if symbol not in self._journal.books.suspensions:
                raise Fault("BOT_003", f"Books and venue agree on {symbol[:20]}.", context={"symbol": symbol[:40]})
            _require_no_short_sale(self._journal.books.suspensions[symbol], action=str(action))
            # The venue is read first: what is settled is committed with the command's end, so that it is done once.
            orders = await self._looked_up(symbol)
            if action == "adopt":
                await self._adopt(command, symbol, orders, at=at)
            else:
                self._journal.books = ignored(self._journal.books, symbol, reason=capped(command.reason, REASON_BYTES))
            self._give_up(orders, at=at)
            return Step(outcome=await self._counts_or_why())
        return Step(outcome=(await self._counts()).outcome())

    async def _adopt(self, command: Command, symbol: str, orders: Sequence[_Seen], *, at: datetime) -> None:
        books = self._journal.books
        known = books.suspensions[symbol]
        _require_adoptable(symbol, known.difference, negative=known.theirs < 0)
        _require_nothing_owed(symbol, orders)
        quote = await self._venue.quote(symbol)
        lie = lie_in_price(quote, symbol)
        if lie is not None:
            raise Fault("DATA_005", lie, context={"symbol": symbol})
        price = quote.price
        caretaker = self._reconciliation.caretaker(
            command.id, symbol, name=ADOPTED, price=price, reason=command.reason, at=at
        )
        if "stop" in command.parameters:
            caretaker = _watched(caretaker, str(command.parameters["stop"]), price=price)
        self._journal.books = adopted(
            books, caretaker, fill_id=f"{ADOPTED}-{command.id}", price=price, at=at, now=self._clock.now()
        )

    async def _looked_up(self, symbol: str) -> tuple[_Seen, ...]:
        """Every live order on the symbol, and what the venue says of it."""
        live = [order for order in self._journal.books.live_orders if order.symbol == symbol]
        found = tuple([(order, await self._venue.order(order.client_order_id)) for order in live])
        for order, seen in found:
            lie = lie_in_order(seen, order) if seen is not None else None
            if lie is not None:
                raise Fault("DATA_005", lie, context={"client_order_id": order.client_order_id})
        return found

    def _give_up(self, orders: Iterable[_Seen], *, at: datetime) -> None:
        """Live orders on a settled symbol end as the venue says, whatever fills it owes; one that it does not know has expired."""
        for order, seen in orders:
            self._journal.books = _ended(self._journal.books, order, seen, at=at)

    async def _counts_or_why(self) -> Mapping[str, Any]:
        """The counts; where the venue can't be read, why not: what was settled stays settled."""
        try:
            return (await self._counts()).outcome()
        except Fault as fault:
            return {**_NOT_COUNTED, "differs": [f"not counted: {fault.cause}"], "differences": 1}
        except Exception as error:  # noqa: BLE001 - whatever a venue does, it was settled
            return {**_NOT_COUNTED, "differs": [f"not counted ({type(error).__name__})"], "differences": 1}

    async def _counts(self) -> Counts:
        """Everything here against everything at the venue."""
        with self._store.reading(self._journal.bot_id) as r:
            booked = fills.known_fill_ids(r, _EVER)
        return counted(
            self._config,
            self._journal.books,
            booked=booked,
            fills=await self._venue.fills_since(_EVER),
            orders=await self._venue.open_orders(),
            positions=await self._venue.positions(),
        )


def closing_reason(command: Command) -> str:
    """Why a plan is exited that the command closes."""
    return capped(f"closed by command: {command.reason}", REASON_BYTES)


def _shown(price: Decimal | None) -> str | None:
    return None if price is None else plain(price)


def _price(command: Command, name: str) -> Decimal | None:
    """A price among the command's parameters; null where it is left out."""
    given = command.parameters.get(name)
    if given is None:
        return None
    try:
        price = parse_decimal(str(given))
    except ValueError as error:
        raise Fault("ORD_010", f"{name}: {error}") from None
    if price <= 0:
        raise Fault("ORD_010", f"The {name} has to stand above zero, was {plain(price)}.", context={name: plain(price)})
    return price


def _require_apart(stop: Decimal | None, target: Decimal | None, *, price: Decimal) -> None:
    """What would end the plan at once is no stop and no target: that is what closing is for."""
    figures = {"price": plain(price)}
    if stop is not None and stop >= price:
        raise Fault("ORD_010", f"The stop has to stand below the price of {plain(price)}.", context=figures)
    if target is not None and target <= price:
        raise Fault("ORD_010", f"The target has to stand above the price of {plain(price)}.", context=figures)


def _require_sending(run_state: RunState) -> None:
    if run_state not in MAY_EXIT:
        cause = f"The bot is {run_state.name} and sends nothing; start it first."
        raise Fault("BOT_003", cause, context={"runState": run_state.name})


def _require_no_short_sale(known: Suspension, *, action: str) -> None:
    """What was sold and not held is ours to make good: it is adopted once the venue is not short any more, never ignored."""
    if known.ours < 0 and (action != "adopt" or known.theirs < 0):
        cause = "More was sold than held, which is not foreign: buy back what the venue is short of, then adopt."
        raise Fault("BOT_003", cause, context={"symbol": known.symbol[:40], "ours": plain(known.ours)})


def _require_adoptable(symbol: str, difference: Decimal, *, negative: bool) -> None:
    """Only what the bot could have traded itself can become a position of its own."""
    try:
        known = instrument(symbol)
    except ValueError as error:
        raise Fault("BOT_003", f"It can't be adopted, only ignored. {error}", context={"symbol": symbol[:40]}) from None
    if negative or abs(difference) > known.max_quantity or difference % known.quantity_step:
        cause = f"A difference of {plain(difference)} can't be adopted, only ignored: the bot holds no such quantity."
        raise Fault("BOT_003", cause, context={"symbol": symbol[:40], "difference": plain(difference)})


def _ended(books: Books, order: Order, seen: VenueOrder | None, *, at: datetime) -> Books:
    """The books with `order` ended where the venue says so; a fill that it owes is booked whenever it comes."""
    status = seen.status if seen is not None else OrderStatus.EXPIRED
    reason = "settled by an operator"
    if status is OrderStatus.FILLED:
        return settled(
            with_order(books, replace(order, status=status, reason=reason, updated_at=at)), order.plan_id, at=at
        )
    if status in LIVE:
        return books
    return with_status(books, order.client_order_id, status, at=at, reason=reason)


def _require_nothing_owed(symbol: str, orders: Iterable[_Seen]) -> None:
    """A fill that is still to be reported may be the whole difference: adopted now, it would be booked twice."""
    owing = [order.client_order_id for order, seen in orders if seen is not None and seen.filled > order.filled]
    if owing:
        cause = "The venue has filled more of our orders than it has reported; wait for the fills, or ignore it first."
        raise Fault("BOT_003", cause, context={"symbol": symbol[:40], "orders": owing[:20]})


def _watched(caretaker: TradePlan, stop: str, *, price: Decimal) -> TradePlan:
    """The caretaker with a stop that is armed at once."""
    try:
        wanted = parse_decimal(stop)
    except ValueError as error:
        raise Fault("ORD_010", str(error)) from None
    if not 0 < wanted < price:
        figures = {"stop": plain(wanted), "was": plain(price)}
        raise Fault(
            "ORD_010", f"The stop has to stand above zero and below the price of {plain(price)}.", context=figures
        )
    armed = with_levels(caretaker, stop=wanted, target=None)
    return replace(armed, status=PlanStatus.OPEN)


def _texts(command: Command, name: str) -> tuple[str, ...]:
    """A list of texts among the command's parameters, each once."""
    given = command.parameters.get(name)
    if not isinstance(given, Iterable) or isinstance(given, str) or not given:
        raise Fault("BOT_003", f"{command.kind.name} needs a list of {name}.")
    return tuple(dict.fromkeys(str(item) for item in given))
