from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON, sample_fill, sample_plan
from trading_bot.domain.account import TradingMode
from trading_bot.domain.money import ZERO
from trading_bot.domain.performance import PerformanceMetrics, Record, StreakType, metrics
from trading_bot.domain.trades import Outcome, Trade, trade_of


def trade(net: str | Decimal, *, ratio: float | None = 2.0) -> Trade:
    """A closed trade of that net result."""
    entered = trade_of(
        sample_plan(),
        (sample_fill(),),
        mode=TradingMode.PAPER,
        account_id=None,
        bot_version="1.0.0",
        recorded_at=NOON,
    )
    assert entered is not None
    result = Decimal(net)
    outcome = Outcome.WIN if result > 0 else Outcome.LOSS if result < 0 else Outcome.BREAKEVEN
    return replace(entered, outcome=outcome, net_profit_loss=result, exit_timestamp=NOON, risk_reward_ratio=ratio)


def record_of(*nets: str | Decimal) -> Record:
    record = Record()
    for net in nets:
        record = record.with_trade(trade(net))
    return record


def test_nothing_is_known_before_the_first_trade() -> None:
    assert metrics(Record(), unrealized=Decimal("5.00"), trades_today=0, session_count=1) == PerformanceMetrics(
        win_rate=None,
        avg_risk_reward=None,
        total_realized_pl=ZERO,
        total_unrealized_pl=Decimal("5.00"),
        current_streak=0,
        streak_type=None,
        trades_today=0,
        session_count=1,
        max_drawdown=ZERO,
    )


def test_the_figures_of_a_short_history() -> None:
    shown = metrics(
        record_of("10.00", "-4.00", "-8.00", "5.00", "-1.00", "-2.00"),
        unrealized=Decimal("-3.00"),
        trades_today=2,
        session_count=4,
    )

    assert shown == PerformanceMetrics(
        win_rate=0.333333,
        avg_risk_reward=2.0,
        total_realized_pl=Decimal("0.00"),
        total_unrealized_pl=Decimal("-3.00"),
        current_streak=2,
        streak_type=StreakType.LOSS,
        trades_today=2,
        session_count=4,
        max_drawdown=Decimal("-12.00"),
    )
    assert shown.total_pl == Decimal("-3.00")


def test_a_loss_at_the_very_start_is_a_drawdown() -> None:
    assert record_of("-7.00").max_drawdown == Decimal("-7.00")


def test_a_new_high_does_not_undo_the_deepest_fall() -> None:
    assert record_of("10.00", "-6.00", "100.00", "-5.00").max_drawdown == Decimal("-6.00")


def test_a_breakeven_ends_a_streak_and_begins_none() -> None:
    record = record_of("1.00", "1.00", "0.00")

    assert (record.streak, record.streak_type) == (0, None)
    assert (record.trades, record.wins, record.losses) == (3, 2, 0)
    assert (record_of("1.00", "0.00", "1.00").streak) == 1


def test_trades_without_a_planned_ratio_are_left_out_of_its_mean() -> None:
    record = Record().with_trade(trade("1.00", ratio=3.0)).with_trade(trade("1.00", ratio=None))

    assert metrics(record, unrealized=ZERO, trades_today=0, session_count=1).avg_risk_reward == 3.0


def test_an_open_trade_does_not_count() -> None:
    entered = replace(trade("1.00"), outcome=Outcome.OPEN, net_profit_loss=None, exit_timestamp=None)

    with pytest.raises(ValueError, match="Expected a closed trade, `aaaqeayeaudao` is open"):
        Record().with_trade(entered)


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=25))
def test_going_on_from_totals_equals_working_all_of_it_out_again(nets: list[Decimal]) -> None:
    record = record_of(*nets)

    curve = [sum(nets[:count], ZERO) for count in range(len(nets) + 1)]
    signs = [(net > 0) - (net < 0) for net in nets]
    tail = next((n for n in range(len(signs)) if signs[-1 - n] != signs[-1]), len(signs)) if signs else 0
    assert record.trades == len(nets)
    assert record.wins == sum(net > 0 for net in nets)
    assert record.losses == sum(net < 0 for net in nets)
    assert record.realized == curve[-1]
    assert record.peak == max(curve)
    assert record.max_drawdown == min(now - max(curve[: index + 1]) for index, now in enumerate(curve))
    assert record.max_drawdown <= 0
    assert record.streak == (tail if signs and signs[-1] else 0)
    assert (record.streak_type is None) == (record.streak == 0)


def test_a_trade_taken_back_leaves_what_was_reached() -> None:
    record = record_of("5.00", "10.00").without_trade(trade("10.00"))

    assert (record.trades, record.wins, record.realized) == (1, 1, Decimal("5.00"))
    assert (record.streak, record.streak_type) == (1, StreakType.WIN)
    assert (record.risk_reward_sum, record.risk_reward_count) == (2.0, 1)
    assert record.peak == Decimal("15.00")


def test_an_earlier_trade_taken_back_leaves_a_streak_of_the_other_kind() -> None:
    record = record_of("5.00", "-1.00").without_trade(trade("5.00"))

    assert (record.wins, record.losses) == (0, 1)
    assert (record.streak, record.streak_type) == (1, StreakType.LOSS)


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=10), st.decimals(-1000, 1000, places=2))
def test_a_trade_taken_back_does_not_count(nets: list[Decimal], net: Decimal) -> None:
    before = record_of(*nets)

    back = before.with_trade(trade(net)).without_trade(trade(net))

    assert (back.trades, back.wins, back.losses, back.realized) == (
        before.trades,
        before.wins,
        before.losses,
        before.realized,
    )
    assert back.max_drawdown <= before.max_drawdown
    assert (back.streak_type is None) == (back.streak == 0)
