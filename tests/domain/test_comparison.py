"""Books held against a venue's positions, and what an operator makes of a difference."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_order, sample_plan
from trading_bot.domain.account import TradingMode
from trading_bot.domain.books import Books, Execution, booked, marked, with_order, with_plan, with_status
from trading_bot.domain.comparison import adopted, compared, ignored
from trading_bot.domain.fills import ADOPTED
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Leg, OrderStatus, Side, plan_id_from
from trading_bot.domain.plans import PlanStatus, TradePlan, caretaker_plan
from trading_bot.domain.suspensions import SuspensionStatus

MINUTE = timedelta(minutes=1)
CARE = caretaker_plan(
    plan_id_from(b"caretake"),
    "ACME",
    name=ADOPTED,
    price=Decimal(100),
    reason="bought by hand",
    session_id="s",
    config_version=1,
    config_hash="d41d8cd98f00b204e9800998ecf8427e",
    at=NOON,
)


def holding(*sizes: int) -> Books:
    """Books with one open plan for each size, bought at 100."""
    books = Books(bot_version="1.0.0", mode=TradingMode.PAPER)
    for number, size in enumerate(sizes):
        plan = sample_plan(id=plan_id_from(f"plan-{number:03}".encode()), size=ZERO, stop_price=Decimal(95))
        books = booked(with_plan(books, plan), bought(plan, size), recorded_at=NOON)
    return books


def bought(plan: TradePlan, size: int) -> Execution:
    return Execution(
        id=f"x-{plan.id}",
        order_id="v-1",
        client_order_id=f"{plan.id}-E",
        plan_id=plan.id,
        leg=Leg.ENTRY,
        symbol="ACME",
        side=Side.BUY,
        quantity=Decimal(size),
        price=Decimal(100),
        fee=ZERO,
        liquidity=None,
        timestamp=NOON,
    )


def seen(books: Books, theirs: str | int, *, times: int = 1, price: str | None = None) -> tuple[Books, int]:
    """The books after the venue was looked at, and how many differences were reported."""
    reported = 0
    for time in range(times):
        prices = {"ACME": Decimal(price)} if price else {}
        result = compared(books, {"ACME": Decimal(theirs)}, prices=prices, at=NOON + time * MINUTE)
        books, reported = result.books, reported + len(result.reported)
    return books, reported


def settled_with(books: Books, price: str = "100") -> Books:
    return adopted(books, CARE, fill_id="adopted-1", price=Decimal(price), at=NOON, now=NOON)


def total_held(books: Books) -> Decimal:
    return sum((books.held_for(plan.id) for plan in books.plans.values() if plan.is_open), ZERO)


def test_books_that_agree_are_the_same_value() -> None:
    books = holding(10)

    assert compared(books, {"ACME": Decimal(10)}, prices={}, at=NOON).books is books


def test_a_difference_is_doubted_then_reported_once() -> None:
    once, said_once = seen(holding(10), 12)
    often, said_often = seen(holding(10), 12, times=5)

    assert (once.suspensions["ACME"].status, said_once) == (SuspensionStatus.DOUBTED, 0)
    assert (often.suspensions["ACME"].status, said_often) == (SuspensionStatus.SUSPENDED, 1)
    assert once.suspended("ACME") == often.suspended("ACME") is not None


def test_a_difference_that_changes_while_it_is_doubted_is_not_believed_yet() -> None:
    books, _ = seen(holding(10), 12)
    result = compared(books, {"ACME": Decimal(14)}, prices={}, at=NOON + MINUTE)

    assert (result.books.suspensions["ACME"].status, result.reported) == (SuspensionStatus.DOUBTED, ())


def test_looking_twice_at_the_same_moment_is_looking_once() -> None:
    books, _ = seen(holding(10), 12)

    assert compared(books, {"ACME": Decimal(12)}, prices={}, at=NOON).books is books


@pytest.mark.parametrize(
    ("theirs", "status"),
    [(0, PlanStatus.SUSPENDED), (-3, PlanStatus.SUSPENDED), (1, PlanStatus.OPEN), (12, PlanStatus.OPEN)],
)
def test_a_plan_is_suspended_only_when_nothing_is_left_to_sell(theirs: int, status: PlanStatus) -> None:
    books, _ = seen(holding(10), theirs, times=2)

    assert [plan.status for plan in books.plans.values()] == [status]
    again, _ = seen(books, 10)
    assert [plan.status for plan in again.plans.values()] == [PlanStatus.OPEN]


@pytest.mark.parametrize(
    ("theirs", "price", "is_split"),
    [
        (20, "50", True), (20, "53", True), (30, "33.4", True), (5, "200", True), (1, "990", True), (15, "66.67", True),
        (20, "100", False), (20, "60", False), (11, "91", False), (10, "50", False), (5, "50", False), (0, "1", False),
    ],
)  # fmt: skip
def test_a_corporate_action_is_a_jump_of_price_and_quantity_by_one_ratio(
    theirs: int, price: str, *, is_split: bool
) -> None:
    books, _ = seen(holding(10), theirs, price=price)

    known = books.suspensions.get("ACME")
    assert (known is not None and known.is_corporate_action) is is_split


def test_the_new_price_is_not_put_on_the_old_quantity() -> None:
    from tests.domain.samples import sample_bar  # noqa: PLC0415

    books, _ = seen(holding(10), 20, price="50")
    halved = sample_bar(open=Decimal(50), high=Decimal(50), low=Decimal(50), close=Decimal(50))

    assert marked(books, (halved,), at=NOON).positions["ACME"].unrealized_pl == 0


def test_what_is_ignored_stays_quiet_while_the_bot_trades_beside_it() -> None:
    books, _ = seen(holding(10), 17, times=2)
    books = ignored(books, "ACME", reason="the owner's")
    more, said = seen(books, 17, times=3)
    changed, warned = seen(more, 18, times=2)

    assert (more.suspended("ACME"), said) == (None, 0)
    assert (changed.suspended("ACME") is not None, warned) == (True, 1)


def test_what_is_missing_is_taken_from_the_plans_in_turn() -> None:
    books, _ = seen(holding(10, 5), 2, times=2)
    books = settled_with(books, "90")

    assert [(plan.status, books.held_for(plan.id)) for plan in books.plans.values()] == [
        (PlanStatus.CLOSED, 0),
        (PlanStatus.OPEN, 2),
    ]
    sales = [fill for fills in books.fills.values() for fill in fills if fill.action is Side.SELL]
    assert [(fill.id, fill.quantity, fill.realized_pnl) for fill in sales] == [
        ("adopted-1", 10, -100),
        ("adopted-1-1", 3, -30),
    ]


def test_a_split_of_two_plans_scales_both() -> None:
    books, _ = seen(holding(10, 5), 45, price="33.33")
    books = settled_with(books)

    assert [books.held_for(plan.id) for plan in books.plans.values()] == [30, 15]
    assert {plan.stop_price for plan in books.plans.values()} == {Decimal("31.66")}
    assert (books.positions["ACME"].quantity, books.positions["ACME"].cost) == (45, 1500)
    assert [trade.profit_loss for trade in books.trades.values()] == [None, None]


@given(
    sizes=st.lists(st.integers(1, 400), max_size=3),
    theirs=st.integers(0, 2000),
    price=st.sampled_from(["100", "50", "200", "33.33"]),
)
def test_after_adopting_books_and_plans_hold_what_the_venue_holds(sizes: list[int], theirs: int, price: str) -> None:
    assume(theirs != sum(sizes))
    books, _ = seen(holding(*sizes), theirs, times=2, price=price)
    books = settled_with(books, price)

    held = books.positions["ACME"].quantity if "ACME" in books.positions else ZERO
    assert held == total_held(books) == theirs
    assert compared(books, {"ACME": Decimal(theirs)} if theirs else {}, prices={}, at=NOON).books.suspensions == {}


def test_an_exit_sells_what_is_held_here_and_there_and_not_promised_already() -> None:
    books = holding(10, 5)
    first, second = books.plans.values()

    assert books.sellable(first, None) == 10
    assert books.sellable(first, {"ACME": Decimal(15)}) == 10
    assert books.sellable(first, {"ACME": Decimal("6.5")}) == 6
    assert books.sellable(first, {}) == 0
    promised = with_order(
        books,
        sample_order(
            client_order_id="x",
            plan_id=second.id,
            leg=Leg.EXIT,
            side=Side.SELL,
            quantity=Decimal(5),
            status=OrderStatus.ACCEPTED,
        ),
    )
    assert promised.sellable(first, {"ACME": Decimal(12)}) == 7
    assert promised.sellable(first, {"ACME": Decimal(4)}) == 0


def test_an_end_is_taken_only_once_its_fills_are_booked() -> None:
    books = with_order(
        holding(10),
        sample_order(
            client_order_id="x", plan_id="nothing", status=OrderStatus.ACCEPTED, quantity=Decimal(8), filled=ZERO
        ),
    )
    owed = with_status(books, "x", OrderStatus.CANCELLED, at=NOON, filled=Decimal(3))
    assert owed.orders["x"].status is OrderStatus.ACCEPTED

    partly = with_order(books, replace(books.orders["x"], filled=Decimal(3), status=OrderStatus.PARTIALLY_FILLED))
    assert (
        with_status(partly, "x", OrderStatus.CANCELLED, at=NOON, filled=Decimal(3)).orders["x"].status
        is OrderStatus.CANCELLED
    )
    assert (
        with_status(partly, "x", OrderStatus.EXPIRED, at=NOON, filled=Decimal(5)).orders["x"].status
        is OrderStatus.PARTIALLY_FILLED
    )
