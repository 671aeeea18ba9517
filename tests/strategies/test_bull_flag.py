from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.strategies.charts import OPEN, chart, rises_and_rests, scaled, walks
from trading_bot.domain.config import BullFlag
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal
from trading_bot.strategies.bull_flag import breakout, pattern_of

PLAIN = BullFlag()
QUIET = """
100.10 100.20 100.05 100.10 900
100.10 100.15 100.00 100.05 800
"""
POLE = """
100.05 100.40 100.00 100.40 3000
100.40 100.70 100.35 100.70 3200
100.70 101.00 100.65 100.95 2800
"""
FLAG = """
100.95 100.98 100.80 100.85 1200
100.85 100.90 100.75 100.80 1000
100.80 100.88 100.70 100.85 800
"""


def textbook() -> list[Bar]:
    return chart(QUIET.rstrip() + POLE.rstrip() + FLAG)


def test_a_textbook_flag_gives_exactly_this_proposal() -> None:
    assert breakout(PLAIN, textbook()) == EntryProposal(
        symbol="ACME",
        strategy_name="bull-flag-breakout",
        entry_type="breakout",
        order_type=OrderType.STOP,
        entry_price=Decimal("101.01"),
        stop_price=Decimal("100.69"),
        target_price=Decimal("101.65"),
        good_for_bars=5,
        reasoning=(
            "Bull flag: rose 1.00 % in 3 bars on 3.00 times the flag's volume, then gave back 30.00 % of it in 3 bars without a new high. "
            "Buy above resistance at 101.00, stop under the flag's low at 100.70, target 2 times the risk."
        ),
        indicators={
            "POLE_PCT": "1.00",
            "POLE_BARS": "3",
            "FLAG_RETRACE_PCT": "30.00",
            "FLAG_BARS": "3",
            "VOLUME_RATIO": "3.00",
            "RESISTANCE": "101.00",
            "SUPPORT": "100.70",
        },
    )


def test_a_flag_of_coins_is_entered_one_step_of_coins_above_its_resistance() -> None:
    coins = [replace(bar, symbol="BTC/USD") for bar in textbook()]

    proposal = breakout(PLAIN, coins)

    assert proposal is not None
    assert (proposal.entry_price, proposal.stop_price) == (Decimal("101.00000001"), Decimal("100.69999999"))


def test_prices_between_cents_are_moved_to_the_cents_outside_the_pattern() -> None:
    bars = textbook()
    bars[4] = replace(bars[4], high=Decimal("101.0050"))
    bars[7] = replace(bars[7], low=Decimal("100.6950"))

    proposal = breakout(PLAIN, bars)

    assert proposal is not None
    assert (proposal.entry_price, proposal.stop_price) == (Decimal("101.01"), Decimal("100.68"))


@pytest.mark.parametrize(
    ("parameter", "met", "missed"),
    [
        ("pole_min_pct", Decimal("1.00"), Decimal("1.01")),
        ("pole_bars", 3, None),
        ("flag_bars", 3, 2),
        ("flag_max_retrace_pct", Decimal("30.0"), Decimal("29.9")),
        ("volume_ratio", Decimal("3.0"), Decimal("3.1")),
    ],
)
def test_each_parameter_is_a_bound_that_may_be_met_but_not_missed(
    parameter: str, met: object, missed: object | None
) -> None:
    assert breakout(replace(PLAIN, **{parameter: met}), textbook()) is not None  # type: ignore[arg-type]  # by name
    if missed is not None:
        assert breakout(replace(PLAIN, **{parameter: missed}), textbook()) is None  # type: ignore[arg-type]  # by name


def test_a_rise_spread_over_more_than_pole_bars_is_no_pole() -> None:
    slow = "\n".join(f"{p}.00 {p}.20 {p}.00 {p}.20 3000" for p in range(100, 112))

    proposal = breakout(replace(PLAIN, pole_min_pct=Decimal(8)), chart(slow + FLAG.replace("100.", "110.")))

    assert proposal is None


def test_a_rise_without_volume_gives_none() -> None:
    assert (
        breakout(
            PLAIN, chart(POLE.replace("3000", "900").replace("3200", "1000").replace("2800", "950") + FLAG.lstrip())
        )
        is None
    )


def test_a_flag_in_which_nothing_was_traded_gives_none() -> None:
    silent = [replace(bar, volume=Decimal(0)) for bar in textbook()[-3:]]

    assert breakout(PLAIN, textbook()[:-3] + silent) is None


def test_a_flag_that_gives_back_more_than_half_gives_none() -> None:
    assert breakout(PLAIN, chart(POLE.rstrip() + FLAG.replace("100.88 100.70", "100.88 100.49"))) is None


def test_a_flag_of_more_bars_than_flag_bars_gives_none() -> None:
    long_flag = FLAG + "\n".join(["100.85 100.90 100.78 100.85 900"] * 4)

    assert breakout(PLAIN, chart(POLE.rstrip() + long_flag)) is None


def test_one_bar_of_rest_is_no_flag() -> None:
    assert breakout(PLAIN, textbook()[:-2]) is None


def test_one_bar_of_rise_is_no_pole() -> None:
    one = "100.00 101.00 100.00 100.95 3000"

    assert breakout(PLAIN, chart(one + FLAG)) is None


