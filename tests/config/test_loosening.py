"""Which way each limit gets looser, and what is taken back without an operator."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from tests.config.made import FAST, configs
from trading_bot.domain.account import TradingMode
from trading_bot.domain.config import BotConfig
from trading_bot.domain.hours import SessionHours
from trading_bot.domain.limits import BreakerReset, RiskLimits
from trading_bot.domain.loosening import kept_tight, loosened

LOOSER: dict[str, tuple[Any, Any]] = {
    "max_position_size_pct": (5.0, 6.0),
    "max_exposure_pct": (50.0, 51.0),
    "risk_per_trade_pct": (0.5, 0.6),
    "daily_loss_limit": (Decimal(-2_000), Decimal(-2_001)),
    "max_open_positions": (10, 11),
    "max_data_age_seconds": (180.0, 181.0),
    "max_consecutive_losses": (20, 21),
    "max_orders_per_minute": (30, 31),
    "price_collar_pct": (5.0, 5.5),
    "max_rejections": (5, None),
    "rejection_window_minutes": (10, 9),
    "breaker_reset": (BreakerReset.COMMAND, BreakerReset.NEXT_SESSION),
}

LOOSER_HOURS: dict[str, tuple[Any, Any]] = {
    "entries_after_open_minutes": (15, 14),
    "entries_before_close_minutes": (30, 29),
    "flatten_before_close_minutes": (10, None),
}


@pytest.mark.parametrize("name", LOOSER)
def test_a_limit_gets_looser_one_way_only(name: str) -> None:
    tight, loose = LOOSER[name]
    before = BotConfig(risk=replace(RiskLimits(), **{name: tight}))
    after = BotConfig(risk=replace(RiskLimits(), **{name: loose}))

    assert loosened(before, after) == (f"risk.{name}",)
    assert loosened(after, before) == ()
    assert loosened(before, before) == ()


def test_every_limit_is_among_them() -> None:
    assert sorted(LOOSER) == sorted(field.name for field in fields(RiskLimits))
    assert sorted(LOOSER_HOURS) == sorted(field.name for field in fields(SessionHours))


@pytest.mark.parametrize("name", LOOSER_HOURS)
def test_hours_for_entries_get_looser_by_fewer_minutes_and_by_no_close_of_positions(name: str) -> None:
    tight, loose = LOOSER_HOURS[name]
    before, after = (BotConfig(hours=SessionHours(**{name: minutes})) for minutes in (tight, loose))

    assert loosened(before, after) == (f"hours.{name}",)
    assert loosened(after, before) == ()


def test_positions_that_are_closed_later_are_looser_too() -> None:
    before, after = (BotConfig(hours=SessionHours(flatten_before_close_minutes=minutes)) for minutes in (10, 9))

    assert loosened(before, after) == ("hours.flatten_before_close_minutes",)


def test_a_rejection_limit_of_more_is_looser_too() -> None:
    before, after = (BotConfig(risk=RiskLimits(max_rejections=count)) for count in (5, 6))

    assert loosened(before, after) == ("risk.max_rejections",)


def test_real_money_is_looser_than_paper() -> None:
    assert loosened(BotConfig(), BotConfig(mode=TradingMode.LIVE)) == ("mode",)
    assert loosened(BotConfig(mode=TradingMode.LIVE), BotConfig()) == ()


def test_what_is_taken_back_keeps_the_tighter_limits() -> None:
    in_force = BotConfig(
        name="new",
        risk=RiskLimits(max_open_positions=3, max_exposure_pct=80.0),
        hours=SessionHours(entries_after_open_minutes=20, flatten_before_close_minutes=5),
    )
    wanted = BotConfig(
        name="old",
        risk=RiskLimits(max_open_positions=10, max_exposure_pct=50.0),
        hours=SessionHours(entries_after_open_minutes=10, entries_before_close_minutes=45),
    )

    assert kept_tight(in_force, wanted) == BotConfig(
        name="old",
        risk=RiskLimits(max_open_positions=3, max_exposure_pct=50.0),
        hours=SessionHours(
            entries_after_open_minutes=20, entries_before_close_minutes=45, flatten_before_close_minutes=5
        ),
    )


@settings(max_examples=25, deadline=None, phases=FAST)
@given(configs(), configs())
def test_nothing_that_is_taken_back_loosens_a_limit(in_force: BotConfig, wanted: BotConfig) -> None:
    assert loosened(in_force, kept_tight(in_force, wanted)) == ()
