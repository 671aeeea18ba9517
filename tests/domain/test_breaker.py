from dataclasses import replace
from decimal import Decimal

import pytest

from tests.domain.samples import NOON
from trading_bot.domain.breaker import Breaker, why_not_reset, why_trip
from trading_bot.domain.health import RunState
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.performance import Record, StreakType
from trading_bot.domain.risk import Refused

LIMITS = RiskLimits(max_consecutive_losses=3, max_rejections=4)
LOSING = Record(trades=10, losses=5, streak=5, streak_type=StreakType.LOSS)
LOST = Refused(
    code="RISK_003",
    cause="The daily loss limit is reached: limit -2000.00, is -2000.00.",
    figures={"limit": "-2000.00", "value": "-2000.00"},
)


def test_nothing_trips_it_on_a_calm_day() -> None:
    assert why_trip(daily_pnl=Decimal("-1999.99"), losses=2, rejections=3, limits=LIMITS) is None


def test_a_session_that_lost_its_limit_trips_it() -> None:
    assert why_trip(daily_pnl=Decimal("-2000.00"), losses=0, rejections=0, limits=LIMITS) == LOST


def test_too_many_losses_in_a_row_trip_it() -> None:
    assert why_trip(daily_pnl=Decimal(0), losses=3, rejections=0, limits=LIMITS) == Refused(
        code="RISK_005",
        cause="Too many trades in a row lost: limit 3, is 3.",
        figures={"limit": "3", "value": "3"},
    )


def test_too_many_rejections_trip_it_only_where_that_is_configured() -> None:
    assert why_trip(daily_pnl=Decimal(0), losses=0, rejections=4, limits=LIMITS) == Refused(
        code="RISK_011",
        cause="The venue rejected 4 orders within 10 minutes; the limit is 4.",
        figures={"limit": "4", "value": "4"},
    )
    assert why_trip(daily_pnl=Decimal(0), losses=0, rejections=999, limits=RiskLimits()) is None


@pytest.mark.parametrize(
    ("daily_pnl", "rejections", "code"), [("-2000.00", 0, "RISK_003"), ("0", 4, "RISK_011"), ("-1999.99", 3, None)]
)
def test_a_reset_is_refused_while_it_would_trip_again_at_once(
    daily_pnl: str, rejections: int, code: str | None
) -> None:
    obstacle = why_not_reset(daily_pnl=Decimal(daily_pnl), rejections=rejections, limits=LIMITS)

    assert (obstacle.code if obstacle else None) == code


def test_losses_are_counted_from_the_last_reset_on() -> None:
    reset = Breaker().reset(at=NOON, trades=8)

    assert Breaker().losses(LOSING) == 5
    assert reset.losses(LOSING) == 2
    assert Breaker().reset(at=NOON, trades=10).losses(LOSING) == 0
    assert Breaker().reset(at=NOON, trades=11).losses(LOSING) == 0  # a late fill has opened a trade again
    assert Breaker().losses(replace(LOSING, streak_type=StreakType.WIN)) == 0


def test_a_trip_keeps_why_and_what_to_go_back_to_and_a_reset_forgets_both() -> None:
    tripped = Breaker().tripped(LOST, at=NOON, session_id="s-1", before=(RunState.PAUSED, "lunch"))

    assert tripped.is_tripped
    assert tripped == Breaker(
        code="RISK_003",
        cause=LOST.cause,
        tripped_at=NOON,
        session_id="s-1",
        resume_as=RunState.PAUSED,
        resume_reason="lunch",
    )
    assert tripped.reset(at=NOON, trades=7) == Breaker(reset_at=NOON, trades_at_reset=7)