def test_a_flag_that_made_a_new_high_is_no_flag() -> None:
    assert breakout(PLAIN, chart(POLE.rstrip() + FLAG.replace("100.80 100.88", "100.80 101.02"))) is None


def test_a_flag_that_only_met_the_old_high_still_rests_under_it() -> None:
    proposal = breakout(PLAIN, chart(POLE.rstrip() + FLAG.replace("100.80 100.88", "100.80 101.00")))

    assert proposal is not None
    assert (proposal.entry_price, proposal.indicators["FLAG_BARS"]) == (Decimal("101.01"), "3")


def test_a_pattern_with_a_missing_minute_gives_none() -> None:
    bars = textbook()
    late = [replace(bar, timestamp=bar.timestamp + timedelta(minutes=1)) for bar in bars[-1:]]

    assert breakout(PLAIN, bars[:-1] + late) is None


def test_a_missing_minute_before_the_pole_does_not_matter() -> None:
    bars = textbook()
    early = [replace(bar, timestamp=bar.timestamp - timedelta(minutes=1)) for bar in bars[:2]]

    assert breakout(PLAIN, early + bars[2:]) is not None


def test_a_stop_within_the_noise_gives_none() -> None:
    """A flag of one cent under the high: its stop would stand three cents away, 0.03 % of $100."""
    tight = """
    100.99 101.00 100.99 100.99 1000
    100.99 101.00 100.99 100.99 1000
    """

    assert breakout(PLAIN, chart(POLE.rstrip() + tight)) is None


def test_there_is_no_proposal_before_the_shortest_pattern_exists() -> None:
    bars = chart(POLE.rstrip() + FLAG)

    assert [breakout(PLAIN, bars[:count]) is not None for count in range(len(bars) + 1)] == [
        *[False] * 5,
        *[True] * 2,
    ]


@example(textbook(), Decimal("0.5"))
@given(rises_and_rests(), st.decimals("0.5", "5", places=1))
def test_a_proposal_is_always_one_that_can_be_sent(bars: list[Bar], multiple: Decimal) -> None:
    proposal = breakout(replace(PLAIN, risk_multiple=multiple), bars)

    if proposal is None:
        return
    assert proposal.target_price is not None
    assert 0 < proposal.stop_price < proposal.entry_price < proposal.target_price
    assert proposal.entry_price - proposal.stop_price >= Decimal("0.02")
    assert all(
        price == instrument("ACME").price(price)
        for price in (proposal.entry_price, proposal.stop_price, proposal.target_price)
    )
    assert proposal.stop_price < min(bar.low for bar in bars[-2:])
    assert proposal.entry_price > max(bar.high for bar in bars[-3:])
    assert len(proposal.reasoning.encode()) <= 500


@given(st.one_of(walks(), rises_and_rests()))
def test_the_same_bars_give_the_same_proposal(bars: list[Bar]) -> None:
    assert breakout(PLAIN, bars) == breakout(PLAIN, list(bars))


@given(rises_and_rests(), st.sampled_from([2, 10, 1000]))
def test_the_unit_of_volume_does_not_matter(bars: list[Bar], factor: int) -> None:
    assert breakout(PLAIN, bars) == breakout(PLAIN, scaled(bars, volume=factor))


@given(rises_and_rests(), st.sampled_from([3, 10, 100]))
def test_the_unit_of_price_does_not_change_the_pattern(bars: list[Bar], factor: int) -> None:
    small, large = pattern_of(PLAIN, bars), pattern_of(PLAIN, scaled(bars, price=factor))

    assert (small is None) == (large is None)
    if small is not None and large is not None:
        assert (len(small.pole), len(small.flag)) == (len(large.pole), len(large.flag))
        assert large.height == small.height * factor
        assert large.volume_ratio == small.volume_ratio


@given(
    rises_and_rests(),
    st.decimals("0.01", "1", places=2),
    st.decimals(1, 50, places=0),
    st.decimals("0.1", "2", places=1),
)
def test_looser_bounds_never_lose_a_proposal(bars: list[Bar], pole: Decimal, retrace: Decimal, ratio: Decimal) -> None:
    strict = replace(PLAIN, pole_min_pct=pole, flag_max_retrace_pct=retrace, volume_ratio=ratio)
    loose = replace(
        strict, pole_min_pct=Decimal("0.01"), flag_max_retrace_pct=Decimal(100), volume_ratio=Decimal("0.1")
    )

    assert breakout(strict, bars) in (None, breakout(loose, bars))


@given(st.one_of(walks(), rises_and_rests()))
def test_a_pattern_ends_with_the_bars_and_keeps_to_its_lengths(bars: list[Bar]) -> None:
    pattern = pattern_of(PLAIN, bars)

    if pattern is not None:
        assert [*pattern.pole, *pattern.flag] == bars[-len(pattern.pole) - len(pattern.flag) :]
        assert 2 <= len(pattern.pole) <= 8
        assert 2 <= len(pattern.flag) <= 6
        assert pattern.pole[0].low == min(bar.low for bar in pattern.pole)
        assert pattern.resistance == max(bar.high for bar in (*pattern.pole, *pattern.flag))
        assert bars[0].timestamp == OPEN
