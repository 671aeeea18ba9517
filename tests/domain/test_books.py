from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.domain.samples import NOON, sample_bar, sample_order, sample_plan, sample_session
from trading_bot.domain.account import TradingMode
from trading_bot.domain.books import (
    Books,
    Execution,
    booked,
    marked,
    pruned,
    settled,
    with_order,
    with_plan,
    with_status,
)
from trading_bot.domain.fills import UNATTRIBUTED
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Leg, OrderStatus, OrderType, Side, plan_id_from
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.positions import Lot
from trading_bot.domain.trades import Outcome

PLAN = plan_id_from(b"ACME-001")
ENTRY, EXIT = "bg-main-entry", "bg-main-exit"
SESSION = sample_session()


def entering(quantity: str = "100") -> Books:
    """Books with one plan, whose entry the venue has taken and not filled."""
    books = Books(bot_version="1.0.0", mode=TradingMode.PAPER, session=SESSION)
    books = with_plan(books, sample_plan(id=PLAN, entry_client_order_id=ENTRY, entry_order_id=None))
    order = sample_order(
        client_order_id=ENTRY, plan_id=PLAN, quantity=Decimal(quantity), order_type=OrderType.LIMIT, price=Decimal(100)
    )
    return with_order(books, order)


def leaving(books: Books, quantity: str = "100") -> Books:
    """The same with an exit at the venue."""
    plan = replace(books.plans[PLAN], exit_reason="target: traded at 102.00, target was 102.00")
    exit_order = sample_order(
        client_order_id=EXIT,
        venue_order_id="v-2",
        plan_id=PLAN,
        leg=Leg.EXIT,
        side=Side.SELL,
        quantity=Decimal(quantity),
    )
    return with_order(with_plan(books, plan), exit_order)


def execution(side: Side = Side.BUY, quantity: str = "100", price: str = "100.00", **changes: Any) -> Execution:
    buys = side is Side.BUY
    return replace(
        Execution(
            id="x-1",
            order_id="v-1" if buys else "v-2",
            client_order_id=ENTRY if buys else EXIT,
            plan_id=PLAN,
            leg=Leg.ENTRY if buys else Leg.EXIT,
            symbol="ACME",
            side=side,
            quantity=Decimal(quantity),
            price=Decimal(price),
            fee=Decimal("1.00"),
            liquidity=None,
            timestamp=NOON + timedelta(minutes=1),
        ),
        **changes,
    )


def after(books: Books, *executions: Execution) -> Books:
    for one in executions:
        books = booked(books, one, recorded_at=NOON)
    return books


def test_an_entry_fill_opens_position_trade_and_plan() -> None:
    books = after(entering(), execution(quantity="40"), execution(quantity="60", price="100.50"))

    assert books.positions["ACME"].lots == (
        Lot(quantity=Decimal(40), cost=Decimal("4000.00")),
        Lot(quantity=Decimal(60), cost=Decimal("6030.00")),
    )
    assert books.positions["ACME"].plan == books.plans[PLAN]
    assert (books.plans[PLAN].status, books.plans[PLAN].size) == (PlanStatus.OPEN, Decimal(100))
    assert books.orders[ENTRY].status is OrderStatus.FILLED
    assert books.orders[ENTRY].average_price == Decimal("100.3")
    assert (books.trades[PLAN].outcome, books.trades[PLAN].quantity) == (Outcome.OPEN, Decimal(100))
    assert books.held_for(PLAN) == 100
    assert books.plan_of("ACME") == books.plans[PLAN]
    assert books.plan_of("BOLT") is None


def test_a_partial_fill_leaves_the_entry_working() -> None:
    books = after(entering(), execution(quantity="40"))

    assert books.orders[ENTRY].status is OrderStatus.PARTIALLY_FILLED
    assert books.orders[ENTRY].remaining == 60
    assert books.committed == Decimal("10000.00")  # 4,000 held and 6,000 resting
    assert [order.client_order_id for order in books.live_orders] == [ENTRY]


@pytest.mark.parametrize(
    ("order_type", "price", "stop_price", "worth"),
    [
        (OrderType.LIMIT, "99.00", None, "9900.00"),
        (OrderType.STOP, None, "101.00", "10100.00"),
        (OrderType.STOP_LIMIT, "101.50", "101.00", "10150.00"),
        (OrderType.MARKET, None, None, "10000.00"),  # the plan's entry price
    ],
)
def test_a_live_entry_is_committed_at_the_price_that_it_is_expected_to_pay(
    order_type: OrderType, price: str | None, stop_price: str | None, worth: str
) -> None:
    books = entering()
    order = replace(
        books.orders[ENTRY],
        order_type=order_type,
        price=None if price is None else Decimal(price),
        stop_price=None if stop_price is None else Decimal(stop_price),
    )

    assert with_order(books, order).committed == Decimal(worth)


