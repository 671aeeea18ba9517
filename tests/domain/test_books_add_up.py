"""Whatever happens, the books add up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_bar, sample_order, sample_plan, sample_session
from trading_bot.domain.account import TradingMode
from trading_bot.domain.books import (
    Books,
    Execution,
    booked,
    marked,
    pruned,
    with_order,
    with_plan,
    with_status,
)
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Leg, OrderStatus, Side, plan_id_from
from trading_bot.domain.sessions import equity
from trading_bot.domain.trades import Outcome

SESSION = sample_session()
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "buy", "buy", "cancel", "leave", "sell", "sell", "stray", "mark", "prune"]),
        st.sampled_from(["ACME", "ACME", "BTC/USD"]),
        st.integers(1, 100),
        st.decimals("1", 400, places=2),
        st.decimals(0, 3, places=2),
    ),
    max_size=40,
)


class Venue:
    """Plays a venue that does whatever it is told, and keeps cash of its own."""

    def __init__(self) -> None:
        self.books = Books(bot_version="1.0.0", mode=TradingMode.PAPER, session=SESSION)
        self.cash = SESSION.starting_capital
        self.held: dict[str, Decimal] = {}
        self.plans: dict[str, str] = {}
        self.count = 0

    def do(self, what: str, symbol: str, size: int, price: Decimal, fee: Decimal) -> None:
        self.count += 1
        plan = self.plans.get(symbol)
        now = NOON + timedelta(minutes=self.count)
        quantity = instrument(symbol).quantity(Decimal(size) if symbol == "ACME" else Decimal(size) / 7)
        known = plan is not None and plan in self.books.plans
        if what == "enter" and self.books.plan_of(symbol) is None:
            self._enter(symbol, quantity)
        elif what == "buy" and plan is not None and known:
            self._execute(plan, Leg.ENTRY, symbol, quantity=quantity, price=price, fee=fee, at=now)
        elif what == "cancel" and plan is not None and f"{plan}-E" in self.books.orders:
            self.books = with_status(self.books, f"{plan}-E", OrderStatus.CANCELLED, at=now)
        elif what == "leave" and plan is not None and known and self.books.held_for(plan) > 0:
            self._leave(plan, symbol)
        elif what == "sell" and plan is not None and f"{plan}-X0" in self.books.orders and known:
            held = self.books.held_for(plan)
            most = held if size % 2 else min(held, quantity)  # often all of it, so that plans end
            if most > 0:
                self._execute(plan, Leg.EXIT, symbol, quantity=most, price=price, fee=fee, at=now)
        elif what == "stray":
            self._execute(
                plan_id_from(f"stray{self.count:03}".encode()),
                Leg.ENTRY,
                symbol,
                quantity=quantity,
                price=price,
                fee=fee,
                at=now,
            )
        elif what == "mark":
            self.books = marked(
                self.books, (sample_bar(symbol=symbol, open=price, high=price, low=price, close=price),), at=now
            )
        elif what == "prune":
            self.books = pruned(self.books)

    def _enter(self, symbol: str, quantity: Decimal) -> None:
        plan = plan_id_from(f"{self.count:08}".encode())
        self.plans[symbol] = plan
        self.books = with_plan(self.books, sample_plan(id=plan, symbol=symbol, entry_client_order_id=f"{plan}-E"))
        order = sample_order(client_order_id=f"{plan}-E", plan_id=plan, symbol=symbol, quantity=quantity)
        self.books = with_order(self.books, order)

    def _leave(self, plan: str, symbol: str) -> None:
        self.books = with_plan(self.books, replace(self.books.plans[plan], exit_reason="stop"))
        order = sample_order(
            client_order_id=f"{plan}-X{len(self.books.orders_of(plan, Leg.EXIT))}",  # no two orders have one id
            plan_id=plan,
            symbol=symbol,
            leg=Leg.EXIT,
            side=Side.SELL,
            quantity=self.books.held_for(plan),
        )
        self.books = with_order(self.books, order)

    def _execute(
        self, plan: str, leg: Leg, symbol: str, *, quantity: Decimal, price: Decimal, fee: Decimal, at: datetime
    ) -> None:
        attempts = self.books.orders_of(plan, leg)
        one = Execution(
            id=f"x-{self.count}",
            order_id=f"v-{plan}",
            client_order_id=attempts[-1].client_order_id if attempts else f"{plan}-stray",
            plan_id=plan,
            leg=leg,
            symbol=symbol,
            side=Side.BUY if leg is Leg.ENTRY else Side.SELL,
            quantity=quantity,
            price=price,
            fee=fee,
            liquidity=None,
            timestamp=at,
        )
        self.books = booked(self.books, one, recorded_at=at)
        value = (quantity * price).quantize(instrument(symbol).cash_step)
        sign = 1 if leg is Leg.ENTRY else -1
        self.cash -= sign * value + fee
        self.held[symbol] = self.held.get(symbol, ZERO) + sign * quantity


@given(STEPS)
def test_cash_and_positions_are_start_and_results_less_fees_after_every_step(
    steps: Sequence[tuple[str, str, int, Decimal, Decimal]],
) -> None:
    venue = Venue()
    for step in steps:
        venue.do(*step)
        books = venue.books
        positions = books.positions.values()
        assert books.session is not None
        assert books.session.capital == venue.cash + sum((p.cost for p in positions), ZERO)
        assert equity(books.session, positions) == venue.cash + sum((p.market_value for p in positions), ZERO)
        assert {s: p.quantity for s, p in books.positions.items() if p.lots} == {
            s: q for s, q in venue.held.items() if q
        }


@given(STEPS)
@example(
    [
        (what, "ACME", size, Decimal(100), ZERO)
        for what, size in (("enter", 8), ("buy", 8), ("leave", 8), ("sell", 2), ("leave", 8), ("sell", 3))
    ]
)
def test_orders_plans_trades_and_totals_agree_after_every_step(
    steps: Sequence[tuple[str, str, int, Decimal, Decimal]],
) -> None:
    """Without pruning, so that all there ever was can be added up again."""
    venue = Venue()
    for step in steps:
        if step[0] == "prune":
            continue
        venue.do(*step)
        books = venue.books
        fills = [fill for booked_fills in books.fills.values() for fill in booked_fills]
        for order in books.orders.values():
            of_order = [fill for fill in fills if fill.client_order_id == order.client_order_id]
            assert order.filled == sum((fill.quantity for fill in of_order), ZERO)
        for plan in books.plans.values():
            entry = books.orders[f"{plan.id}-E"]
            assert plan.size == entry.filled
            assert plan.is_open == (entry.is_live or books.held_for(plan.id) > 0)
        closed = [trade for trade in books.trades.values() if trade.outcome is not Outcome.OPEN]
        nets = [trade.net_profit_loss or ZERO for trade in closed]
        assert set(books.trades) == {plan.id for plan in books.plans.values() if plan.size > 0}
        assert {trade.id for trade in closed} == {t.id for t in books.trades.values() if not books.plans[t.id].is_open}
        assert books.record.trades == len(closed)
        assert books.record.wins == sum(net > 0 for net in nets)
        assert books.record.losses == sum(net < 0 for net in nets)
        assert books.record.realized == sum(nets, ZERO)
        assert books.record.max_drawdown <= 0
        assert books.session is not None
        assert books.session.total_trades == len(closed)
