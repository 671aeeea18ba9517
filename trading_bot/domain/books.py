"""Books: what the bot holds and has going, as one value, and how each thing that happens changes it.

Each function takes books and gives new ones; nothing else is touched. The journal writes what differs. Our position is the sum of our
fills; a fill is booked once, in whatever state its order is; a plan is closed when its entry can't fill any more and what it bought is
sold. A late fill may open it again: its trade then counts once, when it is closed for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.decisions import Decision
from trading_bot.domain.fills import UNATTRIBUTED, Fill, Liquidity
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import ZERO, rounded
from trading_bot.domain.orders import LIVE, Leg, Order, OrderStatus, Side, may_become
from trading_bot.domain.performance import Record
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.positions import Lot, Position, traded
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.suspensions import Suspension
from trading_bot.domain.trades import Outcome, Trade, trade_of

_PRICE_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the bot holds and has going."""

    bot_version: str
    """Version of the bot, written into its trades."""
    mode: TradingMode
    """PAPER or LIVE."""
    session: BotSession | None = None
    """The current trading session; null before the first bar."""
    account: Account | None = None
    """Money at the venue, as last seen."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    """What is held, by symbol."""
    orders: Mapping[str, Order] = field(default_factory=dict)
    """Live orders, and ended ones of open plans, by client order id."""
    plans: Mapping[str, TradePlan] = field(default_factory=dict)
    """Plans that are not closed, by id."""
    fills: Mapping[str, tuple[Fill, ...]] = field(default_factory=dict)
    """Booked fills of these plans, in venue order, by plan id."""
    trades: Mapping[str, Trade] = field(default_factory=dict)
    """Trades of these plans, by plan id."""
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    """Decisions that opened or end these plans, and new ones that did neither, by id."""
    record: Record = field(default_factory=Record)
    """Totals over closed trades."""
    suspensions: Mapping[str, Suspension] = field(default_factory=dict)
    """Symbols on which the venue holds something else than we do, by symbol."""

    def plan_of(self, symbol: str) -> TradePlan | None:
        """The plan of `symbol` that is not closed."""
        return next(iter(self.plans_of(symbol)), None)

    def plans_of(self, symbol: str) -> tuple[TradePlan, ...]:
        """All plans of `symbol` that are not closed: one, unless a late fill has opened another again."""
        return tuple(plan for plan in self.plans.values() if plan.symbol == symbol and plan.is_open)

    def suspended(self, symbol: str) -> str | None:
        """Why no entry may leave on `symbol`; null when one may."""
        known = self.suspensions.get(symbol)
        return known.explanation if known is not None and known.keeps_entries_off else None

    def orders_of(self, plan_id: str, leg: Leg) -> tuple[Order, ...]:
        """The known orders of one leg of a plan, by attempt."""
        found = [order for order in self.orders.values() if order.plan_id == plan_id and order.leg is leg]
        return tuple(sorted(found, key=lambda order: order.attempt))

    def held_for(self, plan_id: str) -> Decimal:
        """Shares or coins that the plan has bought and not sold."""
        booked = self.fills.get(plan_id, ())
        return sum((fill.quantity if fill.action is Side.BUY else -fill.quantity for fill in booked), ZERO)

    def is_repriced(self, symbol: str) -> bool:
        """Whether a corporate action changed price and quantity of `symbol`, and the books hold the old ones of both."""
        known = self.suspensions.get(symbol)
        return known is not None and known.is_corporate_action

    def sellable(self, plan: TradePlan, at_venue: Mapping[str, Decimal] | None) -> Decimal:
        """What of the plan an exit can sell in one order: what it holds, and not more than the venue has and no live sale takes already.

        `at_venue` is what the venue holds now, by symbol; null where that could not be read: then our books decide.
        """
        quantity = self.held_for(plan.id)
        if at_venue is not None:
            sales = (o for o in self.live_orders if o.symbol == plan.symbol and o.side is Side.SELL)
            taken = sum((order.remaining for order in sales), ZERO)
            quantity = min(quantity, at_venue.get(plan.symbol, ZERO) - taken)
        return instrument(plan.symbol).quantity(quantity)

    @property
    def live_orders(self) -> tuple[Order, ...]:
        """Orders that may still act, oldest first."""
        return tuple(
            sorted((o for o in self.orders.values() if o.is_live), key=lambda o: (o.created_at, o.client_order_id))
        )

    @property
    def committed(self) -> Decimal:
        """Worth of all positions, and of what live entries would still buy."""
        resting = (self._price_of(order) * order.remaining for order in self.live_orders if order.side is Side.BUY)
        return sum((abs(position.market_value) for position in self.positions.values()), ZERO) + sum(resting, ZERO)

    def _price_of(self, order: Order) -> Decimal:
        """What the order is expected to pay; a market order has no price of its own, but its plan has."""
        plan = self.plans.get(order.plan_id)
        return order.price or order.stop_price or (plan.entry_price if plan is not None else ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution that a venue reports, checked and ours."""

    id: str
    """The venue's id of it."""
    order_id: str
    """The venue's id of the order."""
    client_order_id: str
    """Our id of the order."""
    plan_id: str
    """The plan that the client order id names."""
    leg: Leg
    """The leg that it names."""
    symbol: str
    """Instrument symbol."""
    side: Side
    """BUY or SELL."""
    quantity: Decimal
    """Shares or coins, above zero."""
    price: Decimal
    """In the quote currency, above zero."""
    fee: Decimal
    """In the quote currency, zero or more."""
    liquidity: Liquidity | None
    """MAKER or TAKER, where the venue says."""
    timestamp: datetime
    """Venue time, UTC."""
    reason: str | None = None
    """Why it was traded, where neither plan nor order is to say it."""