def test_a_live_exit_commits_nothing() -> None:
    held = after(entering(), execution())

    assert leaving(held).committed == held.committed == Decimal("10000.00")


def test_a_whole_exit_closes_plan_and_trade_and_counts_it_once() -> None:
    books = after(entering(), execution())
    books = after(leaving(books), execution(Side.SELL, price="102.00", id="x-2"))

    assert books.plans[PLAN].status is PlanStatus.CLOSED
    assert books.plans[PLAN].closed_at == NOON + timedelta(minutes=1)
    assert books.trades[PLAN].outcome is Outcome.WIN
    assert books.trades[PLAN].net_profit_loss == Decimal("198.00")
    assert (books.record.trades, books.record.wins, books.record.realized) == (1, 1, Decimal("198.00"))
    assert books.session is not None
    assert (books.session.total_trades, books.session.gross_pnl, books.session.total_fees) == (
        1,
        Decimal("200.00"),
        Decimal("2.00"),
    )
    assert [fill.reason for fill in books.fills[PLAN]] == ["A flag.", "target: traded at 102.00, target was 102.00"]


def test_fills_before_the_first_session_are_booked_without_one() -> None:
    books = after(replace(entering(), session=None), execution())
    books = after(leaving(books), execution(Side.SELL, price="102.00", id="x-2"))

    assert books.session is None
    assert books.record.trades == 1


def test_an_exit_whose_plan_gives_no_reason_goes_by_its_orders() -> None:
    books = leaving(after(entering(), execution()))
    books = with_plan(books, replace(books.plans[PLAN], exit_reason=None))
    books = with_order(books, replace(books.orders[EXIT], reason="closed by command"))

    assert after(books, execution(Side.SELL, "10", id="x-2")).fills[PLAN][-1].reason == "closed by command"


def test_an_entry_that_ended_without_a_fill_closes_its_plan_without_a_trade() -> None:
    books = with_status(entering(), ENTRY, OrderStatus.CANCELLED, at=NOON, reason="its time is over")

    assert books.plans[PLAN].status is PlanStatus.CLOSED
    assert books.trades == {}
    assert books.record.trades == 0
    assert books.orders[ENTRY].reason == "its time is over"


def test_a_late_fill_opens_a_plan_that_had_never_been_filled() -> None:
    cancelled = with_status(entering(), ENTRY, OrderStatus.CANCELLED, at=NOON)

    books = after(cancelled, execution(quantity="10"))

    assert books.plans[PLAN].status is PlanStatus.OPEN
    assert books.plans[PLAN].closed_at is None
    assert books.orders[ENTRY].status is OrderStatus.CANCELLED
    assert books.held_for(PLAN) == 10


def closed_and_filled_late() -> Books:
    """10 of 100 bought, the rest cancelled, the 10 sold: a win of 18.00. Then 5 more arrive late, of the entry."""
    books = with_status(after(entering(), execution(quantity="10")), ENTRY, OrderStatus.CANCELLED, at=NOON)
    books = after(leaving(books, "10"), execution(Side.SELL, "10", "102.00", id="x-2"))
    assert (books.record.trades, books.record.realized) == (1, Decimal("18.00"))
    return after(books, execution(quantity="5", id="x-3"))


def test_a_trade_that_a_late_fill_opens_again_is_not_counted_until_it_is_closed_again() -> None:
    books = closed_and_filled_late()

    assert books.trades[PLAN].outcome is Outcome.OPEN
    assert (books.record.trades, books.record.wins, books.record.realized) == (0, 0, ZERO)
    assert (books.record.streak, books.record.streak_type) == (0, None)
    assert books.session is not None
    assert books.session.total_trades == 0


def test_a_trade_that_was_closed_twice_counts_once_with_all_of_its_result() -> None:
    books = leaving(closed_and_filled_late(), "5")

    books = after(books, execution(Side.SELL, "5", "99.00", id="x-4"))

    assert books.trades[PLAN].net_profit_loss == Decimal("11.00")  # 20 - 5 - 4 fees
    assert (books.record.trades, books.record.wins, books.record.realized) == (1, 1, Decimal("11.00"))
    assert (books.record.peak, books.record.max_drawdown) == (Decimal("18.00"), Decimal("-7.00"))
    assert books.session is not None
    assert books.session.total_trades == 1


def test_a_trade_of_an_earlier_session_that_opens_again_leaves_this_session_alone() -> None:
    books = with_status(after(entering(), execution(quantity="10")), ENTRY, OrderStatus.CANCELLED, at=NOON)
    books = after(leaving(books, "10"), execution(Side.SELL, "10", "102.00", id="x-2"))
    tomorrow = replace(SESSION, created_at=NOON + timedelta(days=1))

    books = after(
        replace(books, session=tomorrow), execution(quantity="5", id="x-3", timestamp=NOON + timedelta(days=1))
    )

    assert books.session is not None
    assert books.session.total_trades == 0
    assert books.record.trades == 0


