from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import NOON
from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.watch import PerformanceMetric, Result, Window, measured

SILENT = AlertThresholds(min_win_rate=None, min_profit_factor=None, max_drawdown_pct=None, max_consecutive_losses=None)
LAST = Result(trade_id="t-1", exited_at=NOON, net=Decimal(0))


def window(*results: str | int, capital: str = "1000.00") -> Window:
    found = Window(capital=Decimal(capital))
    for result in results:
        found = found.after(Decimal(result))
    return found


def test_the_figures_of_a_short_window() -> None:
    assert measured(window("10", "-40", "0", "-20", "90", "-5", "-7"), LAST, SILENT) == PerformanceMetric(
        id="t-1",
        timestamp=NOON,
        window_size=20,
        win_rate=0.285714,
        profit_factor=1.388889,  # 100 / 72
        max_drawdown_pct=-5.940594,  # from 1,010 to 950
        consecutive_losses=2,
        total_trades=7,
        alert_triggered=False,
        alert_message=None,
    )


def test_without_a_loss_the_profit_factor_is_not_defined() -> None:
    assert window("10", "0").profit_factor is None
    assert window("-10").profit_factor == 0.0


def test_a_breakeven_ends_a_losing_streak() -> None:
    assert window("-1", "-1", "0").consecutive_losses == 0


def test_the_oldest_result_leaves_a_full_window_and_becomes_capital() -> None:
    assert window(*["5"] * 20, "7") == Window(capital=Decimal("1005.00"), results=(*[Decimal(5)] * 19, Decimal(7)))


def test_an_account_that_lost_everything_has_a_figure_too() -> None:
    assert window("-1000.00", "-10.00").max_drawdown_pct == -101.0
    assert window("-5", capital="0").max_drawdown_pct == 0.0


@pytest.mark.parametrize(
    ("thresholds", "results", "message"),
    [
        ({"min_win_rate": 0.3}, [1] * 5 + [-1] * 15, "Win rate 0.25 is below 0.3."),
        ({"min_profit_factor": 0.5}, [1, -1, -1] * 6 + [1, -3], "Profit factor 0.466667 is below 0.5."),
        ({"max_drawdown_pct": -1.0}, [-11], "Drawdown -1.1 % is below -1 %."),
        ({"max_consecutive_losses": 2}, [-1, -1], "2 trades in a row lost; 2 were to be told of."),
    ],
)
def test_each_threshold_is_told_of_with_its_figures(
    thresholds: dict[str, Any], results: list[int], message: str
) -> None:
    metric = measured(window(*results), LAST, replace(SILENT, **thresholds))

    assert (metric.alert_triggered, metric.alert_message) == (True, message)


@pytest.mark.parametrize(
    ("thresholds", "results"),
    [
        ({"min_win_rate": 0.25}, [1] * 5 + [-1] * 15),
        ({"min_profit_factor": 0.5}, [1, -1, -1] * 6 + [1, -2]),
        ({"max_drawdown_pct": -1.1}, [-11]),
        ({"max_consecutive_losses": 2}, [-1]),
    ],
)
def test_a_figure_at_its_threshold_is_not_told_of(thresholds: dict[str, Any], results: list[int]) -> None:
    assert measured(window(*results), LAST, replace(SILENT, **thresholds)).alert_message is None


def test_rates_are_not_judged_before_the_window_is_full() -> None:
    strict = AlertThresholds(
        min_win_rate=1.0, min_profit_factor=100.0, max_drawdown_pct=None, max_consecutive_losses=None
    )

    assert measured(window(*[-1] * 19), LAST, strict).alert_message is None
    assert measured(window(*[-1] * 20), LAST, strict).alert_message == (
        "Win rate 0 is below 1. Profit factor 0 is below 100."
    )


NET = st.decimals(-500, 500, places=2)


@given(st.lists(NET, min_size=1, max_size=60))
def test_going_on_trade_by_trade_equals_the_figures_made_from_all_of_them(results: list[Decimal]) -> None:
    capital = Decimal("100000.00")
    incremental = Window(capital=capital)
    for result in results:
        incremental = incremental.after(result)

    last = results[-20:]
    curve = [capital + sum(results[: len(results) - len(last) + n], Decimal(0)) for n in range(len(last) + 1)]
    falls = [(now - max(curve[: n + 1])) / max(curve[: n + 1]) * 100 for n, now in enumerate(curve)]
    gained, lost = sum(r for r in last if r > 0), -sum(r for r in last if r < 0)
    streak = next((n for n, result in enumerate(reversed(last)) if result >= 0), len(last))
    assert incremental.capital == curve[0]
    assert incremental.win_rate == round(sum(r > 0 for r in last) / len(last), 6)
    assert incremental.profit_factor == (round(float(Decimal(gained) / Decimal(lost)), 6) if lost else None)
    assert incremental.max_drawdown_pct == round(float(min(falls)), 6)
    assert incremental.consecutive_losses == streak