def with_order(books: Books, order: Order) -> Books:
    """The books with `order` as it is now."""
    return replace(books, orders={**books.orders, order.client_order_id: order})


def with_plan(books: Books, plan: TradePlan) -> Books:
    """The books with `plan` as it is now."""
    return replace(books, plans={**books.plans, plan.id: plan})


def with_decision(books: Books, decision: Decision) -> Books:
    """The books with `decision` as it is now."""
    return replace(books, decisions={**books.decisions, decision.id: decision})


def with_status(
    books: Books,
    client_order_id: str,
    status: OrderStatus,
    *,
    at: datetime,
    venue_order_id: str | None = None,
    filled: Decimal = ZERO,
    reason: str | None = None,
) -> Books:
    """The books after the venue was seen to have an order in `status`; unchanged where the transition table forbids it.

    An end is taken only once the fills that the venue counts in it (`filled`; all of them for FILLED) are booked: until then the order
    counts as live, so that nothing else is sent in its place.
    """
    order = books.orders[client_order_id]
    owed = order.quantity if status is OrderStatus.FILLED else min(filled, order.quantity)
    if status not in LIVE and order.filled < owed:
        status = OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.ACCEPTED
    if order.status is OrderStatus.INTENDED and status is not OrderStatus.EXPIRED:
        order = replace(order, status=OrderStatus.SUBMITTED)  # the venue has it, so it was sent
    if not may_become(order.status, status):
        return books
    changed = replace(
        order,
        status=status,
        venue_order_id=venue_order_id or order.venue_order_id,
        reason=reason or order.reason,
    )
    if changed == books.orders[client_order_id]:
        return books
    books = with_order(books, replace(changed, updated_at=at))
    plan = books.plans.get(order.plan_id)
    if plan is not None and order.leg is Leg.ENTRY and plan.entry_order_id != changed.venue_order_id:
        books = with_plan(books, replace(plan, entry_order_id=changed.venue_order_id))
    return settled(books, order.plan_id, at=at)