def test_a_fill_that_nothing_explains_is_booked_all_the_same() -> None:
    empty = Books(bot_version="1.0.0", mode=TradingMode.PAPER, session=SESSION)

    books = after(empty, execution())

    assert books.positions["ACME"].quantity == 100
    assert books.positions["ACME"].plan is None
    assert [fill.reason for fill in books.fills[PLAN]] == [UNATTRIBUTED]
    assert (books.plans, books.trades, books.orders) == ({}, {}, {})


def test_what_is_left_when_its_plan_is_over_belongs_to_no_plan() -> None:
    stray = execution(quantity="5", id="x-9", plan_id=plan_id_from(b"stray001"), client_order_id="bg-main-stray")
    books = after(leaving(after(entering(), execution(), stray)), execution(Side.SELL, price="102.00", id="x-2"))

    assert books.positions["ACME"].quantity == 5
    assert books.positions["ACME"].plan is None


def test_more_sold_than_held_realises_what_was_held_and_leaves_the_rest_below_zero() -> None:
    books = after(leaving(after(entering("10"), execution(quantity="10")), "15"), execution(Side.SELL, "15", "100.00"))

    assert (books.positions["ACME"].quantity, books.positions["ACME"].cost) == (-5, -500)  # the venue paid for 15
    assert books.fills[PLAN][-1].quantity == 15
    assert books.fills[PLAN][-1].realized_pnl == 0
    assert books.plans[PLAN].status is PlanStatus.CLOSED


@pytest.mark.parametrize("status", OrderStatus)
def test_an_execution_is_booked_in_whatever_state_its_order_is(status: OrderStatus) -> None:
    books = entering()
    books = with_order(books, replace(books.orders[ENTRY], status=status))

    part, whole = after(books, execution(quantity="40")), after(books, execution())

    assert part.orders[ENTRY].filled == 40
    assert whole.orders[ENTRY].status is OrderStatus.FILLED
    assert part.orders[ENTRY].status is (
        OrderStatus.PARTIALLY_FILLED
        if status in (OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.UNKNOWN)
        else status
    )


# ---- statuses ----


def test_filled_is_believed_only_once_the_fills_are_booked() -> None:
    books = with_status(entering(), ENTRY, OrderStatus.FILLED, at=NOON)
    assert books.orders[ENTRY].status is OrderStatus.ACCEPTED

    books = with_status(after(books, execution(quantity="40")), ENTRY, OrderStatus.FILLED, at=NOON)
    assert books.orders[ENTRY].status is OrderStatus.PARTIALLY_FILLED

    assert after(books, execution(quantity="60")).orders[ENTRY].status is OrderStatus.FILLED


def test_an_intent_that_the_venue_has_was_sent() -> None:
    books = entering()
    intended = with_order(books, replace(books.orders[ENTRY], status=OrderStatus.INTENDED, venue_order_id=None))

    seen = with_status(intended, ENTRY, OrderStatus.ACCEPTED, at=NOON, venue_order_id="v-77")

    assert (seen.orders[ENTRY].status, seen.orders[ENTRY].venue_order_id) == (OrderStatus.ACCEPTED, "v-77")
    assert seen.plans[PLAN].entry_order_id == "v-77"


def test_what_the_table_forbids_changes_nothing() -> None:
    cancelled = with_status(entering(), ENTRY, OrderStatus.CANCELLED, at=NOON)

    assert with_status(cancelled, ENTRY, OrderStatus.ACCEPTED, at=NOON + timedelta(hours=1)) is cancelled


def test_seeing_the_same_again_changes_nothing() -> None:
    books = with_status(entering(), ENTRY, OrderStatus.ACCEPTED, at=NOON, venue_order_id="v-1")

    assert with_status(books, ENTRY, OrderStatus.ACCEPTED, at=NOON + timedelta(hours=1), venue_order_id="v-1") is books


# ---- prices and pruning ----


def test_positions_are_marked_at_the_close() -> None:
    books = after(entering(), execution())

    books = marked(books, (sample_bar(close=Decimal("100.70")), sample_bar(symbol="BOLT")), at=NOON)

    assert set(books.positions) == {"ACME"}
    assert books.positions["ACME"].unrealized_pl == Decimal("70.00")


def test_pruning_keeps_what_is_open_and_drops_what_is_over() -> None:
    still_open = after(entering(), execution(quantity="40"))
    over = after(leaving(after(entering(), execution())), execution(Side.SELL, price="102.00", id="x-2"))

    assert pruned(still_open) == still_open
    assert pruned(over) == replace(over, plans={}, orders={}, fills={}, trades={}, positions={})


def test_settling_a_plan_that_is_not_in_the_books_changes_nothing() -> None:
    books = entering()

    assert settled(books, "another", at=NOON) is books
