from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from tests.strategies.charts import OPEN, chart, later, rises_and_rests, walks
from trading_bot.domain.config import BullFlag, VwapPullback
from trading_bot.domain.market import Bar
from trading_bot.strategies.propose import LOOKBACK, propose
from trading_bot.strategies.vwap_pullback import vwap

FLAG = """
100.05 100.40 100.00 100.40 3000
100.40 100.70 100.35 100.70 3200
100.70 101.00 100.65 100.95 2800
100.95 100.98 100.80 100.85 1200
100.85 100.90 100.75 100.80 1000
100.80 100.88 100.70 100.85 800
"""
PULLBACK = """
100.00 100.30 100.00 100.30 1000
100.30 100.60 100.30 100.60 1000
100.60 100.90 100.60 100.90 1000
100.90 101.20 100.90 101.20 1000
101.20 101.20 100.60 100.60 1000
100.65 100.95 100.65 100.80 1000
"""
FIVE = VwapPullback(trend_bars=5)


def test_each_strategy_proposes_its_own_entry() -> None:
    flag = propose(BullFlag(), chart(FLAG), session_open=OPEN, held=False)
    pullback = propose(FIVE, chart(PULLBACK), session_open=OPEN, held=False)

    assert flag is not None
    assert pullback is not None
    assert (flag.strategy_name, flag.entry_type) == ("bull-flag-breakout", "breakout")
    assert (pullback.strategy_name, pullback.entry_type) == ("vwap-pullback", "pullback")


def test_a_symbol_with_an_open_plan_gets_no_second_entry() -> None:
    assert propose(BullFlag(), chart(FLAG), session_open=OPEN, held=True) is None


def test_no_bars_give_no_proposal() -> None:
    assert propose(BullFlag(), (), session_open=OPEN, held=False) is None


@pytest.mark.parametrize("strategy", [BullFlag(), VwapPullback()])
def test_the_first_bars_of_a_session_give_no_proposal(strategy: BullFlag | VwapPullback) -> None:
    for count in range(1, 5):
        assert propose(strategy, chart(FLAG)[:count], session_open=OPEN, held=False) is None


def test_equities_are_not_entered_before_the_opening() -> None:
    early = chart(FLAG, start=OPEN - timedelta(minutes=6))

    assert propose(BullFlag(), early, session_open=OPEN, held=False) is None


def test_a_flag_that_began_before_the_opening_counts_for_nothing() -> None:
    early = chart(FLAG, start=OPEN - timedelta(minutes=3))

    assert propose(BullFlag(), early, session_open=OPEN, held=False) is None


def test_equities_are_not_entered_after_the_close() -> None:
    before_last = chart(FLAG, start=OPEN + timedelta(hours=6, minutes=30) - timedelta(minutes=7))
    at_the_last = chart(FLAG, start=OPEN + timedelta(hours=6, minutes=30) - timedelta(minutes=6))
    after_hours = chart(FLAG, start=OPEN + timedelta(hours=7))

    assert propose(BullFlag(), before_last, session_open=OPEN, held=False) is not None
    assert propose(BullFlag(), at_the_last, session_open=OPEN, held=False) is None
    assert propose(BullFlag(), after_hours, session_open=OPEN, held=False) is None


def test_coins_are_entered_round_the_clock() -> None:
    midnight = OPEN.replace(hour=0, minute=0)
    late = chart(FLAG, symbol="BTC/USD", start=midnight + timedelta(hours=23))

    assert propose(BullFlag(), late, session_open=midnight, held=False) is not None


def test_the_vwap_begins_with_the_session() -> None:
    before = chart("90.00 90.00 90.00 90.00 9000000", start=OPEN - timedelta(minutes=1))
    session = chart(PULLBACK)

    proposal = propose(FIVE, [*before, *session], session_open=OPEN, held=False)

    assert vwap([*before, *session]) != vwap(session)
    assert proposal is not None
    assert proposal.indicators["VWAP"] == "100.70"


@given(walks(longest=12), rises_and_rests())
def test_bars_before_the_opening_change_nothing(before: list[Bar], session: list[Bar]) -> None:
    earlier = later(before, timedelta(hours=-3))

    for strategy in (BullFlag(), VwapPullback()):
        alone = propose(strategy, session, session_open=OPEN, held=False)
        assert propose(strategy, [*earlier, *session], session_open=OPEN, held=False) == alone


def test_a_whole_session_of_coins_is_looked_at_through_the_last_400_bars() -> None:
    """A quiet day at 100.70 before the textbook pullback: 394 bars of it are still seen, and the line stays where it was."""
    quiet = chart("\n".join(["100.70 100.70 100.70 100.70 1000"] * 394), symbol="BTC/USD")
    move = later(
        [replace(bar, symbol="BTC/USD") for bar in chart(PULLBACK)],
        timedelta(minutes=394),
    )
    bars = [*quiet, *move]

    proposal = propose(FIVE, bars, session_open=OPEN, held=False)

    assert len(bars) == LOOKBACK == 400
    assert proposal is not None
    assert Decimal(proposal.indicators["VWAP"]) == Decimal("100.70")
