"""Risk events, the breaker, figures after trades, and counts in venue time, on both databases."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.domain.samples import NOON, sample_fill, sample_order
from tests.store.seeding import minutes, sample_session, sample_trade
from trading_bot.domain.breaker import Breaker
from trading_bot.domain.errors import Severity
from trading_bot.domain.events import EventKind
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import OrderStatus, Side
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.domain.trades import Outcome
from trading_bot.domain.watch import PerformanceMetric, Result
from trading_bot.store import fills, orders, performance_metrics, sessions, trades
from trading_bot.store.outbox import list_outbox
from trading_bot.store.risk_counts import count_orders_after, count_rejections
from trading_bot.store.risk_events import (
    find_breaker,
    find_risk_event,
    list_risk_events,
    save_breaker,
    save_risk_event,
)
from trading_bot.store.session_stats import rebuild_session, sessions_of_trade
from trading_bot.store.store import Store
from trading_bot.store.tables import changes


def event(**changes: Any) -> RiskEvent:
    return replace(
        RiskEvent(
            id="r-1",
            timestamp=NOON,
            event_type="order_rate_exceeded",
            severity=Severity.LOW,
            daily_pnl=Decimal("-12.50"),
            daily_pnl_pct=Decimal("-0.01"),
            consecutive_losses=2,
            action_taken="position_rejected",
            config_snapshot={"max_orders_per_minute": 30, "daily_loss_limit": "-2000"},
            detail="Too many orders.",
            code="RISK_007",
            symbol="ACME",
            count=1,
            last_seen_at=NOON,
        ),
        **changes,
    )


def metric(**changes: Any) -> PerformanceMetric:
    return replace(
        PerformanceMetric(
            id="t-1",
            timestamp=NOON,
            window_size=20,
            win_rate=0.333333,
            profit_factor=None,
            max_drawdown_pct=-1.25,
            consecutive_losses=0,
            total_trades=3,
            alert_triggered=False,
            alert_message=None,
        ),
        **changes,
    )


def test_a_risk_event_comes_back_as_it_was_with_an_event_and_a_line(store: Store) -> None:
    with store.writing("main") as w:
        assert save_risk_event(w, event()) == event()
    with store.reading("main") as r:
        assert find_risk_event(r, "r-1") == event()
        assert find_risk_event(r, "r-2") is None
        [row] = list_outbox(r, 10)
        told = r.connection.execute(changes.select()).one()
    assert (row.stream, row.record) == (
        "risk-management",
        {
            "id": "r-1",
            "timestamp": "2025-01-06T17:00:00Z",
            "event_type": "order_rate_exceeded",
            "severity": "LOW",
            "daily_pnl": "-12.50",
            "daily_pnl_pct": "-0.01",
            "consecutive_losses": 2,
            "action_taken": "position_rejected",
            "config_snapshot": {"max_orders_per_minute": 30, "daily_loss_limit": "-2000"},
            "detail": "Too many orders.",
            "code": "RISK_007",
            "symbol": "ACME",
            "bot_id": "main",
            "recorded_at": "2025-01-06T17:00:00Z",
        },
    )
    assert (told.kind, told.subject, told.summary) == (EventKind.RISK, "r-1", "Too many orders.")


def test_the_same_event_again_is_counted_once_for_each_venue_time_without_event_or_line(store: Store) -> None:
    with store.writing("main") as w:
        save_risk_event(w, event())
        for at in (NOON, minutes(1), minutes(1), minutes(3)):
            save_risk_event(w, event(timestamp=at, detail="said otherwise"))
        assert find_risk_event(w, "r-1") == event(count=3, last_seen_at=minutes(3))
        assert len(list_outbox(w, 10)) == 1
        assert w.seq() == 1


def test_risk_events_are_listed_newest_first_by_type_severity_and_venue_time(store: Store) -> None:
    with store.writing("main") as w:
        for n in range(4):
            kind = {"event_type": "circuit_breaker_trip", "severity": Severity.HIGH, "code": None, "symbol": None}
            save_risk_event(w, event(id=f"r-{n}", timestamp=minutes(n), **(kind if n % 2 else {})))
    with store.writing("other") as w:
        save_risk_event(w, event(id="r-9"))

    def listed(**filters: Any) -> list[str]:
        with store.reading("main") as r:
            return [found.id for found in list_risk_events(r, 100, **filters).items]

    assert listed() == ["r-3", "r-2", "r-1", "r-0"]
    assert listed(event_type="circuit_breaker_trip") == ["r-3", "r-1"]
    assert listed(severity=Severity.LOW) == ["r-2", "r-0"]
    assert listed(start=minutes(1), end=minutes(3)) == ["r-2", "r-1"]
    with store.reading("main") as r:
        page = list_risk_events(r, 3)
        assert [found.id for found in list_risk_events(r, 3, page.cursors[-1]).items] == ["r-0"]


@pytest.mark.parametrize(
    "breaker",
    [
        Breaker(reset_at=NOON, trades_at_reset=12),
        Breaker(
            code="RISK_003",
            cause="Lost.",
            tripped_at=NOON,
            session_id="s-1",
            resume_as=RunState.PAUSED,
            resume_reason="lunch",
        ),
    ],
)
def test_the_breaker_comes_back_as_it_was(store: Store, breaker: Breaker) -> None:
    with store.writing("main") as w:
        assert find_breaker(w) == Breaker()
        save_breaker(w, Breaker(code="RISK_005", cause="Before."))
        save_breaker(w, breaker)
    with store.reading("main") as r:
        assert find_breaker(r) == breaker
    with store.reading("other") as r:
        assert find_breaker(r) == Breaker()


def test_figures_come_back_as_they_were_and_an_alert_is_told_once(store: Store) -> None:
    alert = metric(id="t-2", timestamp=minutes(1), alert_triggered=True, alert_message="8 trades in a row lost.")
    with store.writing("main") as w:
        performance_metrics.save_metric(w, metric())
        for _ in range(2):
            performance_metrics.save_metric(w, alert)
        performance_metrics.save_metric(w, replace(alert, win_rate=0.25))
        assert w.seq() == 1
        [row] = list_outbox(w, 10)
    assert (row.stream, row.record["id"], row.record["alert_message"]) == (
        "performance-alerts",
        "t-2",
        "8 trades in a row lost.",
    )
    with store.writing("main") as w:
        assert performance_metrics.find_metric(w, "t-1") == metric()
        assert [found.id for found in performance_metrics.list_metrics(w, 10).items] == ["t-2", "t-1"]
        assert performance_metrics.list_metrics(w, 10, alerts_only=True).items == (replace(alert, win_rate=0.25),)
        performance_metrics.delete_metric(w, "t-1")
        assert performance_metrics.find_metric(w, "t-1") is None


def test_results_are_read_in_the_order_of_exits_and_open_trades_have_none(store: Store) -> None:
    with store.writing("main") as w:
        for n in (2, 0, 1):
            done = sample_trade(id=f"t-{n}", exit_timestamp=minutes(10 + n), net_profit_loss=Decimal(n))
            trades.save_trade(w, done)
        trades.save_trade(w, sample_trade(id="t-9", outcome=Outcome.OPEN, exit_timestamp=None, net_profit_loss=None))
        every = tuple(performance_metrics.list_results(w))
        assert every == tuple(Result(trade_id=f"t-{n}", exited_at=minutes(10 + n), net=Decimal(n)) for n in range(3))
        assert performance_metrics.list_last_results(w, 2) == every[1:]


def test_orders_and_rejections_are_counted_in_venue_time(store: Store) -> None:
    with store.writing("main") as w:
        for n in range(4):
            status = OrderStatus.REJECTED if n else OrderStatus.ACCEPTED
            at = NOON + timedelta(seconds=30 * n)
            orders.save_order(w, sample_order(client_order_id=f"o-{n}", status=status, created_at=at, updated_at=at))
        assert count_orders_after(w, NOON) == 3
        assert count_orders_after(w, NOON - timedelta(seconds=1)) == 4
        assert count_rejections(w, after=NOON, before=minutes(1.5)) == 2
        assert count_rejections(w, after=minutes(0.5), before=minutes(2)) == 2


def test_a_session_is_made_again_from_what_was_booked_in_it(store: Store) -> None:
    today, tomorrow = sample_session(id="s-1"), sample_session(id="s-2", created_at=minutes(600))
    wrong = Decimal(7)
    with store.writing("main") as w:
        for session in (today, tomorrow):
            sessions.save_session(w, replace(session, gross_pnl=wrong, total_fees=wrong, total_trades=7))
        sold = {"action": Side.SELL, "timestamp": minutes(9), "fee": Decimal("0.25")}
        for name, session_id, change in (
            ("f-1", "s-1", {}),
            ("f-2", "s-1", {**sold, "realized_pnl": Decimal("3.10"), "timestamp": minutes(5)}),
            ("f-3", "s-1", {**sold, "realized_pnl": Decimal("-0.40")}),
            ("f-4", "s-2", {**sold, "realized_pnl": Decimal("9.00"), "trade_id": "t-2"}),
        ):
            fills.save_fill(w, sample_fill(id=name, session_id=session_id, **{"trade_id": "t-1", **change}))
        for trade_id in ("t-1", "t-2"):
            trades.save_trade(w, sample_trade(id=trade_id, exit_timestamp=minutes(9)))

        assert rebuild_session(w, "s-1") == replace(
            today, gross_pnl=Decimal("2.70"), total_fees=Decimal("1.50"), total_trades=1
        )
        assert rebuild_session(w, "s-2") == replace(
            tomorrow, gross_pnl=Decimal("9.00"), total_fees=Decimal("0.25"), total_trades=1
        )
        assert sessions_of_trade(w, "t-1") == ("s-1",)
        with pytest.raises(KeyError):
            rebuild_session(w, "s-3")
