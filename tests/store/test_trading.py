"""Orders, fills, plans, trades, positions, sessions, account, record and candles: in as they were, out as they are asked for."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.domain.samples import (
    NOON,
    PLAN_ID,
    sample_account,
    sample_bar,
    sample_fill,
    sample_order,
    sample_plan,
)
from tests.fakes.set_clock import SetClock
from tests.store.seeding import minutes, sample_session, sample_trade
from trading_bot.domain.orders import LIVE, Leg, OrderStatus
from trading_bot.domain.performance import Record
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.trades import Outcome
from trading_bot.store import accounts, candles, fills, orders, performance, plans, positions, sessions, trades
from trading_bot.store.store import Store


def test_an_account_is_the_last_one_saved(store: Store) -> None:
    with store.writing("main") as w:
        assert accounts.find_account(w) is None
        accounts.save_account(w, sample_account())
        accounts.save_account(w, sample_account(account_id="acc", cash_balance=Decimal("1.10"), day_trade_count=2))

    with store.reading("main") as r:
        assert accounts.find_account(r) == sample_account(
            account_id="acc", cash_balance=Decimal("1.10"), day_trade_count=2
        )


def test_an_order_comes_back_as_saved_and_keeps_the_time_of_its_intent(store: Store, clock: SetClock) -> None:
    first = sample_order(status=OrderStatus.INTENDED, venue_order_id=None, price=Decimal("1E-8"), good_until=minutes(5))
    later = replace(first, status=OrderStatus.ACCEPTED, venue_order_id="v-9", filled=Decimal("0.50"))
    with store.writing("main") as w:
        orders.save_order(w, first)
    intended_at = clock.now()
    clock.move(3600)
    with store.writing("main") as w:
        orders.save_order(w, later)

    with store.reading("main") as r:
        assert orders.find_order(r, first.client_order_id) == later
        assert orders.find_order_by_venue_id(r, "v-9") == later
        assert orders.find_order(r, "bg-main-other") is None
        assert orders.find_order_by_venue_id(r, "v-1") is None
        assert (orders.count_orders_since(r, intended_at), orders.count_orders_since(r, clock.now())) == (1, 0)


def test_orders_that_may_still_act_are_exactly_the_live_ones(store: Store) -> None:
    with store.writing("main") as w:
        for age, status in enumerate(OrderStatus):
            orders.save_order(w, sample_order(client_order_id=status.value, status=status, created_at=minutes(-age)))

    with store.reading("main") as r:
        live = orders.list_live_orders(r)
    assert {order.status for order in live} == LIVE
    assert [order.created_at for order in live] == sorted(order.created_at for order in live)


def test_orders_are_shown_live_first_and_newest_first(store: Store) -> None:
    filled, accepted = OrderStatus.FILLED, OrderStatus.ACCEPTED
    with store.writing("main") as w:
        for n, status in enumerate((accepted, filled, accepted, filled, filled)):
            orders.save_order(w, sample_order(client_order_id=f"o-{n}", status=status, created_at=minutes(n)))

    with store.reading("main") as r:
        shown = {n: [order.client_order_id for order in orders.list_display_orders(r, n)] for n in (1, 2, 4, 100)}
    assert shown == {
        1: ["o-2"],
        2: ["o-2", "o-0"],
        4: ["o-2", "o-0", "o-4", "o-3"],
        100: ["o-2", "o-0", "o-4", "o-3", "o-1"],
    }


def test_orders_of_a_plan_come_oldest_first(store: Store) -> None:
    with store.writing("main") as w:
        orders.save_order(w, sample_order(client_order_id="x", leg=Leg.EXIT, created_at=minutes(1)))
        orders.save_order(w, sample_order(client_order_id="e"))
        orders.save_order(w, sample_order(client_order_id="other", plan_id="another"))

    with store.reading("main") as r:
        assert [order.client_order_id for order in orders.list_plan_orders(r, PLAN_ID)] == ["e", "x"]


def test_the_marks_of_orders_are_those_of_every_prefix_that_the_bot_has_had(store: Store) -> None:
    with store.writing("main") as w:
        assert orders.list_marks(w) == frozenset()
        for name in (
            "bg-main-aaaaaaaaaaaaaaaa",
            "bg-main-zzzzzzzzzzzzzzzz",
            "bga-main-aaaaaaaaaaaaaaaa",
            "b-main-7aaaaaaaaaaaaaaa",
        ):
            orders.save_order(w, sample_order(client_order_id=name))
    with store.writing("other") as w:
        orders.save_order(w, sample_order(client_order_id="zz-other-aaaaaaaaaaaaaaaa"))

    with store.reading("main") as r:
        assert orders.list_marks(r) == {"bg-main", "bga-main", "b-main"}


def test_a_fill_is_booked_once(store: Store) -> None:
    with store.writing("main") as w:
        assert fills.save_fill(w, sample_fill())
    with store.writing("main") as w:
        assert not fills.save_fill(w, sample_fill(quantity=Decimal(999)))
    with store.writing("other") as w:
        assert fills.save_fill(w, sample_fill(symbol="IBM"))

    with store.reading("main") as r:
        assert list(fills.list_all_fills(r)) == [sample_fill()]
        assert fills.list_plan_fills(r, PLAN_ID) == (sample_fill(),)


def test_fills_of_a_plan_come_by_venue_time_then_as_booked(store: Store) -> None:
    with store.writing("main") as w:
        for fill_id, at in (("z", 2), ("late", 1), ("b", 3), ("a", 3)):
            fills.save_fill(w, sample_fill(id=fill_id, timestamp=minutes(at)))
        fills.save_fill(w, sample_fill(id="other", trade_id="another", timestamp=minutes(9)))

    with store.reading("main") as r:
        assert [fill.id for fill in fills.list_plan_fills(r, PLAN_ID)] == ["late", "z", "b", "a"]
        assert [fill.id for fill in fills.list_all_fills(r)] == ["late", "z", "b", "a", "other"]
        assert fills.find_latest_fill_time(r) == minutes(9)
        assert fills.known_fill_ids(r, minutes(3)) == {"b", "a", "other"}
        assert [fill.id for fill in fills.list_fills(r, 3).items] == ["other", "a", "b"]


def test_fills_can_be_listed_by_symbol_and_counted_by_the_wall_clock(store: Store) -> None:
    with store.writing("main") as w:
        fills.save_fill(w, sample_fill(id="1", symbol="IBM", recorded_at=minutes(0)))
        fills.save_fill(w, sample_fill(id="2", recorded_at=minutes(5), realized_pnl=Decimal("-0.10"), liquidity=None))

    with store.reading("main") as r:
        assert [fill.id for fill in fills.list_fills(r, 10, symbol="IBM").items] == ["1"]
        assert fills.list_fills(r, 10, symbol="X").items == ()
        assert (fills.count_fills_since(r, NOON), fills.count_fills_since(r, minutes(5))) == (2, 1)


def test_before_the_first_fill_there_is_nothing(store: Store) -> None:
    with store.reading("main") as r:
        assert fills.find_latest_fill_time(r) is None
        assert fills.known_fill_ids(r, NOON) == frozenset()
        assert list(fills.list_all_fills(r)) == []


def test_more_fills_than_are_read_at_a_time_come_in_order(store: Store) -> None:
    with store.writing("main") as w:
        for n in range(1100):
            fills.save_fill(w, sample_fill(id=str(n), timestamp=minutes(n)))

    with store.reading("main") as r:
        assert [fill.id for fill in fills.list_all_fills(r)] == [str(n) for n in range(1100)]


def test_a_plan_is_armed_again_as_it_was_last_saved(store: Store) -> None:
    moved = sample_plan(stop_price=Decimal("99.50"), version=2, size=Decimal(100))
    with store.writing("main") as w:
        plans.save_plan(w, sample_plan())
        plans.save_plan(w, moved)
        plans.save_plan(w, sample_plan(id="suspended", status=PlanStatus.SUSPENDED, opened_at=minutes(-5)))
        plans.save_plan(w, sample_plan(id="closed", status=PlanStatus.CLOSED, closed_at=minutes(9), target_price=None))

    with store.reading("main") as r:
        assert plans.find_plan(r, PLAN_ID) == moved
        assert plans.find_plan(r, "nothing") is None
        assert [plan.id for plan in plans.list_open_plans(r)] == ["suspended", PLAN_ID]
        assert [plan.id for plan in plans.list_plans(r, 10).items] == ["closed", PLAN_ID, "suspended"]
        assert [plan.id for plan in plans.list_plans(r, 10, status=PlanStatus.CLOSED).items] == ["closed"]


def test_a_trade_comes_back_as_it_was_last_saved(store: Store) -> None:
    is_open = sample_trade(
        outcome=Outcome.OPEN,
        profit_loss=None,
        hold_duration_seconds=None,
        exit_timestamp=None,
        exit_reasoning=None,
        net_profit_loss=None,
    )
    with store.writing("main") as w:
        trades.save_trade(w, is_open)
        assert trades.find_trade(w, "trade-1") == is_open
        trades.save_trade(w, sample_trade())

    with store.reading("main") as r:
        assert trades.find_trade(r, "trade-1") == sample_trade()
        assert trades.find_trade(r, "trade-2") is None


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["d", "c", "b", "a"]),
        ({"symbol": "IBM"}, ["b"]),
        ({"strategy_name": "vwap-pullback"}, ["c"]),
        ({"outcome": Outcome.OPEN}, ["d"]),
        ({"start": minutes(1), "end": minutes(3)}, ["c", "b"]),
        ({"min_profit_loss": Decimal("-5.5")}, ["c", "a"]),
        ({"max_profit_loss": Decimal("-5.50")}, ["b"]),
        ({"min_profit_loss": Decimal(-20), "max_profit_loss": Decimal(20)}, ["c", "b"]),
        ({"search": "ÜBER"}, ["a"]),
        ({"search": "acm"}, ["d", "c", "a"]),
        ({"search": "VWAP"}, ["c"]),
        ({"search": "STOP: traded"}, ["b"]),
        ({"search": "100%"}, ["c"]),
        ({"search": "_"}, []),
        ({"search": "\\"}, []),
        ({"search": "nothing of the kind"}, []),
        ({"symbol": "ACME", "search": "flag", "outcome": Outcome.WIN}, ["a"]),
    ],
)  # fmt: skip
def test_trades_are_found_by_filters(store: Store, filters: dict[str, object], found: list[str]) -> None:
    net = {
        "profit_loss": None,
        "net_profit_loss": None,
        "exit_timestamp": None,
        "exit_reasoning": None,
        "hold_duration_seconds": None,
    }
    with store.writing("main") as w:
        trades.save_trade(w, sample_trade(id="a", decision_reasoning="A flag über resistance."))
        trades.save_trade(w, sample_trade(
            id="b", symbol="IBM", timestamp=minutes(1), outcome=Outcome.LOSS, net_profit_loss=Decimal("-10.20"),
            exit_reasoning="Stop: traded at 98",
        ))  # fmt: skip
        trades.save_trade(w, sample_trade(
            id="c", timestamp=minutes(2), strategy_name="vwap-pullback", net_profit_loss=Decimal("9.10"), decision_reasoning="100% of it.",
        ))  # fmt: skip
        trades.save_trade(w, sample_trade(id="d", timestamp=minutes(3), outcome=Outcome.OPEN, **net))

    with store.reading("main") as r:
        assert [trade.id for trade in trades.list_trades(r, 100, **filters).items] == found  # type: ignore[arg-type]


def test_closed_trades_come_in_the_order_of_their_exits(store: Store) -> None:
    with store.writing("main") as w:
        for trade_id, exit_minute, recorded in (("a", 30, 0), ("b", 10, 0), ("d", 20, 2), ("c", 20, 3)):
            trades.save_trade(
                w, sample_trade(id=trade_id, exit_timestamp=minutes(exit_minute), recorded_at=minutes(recorded))
            )
        trades.save_trade(w, sample_trade(id="open", outcome=Outcome.OPEN, exit_timestamp=None))

    with store.reading("main") as r:
        assert [trade.id for trade in trades.list_closed_trades(r)] == ["b", "d", "c", "a"]
        assert [trades.count_closed_in_session(r, minutes(m)) for m in (0, 20, 31)] == [4, 3, 0]


def test_a_position_is_kept_lot_by_lot_until_nothing_is_held(store: Store) -> None:
    lots = (
        Lot(quantity=Decimal("0.50"), cost=Decimal("10.00")),
        Lot(quantity=Decimal("1E-8"), cost=Decimal("0.00000001")),
    )
    held = Position(symbol="BTC/USD", lots=lots, current_price=Decimal("20.10"), last_updated=NOON)
    acme = replace(held, symbol="ACME")
    with store.writing("main") as w:
        positions.save_position(w, held)
        positions.save_position(w, acme)
        positions.save_position(w, replace(held, current_price=Decimal("21.00")))
    with store.reading("main") as r:
        assert positions.list_positions(r) == (acme, replace(held, current_price=Decimal("21.00")))

    with store.writing("main") as w:
        positions.save_position(w, replace(held, lots=()))
        positions.save_position(w, replace(held, symbol="NEVER", lots=()))
    with store.reading("main") as r:
        assert positions.list_positions(r) == (acme,)


def test_sessions_are_kept_and_the_latest_is_current(store: Store) -> None:
    older = sample_session(id="older", date="2025-01-03", created_at=minutes(-4000), closed_at=NOON)
    with store.writing("main") as w:
        assert sessions.find_current_session(w) is None
        sessions.save_session(w, sample_session())
        sessions.save_session(w, older)
        sessions.save_session(w, sample_session(total_trades=7))

    with store.reading("main") as r:
        assert sessions.find_current_session(r) == sample_session(total_trades=7)
        assert sessions.find_session(r, "older") == older
        assert sessions.find_session(r, "nothing") is None
        assert sessions.count_sessions(r) == 2
        assert [session.date for session in sessions.list_sessions(r, 10).items] == ["2025-01-06", "2025-01-03"]


def test_the_record_starts_at_zero_and_goes_on_from_where_it_was(store: Store) -> None:
    record = Record().with_trade(sample_trade())
    with store.writing("main") as w:
        assert performance.find_record(w) == Record()
        performance.save_record(w, record)

    with store.reading("main") as r:
        assert performance.find_record(r) == record
        assert performance.find_record(r).risk_reward_sum == 2.5


def test_bars_stay_as_first_seen_and_come_oldest_first(store: Store) -> None:
    bars = [sample_bar(timestamp=minutes(n), volume=Decimal(n)) for n in range(5)]
    with store.writing("main") as w:
        candles.save_bars(w, bars[:4])
        candles.save_bars(w, [sample_bar(timestamp=minutes(3), volume=Decimal(999)), bars[4]])
        candles.save_bars(w, [])
        candles.save_bars(w, [sample_bar(symbol="BTC/USD", volume=Decimal("0.00000001")), sample_bar(symbol="ZZZ")])

    with store.reading("main") as r:
        assert candles.list_recent_bars(r, "ACME", 3) == tuple(bars[2:])
        assert candles.list_recent_bars(r, "ACME", 100) == tuple(bars)
        assert candles.list_recent_bars(r, "NONE", 100) == ()
        assert candles.list_symbols(r) == ("ACME", "BTC/USD", "ZZZ")
    with store.reading("other") as r:
        assert candles.list_symbols(r) == ()
