"""Books: what the exchange knows between two moves of its clock, held in memory and written through to the ledger."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from trading_bot.calendar import last_sessions, session_day
from trading_bot.domain.fills import Liquidity
from trading_bot.domain.instruments import AssetClass, Instrument, instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import ZERO, rounded
from trading_bot.domain.orders import LIVE, OrderStatus, Side
from trading_bot.venues.venue import VenueFill, VenueOrder

_SESSIONS_COUNTED = 5
_PRICE_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """An order with what only the exchange needs to know of it."""

    order: VenueOrder
    """As everybody sees it."""
    number: int
    """Counts all orders, from 1; earlier ones are matched first."""
    hold_price: Decimal
    """What a share or coin of it may cost, by which cash is held back; zero for sells."""
    expires_at: datetime | None
    """Close of its session; null for crypto, which has none."""
    is_triggered: bool
    """Whether its stop price has traded."""
    paid: Decimal
    """Sum of price x quantity over its fills, exact."""

    @property
    def remaining(self) -> Decimal:
        """Still to be filled."""
        return self.order.quantity - self.order.filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the account has of one symbol."""

    quantity: Decimal
    """Shares or coins, above zero."""
    opened_on: date
    """The session in which it was last bought from nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a fill costs."""

    per_value: Decimal
    """As a share of its value."""
    per_unit: Decimal
    """For each share or coin."""

    def of(self, *, value: Decimal, quantity: Decimal, cash_step: Decimal) -> Decimal:
        """Rounded to the cash step."""
        return rounded(value * self.per_value + quantity * self.per_unit, cash_step)