def booked(books: Books, execution: Execution, *, recorded_at: datetime) -> Books:
    """The books after one execution. Its order and plan need not be known: it is booked all the same."""
    order = books.orders.get(execution.client_order_id)
    plan = books.plans.get(execution.plan_id)
    fill, lots = _valued(books, execution, recorded_at=recorded_at)
    # A late report takes its place in venue order, as the store reads them back.
    fills = tuple(sorted((*books.fills.get(execution.plan_id, ()), fill), key=lambda one: one.timestamp))
    books = replace(
        books,
        positions=_marked(books, execution, lots, plan),
        fills={**books.fills, execution.plan_id: fills},
        session=_session_after(books.session, fill),
    )
    if order is not None:
        books = with_order(books, _filled(order, execution))
    if plan is not None and execution.leg is Leg.ENTRY:
        # A late fill of an entry that had ended opens its plan again, so that its stop is watched.
        books = with_plan(
            books,
            replace(
                plan,
                size=plan.size + execution.quantity,
                status=_reopened(plan),
                closed_at=None,
                entry_order_id=plan.entry_order_id or execution.order_id,
            ),
        )
    return settled(books, execution.plan_id, at=execution.timestamp, recorded_at=recorded_at)


def settled(books: Books, plan_id: str, *, at: datetime, recorded_at: datetime | None = None) -> Books:
    """The books with the plan closed if it is over, and with its trade brought up to date."""
    plan = books.plans.get(plan_id)
    if plan is None:
        return books
    may_enter = any(order.is_live for order in books.orders_of(plan_id, Leg.ENTRY))
    if plan.is_open and not may_enter and books.held_for(plan_id) <= 0:
        plan = replace(plan, status=PlanStatus.CLOSED, closed_at=at)
        books = with_plan(books, plan)
    known = books.trades.get(plan_id)
    fills = books.fills.get(plan_id, ())
    stamp = recorded_at or (fills[-1].recorded_at if fills else at)
    account_id = books.account.account_id if books.account else None
    trade = trade_of(
        plan, fills, mode=books.mode, account_id=account_id, bot_version=books.bot_version, recorded_at=stamp
    )
    if trade is None or (known is not None and replace(trade, recorded_at=known.recorded_at) == known):
        return books
    books = replace(books, trades={**books.trades, plan_id: trade}, positions=_with_plan_in_position(books, plan))
    return _counted(_uncounted(books, known), trade)


def _counted(books: Books, trade: Trade) -> Books:
    """The totals with `trade`, where it is closed."""
    if trade.outcome is Outcome.OPEN:
        return books
    return replace(books, record=books.record.with_trade(trade), session=_with_trades(books.session, 1))


def _uncounted(books: Books, known: Trade | None) -> Books:
    """The totals without a trade as it was known, where it was closed: a late fill changes it or opens it again."""
    if known is None or known.exit_timestamp is None:
        return books
    session = books.session
    if session is not None and known.exit_timestamp >= session.created_at:  # an earlier session keeps its count
        session = _with_trades(session, -1)
    return replace(books, record=books.record.without_trade(known), session=session)


def _with_trades(session: BotSession | None, more: int) -> BotSession | None:
    return replace(session, total_trades=session.total_trades + more) if session else None


def marked(books: Books, bars: tuple[Bar, ...], *, at: datetime) -> Books:
    """The books with the positions at the latest prices; after a corporate action the old price goes with the old quantity."""
    positions = dict(books.positions)
    for bar in bars:
        if bar.symbol in positions and not books.is_repriced(bar.symbol):
            positions[bar.symbol] = replace(positions[bar.symbol], current_price=bar.close, last_updated=at)
    return replace(books, positions=positions)


