from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.charts import chart, rises_and_pullbacks, scaled, walks
from trading_bot.domain.config import VwapPullback
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal
from trading_bot.strategies.vwap_pullback import pullback, swing, vwap

FIVE = VwapPullback(trend_bars=5)
# Typical prices 100.20, 100.50, 100.80, 101.10, 100.80 and 100.80 on equal volumes: the VWAP is 100.70.
RISE = """
100.00 100.30 100.00 100.30 1000
100.30 100.60 100.30 100.60 1000
100.60 100.90 100.60 100.90 1000
100.90 101.20 100.90 101.20 1000
101.20 101.20 100.60 100.60 1000
"""
TOUCH = "100.65 100.95 100.65 100.80 1000"


def textbook() -> list[Bar]:
    return chart(RISE + TOUCH)


def with_last(row: str) -> list[Bar]:
    return chart(RISE + row)


def test_a_textbook_pullback_gives_exactly_this_proposal() -> None:
    assert pullback(FIVE, textbook()) == EntryProposal(
        symbol="ACME",
        strategy_name="vwap-pullback",
        entry_type="pullback",
        order_type=OrderType.LIMIT,
        entry_price=Decimal("100.80"),
        stop_price=Decimal("100.44"),
        target_price=Decimal("101.34"),
        good_for_bars=5,
        reasoning=(
            "VWAP pullback: after a rise of 1.20 % within 5 bars, their mean close above the VWAP, the price came back to 100.65, touched "
            "the VWAP at 100.70 and closed above it at 100.80. Buy there, stop 0.25 % under the VWAP, target 1.5 times the risk."
        ),
        indicators={"VWAP": "100.70", "TREND_PCT": "1.20", "TOUCH_LOW": "100.65", "CLOSE": "100.80"},
    )


@pytest.mark.parametrize(
    ("parameter", "met", "missed"),
    [
        ("trend_min_pct", Decimal("1.20"), Decimal("1.21")),
        ("touch_pct", Decimal("0.0497"), Decimal("0.0496")),
        ("trend_bars", 5, 6),
    ],
)
def test_each_parameter_is_a_bound_that_may_be_met_but_not_missed(parameter: str, met: object, missed: object) -> None:
    assert pullback(replace(FIVE, **{parameter: met}), textbook()) is not None  # type: ignore[arg-type]  # by name
    assert pullback(replace(FIVE, **{parameter: missed}), textbook()) is None  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("why", "row"),
    [
        ("stayed above the VWAP", "100.85 100.95 100.80 100.90 1000"),
        ("fell far below the VWAP", "100.65 100.95 100.40 100.80 1000"),
        ("closed below the VWAP", "100.62 100.75 100.62 100.66 1000"),
        ("was sold again", "100.90 100.95 100.65 100.80 1000"),
    ],
)
def test_a_bar_that_was_not_taken_up_from_the_line_gives_none(why: str, row: str) -> None:
    assert pullback(FIVE, with_last(row)) is None, why


def test_a_trend_whose_mean_close_stands_below_the_vwap_gives_none() -> None:
    """A first bar on heavy volume lifts the VWAP to 101.00; the later bars touch it from below."""
    bars = chart("""
        101.00 101.05 100.95 101.00 1000000
        100.00 100.30 100.00 100.30 10
        100.30 100.60 100.30 100.60 10
        100.60 100.90 100.60 100.90 10
        100.90 101.05 100.90 101.05 10
        101.05 101.05 100.90 100.95 10
        100.95 101.20 100.95 101.10 10
    """)

    assert pullback(FIVE, bars) is None


def test_a_session_without_volume_gives_none() -> None:
    assert pullback(FIVE, [replace(bar, volume=Decimal(0)) for bar in textbook()]) is None


def test_a_stop_within_the_noise_gives_none() -> None:
    """A stop of 0.01 % under the VWAP and a close one cent above the line: less than 0.05 % of the price."""
    tight = replace(FIVE, stop_pct=Decimal("0.01"))

    assert pullback(tight, with_last("100.65 100.80 100.65 100.71 1000")) is None


