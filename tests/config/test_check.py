"""What is wrong with a configuration: all of it at once, each mistake with its place, its range and a way out."""

from typing import Any

import pytest

from tests.config.made import stored
from trading_bot.domain.config import BotConfig, FeedKind, PaperVenue
from trading_bot.services.config_check import Checked, check
from trading_bot.services.config_fields import shown
from trading_bot.services.config_patch import merged
from trading_bot.services.config_suggestions import GONE

BASE = stored().values


def told(checked: Checked) -> list[tuple[str, str, Any, Any]]:
    return [(one.code, shown(one.path), one.value, one.suggestion) for one in checked.problems]


def test_all_mistakes_are_told_at_once_whatever_found_them() -> None:
    checked = check(
        merged(
            BASE,
            {
                "mode": "live",
                "symbols": ["AAPL", "aapl"],
                "risk": {"max_position_size_pct": 25, "daily_loss_limit": -1500, "max_opn_positions": 3},
                "strategies": [{"kind": "bull-flag", "flag_bars": "6"}, {"stop_pct": "0.001"}],
                "decider": {"kind": "language-model"},
                "venue": {"feed": "replay"},
                "alerts": 7,
            },
        ),
        current=BASE,
    )

    assert checked.config is None
    assert told(checked) == [
        ("CFG_001", "alerts", 7, BASE["alerts"]),
        ("CFG_001", "decider.url", None, None),
        ("CFG_001", "mode", "live", "LIVE"),
        ("CFG_001", "risk.daily_loss_limit", -1500, "-1500"),
        ("CFG_001", "risk.max_opn_positions", None, GONE),
        ("CFG_001", "risk.max_position_size_pct", 25, 10.0),
        ("CFG_001", "strategies[0].flag_bars", "6", 6),
        ("CFG_001", "strategies[0].kind", "bull-flag", "bull-flag-breakout"),
        ("CFG_001", "strategies[1].kind", None, "vwap-pullback"),
        ("CFG_001", "strategies[1].stop_pct", "0.001", "0.01"),
        ("CFG_001", "symbols[1]", "aapl", "AAPL"),
        ("CFG_001", "venue.candles", None, None),
    ]
    assert checked.is_mended
    assert checked.mended["risk"] == {**BASE["risk"], "max_position_size_pct": 10.0, "daily_loss_limit": "-1500"}


@pytest.mark.parametrize(
    ("patch", "cause", "allowed"),
    [
        (
            {"risk": {"max_open_positions": 2.5}},
            "Expected `risk.max_open_positions` to be a whole number from 1 to 100 (plans).",
            "a whole number from 1 to 100 (plans)",
        ),
        (
            {"risk": {"max_rejections": 0}},
            "Expected `risk.max_rejections` to be a whole number from 1 to 1000 (orders), or null.",
            "a whole number from 1 to 1000 (orders), or null",
        ),
        (
            {"strategies": [{"kind": "vwap-pullback", "stop_pct": "25"}]},
            "Expected `strategies[0].stop_pct` to be a decimal in quotes from 0.01 to 20 (percent of the VWAP).",
            "a decimal in quotes from 0.01 to 20 (percent of the VWAP)",
        ),
        (
            {"backup": {"daily_at": "24:00"}},
            "Expected `backup.daily_at` to be text as HH:MM from 00:00 to 23:59, or null.",
            "text as HH:MM from 00:00 to 23:59, or null",
        ),
        (
            {"risk": {"max_exposure": 10}},
            "There is no `risk.max_exposure`, did you mean `risk.max_exposure_pct`?",
            (
                "one of max_position_size_pct, max_exposure_pct, risk_per_trade_pct, daily_loss_limit, max_open_positions, "
                "max_data_age_seconds, max_consecutive_losses, max_orders_per_minute, price_collar_pct, max_rejections, "
                "rejection_window_minutes, breaker_reset"
            ),
        ),
        (
            {"decider": {"url": "https://models.example/v1?key=hunter2"}},
            "Expected `decider.url` such as https://example.com/v1: no user, password, query or fragment in it.",
            "text such as https://example.com/v1: no user, password, query or fragment in it, or null",
        ),
        (
            {"symbols": ["AAPL"], "decider": {"symbols": ["MSFT"]}},
            "Expected `decider.symbols` among `symbols`, was MSFT besides.",
            "a list from 0 to 10 items",
        ),
    ],
)
def test_a_mistake_says_what_is_due(patch: dict[str, Any], cause: str, allowed: str) -> None:
    (problem,) = check(merged(BASE, patch), current=BASE).problems

    assert (problem.cause, problem.allowed) == (cause, allowed)


@pytest.mark.parametrize("values", [None, 3, [], "text", True])
def test_what_is_no_object_is_one_mistake(values: Any) -> None:
    (problem,) = check(values, current=BASE).problems

    assert problem.cause == "Expected `(whole configuration)` to be an object."
    assert problem.suggestion == BASE


@pytest.mark.parametrize(
    "values",
    [
        {1: 2},
        {"risk": None},
        {"strategies": [None]},
        {"strategies": "all"},
        {"name": "\ud800"},
        {"name": "two\nlines"},
        {"symbols": ["AAPL\n"]},
        {"risk": {"max_exposure_pct": float("nan")}},
        {"risk": {"max_exposure_pct": float("inf")}},
        {"risk": {"max_open_positions": True}},
        {"risk": {"daily_loss_limit": "NaN"}},
        {"risk": {"daily_loss_limit": "-1e3"}},
        {"venue": {"seed": 2**63}},
    ],
)
def test_strange_values_are_refused_and_mended(values: Any) -> None:
    checked = check(values, current=BASE)

    assert len(checked.problems) == 1
    assert checked.config is None
    assert checked.is_mended


def test_a_mistake_in_one_strategy_is_not_blamed_on_the_others() -> None:
    strategies = [{"kind": "bull-flag-breakout"}, {"kind": "vwap-pullback", "levels": 5}]
    (problem,) = check({"strategies": strategies}).problems

    assert problem.cause == "There is no `strategies[1].levels`."


def test_no_more_than_fifty_are_told() -> None:
    checked = check({f"key{number}": number for number in range(200)})

    assert len(checked.problems) == 50


def test_an_empty_configuration_is_all_defaults() -> None:
    assert check({}).config == BotConfig()


def test_what_is_left_out_is_as_by_default() -> None:
    venue = PaperVenue(feed=FeedKind.REPLAY, candles="day.csv")

    assert check({"venue": {"feed": "replay", "candles": "day.csv"}}).config == BotConfig(venue=venue)