def pruned(books: Books) -> Books:
    """The books without what is over: closed plans, their orders, fills and trades, and orders that nothing needs."""
    plans = {plan.id: plan for plan in books.plans.values() if plan.is_open}
    return replace(
        books,
        plans=plans,
        orders={key: order for key, order in books.orders.items() if order.status in LIVE or order.plan_id in plans},
        fills={key: fills for key, fills in books.fills.items() if key in plans},
        trades={key: trade for key, trade in books.trades.items() if key in plans},
        decisions={key: decision for key, decision in books.decisions.items() if decision.plan_id in plans},
        positions={symbol: position for symbol, position in books.positions.items() if position.lots},
    )


def _valued(books: Books, execution: Execution, *, recorded_at: datetime) -> tuple[Fill, tuple[Lot, ...]]:
    """The execution as a fill with its cash value and result, and the symbol's lots after it."""
    cash_step = instrument(execution.symbol).cash_step
    value = rounded(execution.quantity * execution.price, cash_step)
    held = books.positions.get(execution.symbol)
    lots = held.lots if held else ()
    lots, realized = traded(
        lots, quantity=execution.quantity, value=value, is_sale=execution.side is Side.SELL, cash_step=cash_step
    )
    fill = Fill(
        id=execution.id,
        trade_id=execution.plan_id,
        order_id=execution.order_id,
        client_order_id=execution.client_order_id,
        symbol=execution.symbol,
        action=execution.side,
        quantity=execution.quantity,
        price=execution.price,
        value=value,
        fee=execution.fee,
        liquidity=execution.liquidity,
        realized_pnl=realized,
        reason=_reason(books, execution),
        timestamp=execution.timestamp,
        recorded_at=recorded_at,
        session_id=books.session.id if books.session else None,
    )
    return fill, lots


def _reason(books: Books, execution: Execution) -> str:
    order = books.orders.get(execution.client_order_id)
    plan = books.plans.get(execution.plan_id)
    if execution.reason is not None:
        return execution.reason
    if plan is not None and execution.leg is Leg.EXIT and plan.exit_reason:
        return plan.exit_reason
    if order is not None and order.reason:
        return order.reason
    return plan.reason if plan is not None else UNATTRIBUTED


def _marked(books: Books, execution: Execution, lots: tuple[Lot, ...], plan: TradePlan | None) -> dict[str, Position]:
    held = books.positions.get(execution.symbol)
    position = (
        replace(held, lots=lots)
        if held
        else Position(
            symbol=execution.symbol,
            lots=lots,
            current_price=execution.price,
            last_updated=execution.timestamp,
            plan=plan,
        )
    )
    return {**books.positions, execution.symbol: position}


def _with_plan_in_position(books: Books, plan: TradePlan) -> Mapping[str, Position]:
    held = books.positions.get(plan.symbol)
    if held is None or not (plan.is_open or (held.plan is not None and held.plan.id == plan.id)):
        return books.positions
    # What is still held when its plan is over (bought by nobody knows whom) belongs to no plan.
    return {**books.positions, plan.symbol: replace(held, plan=plan if plan.is_open else None)}


def _session_after(session: BotSession | None, fill: Fill) -> BotSession | None:
    if session is None:
        return None
    return replace(
        session, gross_pnl=session.gross_pnl + (fill.realized_pnl or ZERO), total_fees=session.total_fees + fill.fee
    )


def _filled(order: Order, execution: Execution) -> Order:
    filled = order.filled + execution.quantity
    paid = (order.average_price or ZERO) * order.filled + execution.price * execution.quantity
    status = order.status
    if filled >= order.quantity:
        status = OrderStatus.FILLED
    elif status in (OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.UNKNOWN):
        status = OrderStatus.PARTIALLY_FILLED
    return replace(
        order,
        filled=filled,
        average_price=rounded(paid / filled, _PRICE_STEP).normalize() + ZERO,
        status=status,
        venue_order_id=execution.order_id,
        updated_at=execution.timestamp,
    )


def _reopened(plan: TradePlan) -> PlanStatus:
    return PlanStatus.OPEN if plan.status is PlanStatus.CLOSED else plan.status