@dataclass(slots=True, kw_only=True)
class Books:
    """Cash, holdings and live orders at one moment of venue time.

    The methods keep what must stay true (nothing negative, cash equal to what was paid) and note what changed, for the ledger to write.
    """

    clock: datetime
    """Venue time."""
    last_minute: datetime | None
    """When the last minute began that the clock moved over; null before the first."""
    cash: Decimal
    """In the quote currency."""
    order_count: int
    """Orders ever taken."""
    fill_count: int
    """Executions ever made."""
    orders: dict[str, WorkingOrder] = field(default_factory=dict)
    """Live orders by client id, oldest first."""
    holdings: dict[str, Holding] = field(default_factory=dict)
    """By symbol."""
    last_bars: dict[str, Bar] = field(default_factory=dict)
    """The latest bar of each symbol."""
    day_trades: list[tuple[date, str]] = field(default_factory=list)
    """Session and symbol of each day trade of the sessions that count, oldest first."""
    changed_orders: dict[str, WorkingOrder] = field(default_factory=dict)
    """To be written."""
    new_fills: list[VenueFill] = field(default_factory=list)
    """To be written."""
    changed_symbols: set[str] = field(default_factory=set)
    """Whose holding is to be written."""
    new_bars: list[Bar] = field(default_factory=list)
    """To be written."""
    new_day_trades: list[tuple[date, str]] = field(default_factory=list)
    """To be written."""

    def held(self, symbol: str) -> Decimal:
        """Shares or coins in the account."""
        holding = self.holdings.get(symbol)
        return holding.quantity if holding else ZERO

    def promised(self, symbol: str) -> Decimal:
        """Shares or coins that live sells will deliver."""
        sells = (working for working in self.orders.values() if working.order.symbol == symbol)
        return sum((working.remaining for working in sells if working.order.side is Side.SELL), ZERO)

    def equity(self) -> Decimal:
        """Cash plus the worth of all holdings at their last price."""
        worth = ZERO
        for symbol, holding in self.holdings.items():
            worth += rounded(holding.quantity * self.last_bars[symbol].close, instrument(symbol).cash_step)
        return self.cash + worth

    def buying_power(self, fees: Fees) -> Decimal:
        """Cash that no resting buy holds back, zero or more."""
        return max(self.cash - sum((self._held_back(working, fees) for working in self.orders.values()), ZERO), ZERO)

    def day_trade_count(self) -> int:
        """Day trades of the last five sessions, today's included."""
        oldest = counted_from(self.clock)
        return sum(1 for day, _ in self.day_trades if day >= oldest)

    def see(self, bar: Bar) -> None:
        """Take the latest bar of a symbol."""
        self.last_bars[bar.symbol] = bar
        self.new_bars.append(bar)

    def put(self, working: WorkingOrder) -> None:
        """Take an order in, or as it is now."""
        client_order_id = working.order.client_order_id
        self.changed_orders[client_order_id] = working
        if working.order.status in LIVE:
            self.orders[client_order_id] = working
        else:
            self.orders.pop(client_order_id, None)

    def end(self, working: WorkingOrder, status: OrderStatus, reason: str, at: datetime) -> VenueOrder:
        """End an order before it is wholly filled; what was filled stays."""
        order = replace(working.order, status=status, reason=reason, updated_at=at)
        self.put(replace(working, order=order))
        return order

    def book(  # one execution has that many sides
        self,
        working: WorkingOrder,
        *,
        quantity: Decimal,
        price: Decimal,
        liquidity: Liquidity,
        at: datetime,
        fees: Fees,
    ) -> WorkingOrder:
        """Execute a part of an order: fill, cash, holding and order together. ValueError for what can't be."""
        order = working.order
        known = instrument(order.symbol)
        cost = _cost(known, order.side, quantity, price, fees)
        if self.cash + cost.cash_effect < 0 or (order.side is Side.SELL and quantity > self.held(order.symbol)):
            msg = f"Expected cash and holding to cover {order.order_id}, cash {self.cash}, held {self.held(order.symbol)}."
            raise ValueError(msg)
        self.fill_count += 1
        self.cash += cost.cash_effect
        self.new_fills.append(
            VenueFill(
                id=f"f-{self.fill_count:06}",
                order_id=order.order_id,
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                quantity=quantity,
                price=price,
                fee=cost.fee,
                liquidity=liquidity,
                timestamp=at,
            )
        )
        self._move_holding(known, order.side, quantity, session_day(known.asset_class, at))
        filled = order.filled + quantity
        paid = working.paid + price * quantity
        order = replace(
            order,
            filled=filled,
            average_price=average(paid, filled),
            status=OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIALLY_FILLED,
            updated_at=at,
        )
        working = replace(working, order=order, paid=paid)
        self.put(working)
        return working

    def affordable(self, known: Instrument, wanted: Decimal, price: Decimal, fees: Fees) -> Decimal:
        """The largest quantity up to `wanted` that cash pays for at `price`, fees included."""
        if -_cost(known, Side.BUY, wanted, price, fees).cash_effect <= self.cash:
            return wanted
        each = price + price * fees.per_value + fees.per_unit
        quantity = known.quantity(self.cash / each)
        if -_cost(known, Side.BUY, quantity, price, fees).cash_effect > self.cash:
            # Value and fee were each rounded up, by less than a cash step together with the fee on that.
            quantity = known.quantity((self.cash - 2 * known.cash_step) / each)
        return min(quantity, wanted)

    def written(self) -> None:
        """Forget what was to be written."""
        self.changed_orders.clear()
        self.new_fills.clear()
        self.changed_symbols.clear()
        self.new_bars.clear()
        self.new_day_trades.clear()

    def _held_back(self, working: WorkingOrder, fees: Fees) -> Decimal:
        if working.order.side is Side.SELL:
            return ZERO
        return needed(working.order.symbol, working.remaining, working.hold_price, fees)

    def _move_holding(self, known: Instrument, side: Side, quantity: Decimal, day: date) -> None:
        symbol = known.symbol
        before = self.holdings.get(symbol)
        self.changed_symbols.add(symbol)
        if side is Side.BUY:
            held, opened_on = (before.quantity, before.opened_on) if before else (ZERO, day)
            self.holdings[symbol] = Holding(quantity=held + quantity, opened_on=opened_on)
        elif before and before.quantity > quantity:
            self.holdings[symbol] = replace(before, quantity=before.quantity - quantity)
        elif before:
            del self.holdings[symbol]
            if known.asset_class is AssetClass.EQUITY and before.opened_on == day:
                oldest = counted_from(self.clock)
                self.day_trades = [*(trade for trade in self.day_trades if trade[0] >= oldest), (day, symbol)]
                self.new_day_trades.append((day, symbol))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """Both effects of an execution on cash."""

    fee: Decimal
    cash_effect: Decimal


def counted_from(clock: datetime) -> date:
    """The earliest session whose day trades count at venue time `clock`."""
    return last_sessions(session_day(AssetClass.EQUITY, clock), _SESSIONS_COUNTED)[-1]


def average(paid: Decimal, filled: Decimal) -> Decimal | None:
    """Mean price of the fills, at most 8 decimals; null before the first."""
    if not filled:
        return None
    return (paid / filled).quantize(_PRICE_STEP, rounding=ROUND_HALF_EVEN).normalize() + ZERO


def needed(symbol: str, quantity: Decimal, price: Decimal, fees: Fees) -> Decimal:
    """Cash that a buy takes at `price`, fee included."""
    return -_cost(instrument(symbol), Side.BUY, quantity, price, fees).cash_effect


def _cost(known: Instrument, side: Side, quantity: Decimal, price: Decimal, fees: Fees) -> _Cost:
    value = rounded(quantity * price, known.cash_step)
    fee = fees.of(value=value, quantity=quantity, cash_step=known.cash_step)
    if side is Side.BUY:
        return _Cost(fee=fee, cash_effect=-value - fee)
    fee = min(fee, value)  # a sale of next to nothing must not leave the account in debt
    return _Cost(fee=fee, cash_effect=value - fee)