def test_there_is_no_proposal_before_the_trend_has_its_bars() -> None:
    assert [pullback(FIVE, textbook()[:count]) for count in range(1, 6)] == [None] * 5


def test_vwap_is_the_mean_typical_price_weighted_by_volume() -> None:
    bars = chart("""
        10 12 9 12 100
        11 11 11 11 300
    """)

    assert vwap(bars) == Decimal(11)
    assert vwap(chart("10 10 10 10 100\n 11 11 11 11 100")) == Decimal("10.5")
    assert vwap(chart("10 10 10 10 0")) is None


def test_a_swing_runs_from_a_low_to_a_later_high() -> None:
    bars = chart("""
        104 105 103 104 1
        104 104 100 100 1
        100 103 100 103 1
        103 103  99  99 1
        99  101  99 101 1
    """)

    assert swing(bars) == (Decimal(100), Decimal(103))


def test_a_fall_has_no_swing() -> None:
    start, end = swing(chart("104 104 103 103 1\n 103 103 102 102 1\n 102 102 101 101 1"))

    assert start == end


@given(walks())
def test_vwap_lies_within_the_range_of_the_bars(bars: list[Bar]) -> None:
    line = vwap(bars)

    if line is None:
        assert all(bar.volume == 0 for bar in bars)
    else:
        slack = Decimal("1e-20")  # the last of 28 digits may be rounded outwards
        assert min(bar.low for bar in bars) - slack <= line <= max(bar.high for bar in bars) + slack


@given(walks(longest=20))
def test_the_swing_is_the_largest_rise_of_all_pairs(bars: list[Bar]) -> None:
    start, end = swing(bars)

    pairs = [later.high - early.low for index, early in enumerate(bars) for later in bars[index + 1 :]]
    assert end - start == max([*pairs, Decimal(0)])


@given(rises_and_pullbacks())
def test_a_proposal_is_always_one_that_can_be_sent(bars: list[Bar]) -> None:
    proposal = pullback(VwapPullback(), bars)

    if proposal is not None:
        assert proposal.target_price is not None
        assert 0 < proposal.stop_price < proposal.entry_price < proposal.target_price
        assert all(
            price == instrument("ACME").price(price)
            for price in (proposal.entry_price, proposal.stop_price, proposal.target_price)
        )
        line = vwap(bars)
        assert line is not None
        assert proposal.stop_price < line < bars[-1].close
        assert proposal.entry_price == bars[-1].close
        assert len(proposal.reasoning.encode()) <= 500


@given(rises_and_pullbacks(), st.sampled_from([2, 10, 1000]))
def test_the_unit_of_volume_does_not_matter(bars: list[Bar], factor: int) -> None:
    assert pullback(VwapPullback(), bars) == pullback(VwapPullback(), scaled(bars, volume=factor))


@given(rises_and_pullbacks(), st.sampled_from([2, 10, 100]))
def test_a_finer_unit_of_price_loses_no_proposal(bars: list[Bar], factor: int) -> None:
    """Ratios decide, so the same chart in a larger price proposes the same levels but for the rounding to cents."""
    small = pullback(VwapPullback(), bars)
    large = pullback(VwapPullback(), scaled(bars, price=factor))

    if small is not None:
        assert large is not None
        assert large.entry_price == small.entry_price * factor
        assert abs(large.stop_price - small.stop_price * factor) <= Decimal("0.01") * factor
        assert large.indicators["TREND_PCT"] == small.indicators["TREND_PCT"]


@given(rises_and_pullbacks(), st.decimals("0.01", "2", places=2), st.decimals("0.001", "1", places=3))
def test_looser_bounds_never_lose_a_proposal(bars: list[Bar], trend: Decimal, touch: Decimal) -> None:
    strict = VwapPullback(trend_min_pct=trend, touch_pct=touch)
    loose = replace(strict, trend_min_pct=Decimal("0.01"), touch_pct=Decimal(10))

    assert pullback(strict, bars) in (None, pullback(loose, bars))
