import hashlib
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, islice, pairwise

import pytest

from trading_bot.calendar import is_open
from trading_bot.domain.instruments import AssetClass
from trading_bot.domain.market import Bar
from trading_bot.venues.feeds.made_days import Regime, next_frame, traits
from trading_bot.venues.feeds.simulated import SimulatedFeed

OPEN = datetime(2025, 1, 6, 14, 30, tzinfo=UTC)
SESSION = 390


@pytest.fixture(scope="module")
def month() -> list[tuple[Bar, ...]]:
    """Twenty sessions of the default market."""
    return list(islice(SimulatedFeed(seed=7).minutes(None), 20 * SESSION))


def digest(minutes: list[tuple[Bar, ...]]) -> str:
    text = "\n".join(
        f"{b.symbol} {b.timestamp:%Y%m%d%H%M} {b.open} {b.high} {b.low} {b.close} {b.volume}"
        for m in minutes
        for b in m
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_a_seed_is_one_market_on_every_machine() -> None:
    both = SimulatedFeed(seed=7, symbols=("BTC/USD", "ACME"))

    assert digest(list(islice(SimulatedFeed(seed=7).minutes(None), SESSION))) == "00e984559ab7ad49"
    assert digest(list(islice(both.minutes(None), 2000))) == "3b9544fc18d117d2"
    assert digest(list(islice(SimulatedFeed(seed=8).minutes(None), SESSION))) == "209872aa127370a2"


def test_it_starts_at_the_open_of_its_first_session_with_every_symbol(month: list[tuple[Bar, ...]]) -> None:
    assert month[0][0].timestamp == OPEN
    assert {tuple(bar.symbol for bar in minute) for minute in month} == {("ACME", "BOLT", "CRUX", "DYNA")}


def test_closed_hours_days_and_afternoons_are_skipped(month: list[tuple[Bar, ...]]) -> None:
    days = {day: len(list(bars)) for day, bars in groupby(month, key=lambda minute: minute[0].timestamp.date())}

    assert all(is_open(AssetClass.EQUITY, minute[0].timestamp) for minute in month)
    assert set(days.values()) == {SESSION}
    assert date(2025, 1, 9) not in days  # a closed Thursday
    half = SimulatedFeed(seed=7).minutes(datetime(2025, 11, 27, tzinfo=UTC))
    assert sum(1 for minute in islice(half, SESSION) if minute[0].timestamp.date() == date(2025, 11, 28)) == 210


def test_it_can_be_entered_anywhere_and_is_the_same_market(month: list[tuple[Bar, ...]]) -> None:
    for index in (0, 388, 389, 390, 4000):
        feed = SimulatedFeed(seed=7)
        assert list(islice(feed.minutes(month[index][0].timestamp), 500)) == month[index + 1 : index + 501]
    between = datetime(2025, 1, 9, 3, 0, tzinfo=UTC)
    assert next(SimulatedFeed(seed=7).minutes(between))[0].timestamp == datetime(2025, 1, 10, 14, 30, tzinfo=UTC)


def test_a_symbol_moves_the_same_whatever_else_is_traded(month: list[tuple[Bar, ...]]) -> None:
    alone = SimulatedFeed(seed=7, symbols=("CRUX",))

    assert [bar for (bar,) in islice(alone.minutes(None), 800)] == [minute[2] for minute in month[:800]]
    wanted = SimulatedFeed(seed=7, symbols=("ACME",)).minutes(None, symbols=("ACME", "CRUX"))
    assert [minute[1] for minute in islice(wanted, 800)] == [minute[2] for minute in month[:800]]


def test_there_is_a_past_of_five_weeks_to_warm_up_with() -> None:
    feed = SimulatedFeed(seed=7)
    past = feed.history("BOLT", until=OPEN, count=100_000)

    assert len(past) == 22 * SESSION + 210  # 24 sessions less the closed ones; Christmas Eve is a half-day
    assert (past[0].timestamp.date(), past[-1].known_at) == (date(2024, 12, 2), datetime(2025, 1, 3, 21, 0, tzinfo=UTC))
    assert feed.history("BOLT", until=OPEN, count=5) == past[-5:]
    assert feed.history("BOLT", until=OPEN, count=0) == ()


def test_history_is_what_has_passed(month: list[tuple[Bar, ...]]) -> None:
    until = month[500][0].timestamp + timedelta(minutes=1)

    assert SimulatedFeed(seed=7).history("DYNA", until=until, count=300) == tuple(m[3] for m in month[201:501])


def test_prices_move_in_cents_and_volume_in_shares(month: list[tuple[Bar, ...]]) -> None:
    bars = [bar for minute in month for bar in minute]

    assert {bar.close.as_tuple().exponent for bar in bars} == {-2}
    assert all(bar.volume == bar.volume.to_integral_value() >= 1 for bar in bars)
    assert 100 < sum(bar.volume for bar in bars) / len(bars) < 50_000


def test_volume_is_high_at_both_ends_of_the_session(month: list[tuple[Bar, ...]]) -> None:
    by_minute = [
        sum(bar.volume for day in range(20) for bar in month[day * SESSION + minute]) for minute in range(SESSION)
    ]
    first, middle, last = sum(by_minute[:30]), sum(by_minute[180:210]), sum(by_minute[-30:])

    assert first > 2 * middle
    assert last > 2 * middle


def test_there_are_gaps_overnight_and_jumps_within_the_day(month: list[tuple[Bar, ...]]) -> None:
    gaps = [
        abs(month[day * SESSION][symbol].open / month[day * SESSION - 1][symbol].close - 1)
        for day in range(1, 20)
        for symbol in range(4)
    ]
    steps = sorted(
        abs(after[0].close / before[0].close - 1)
        for before, after in pairwise(month)
        if before[0].timestamp.date() == after[0].timestamp.date()
    )

    assert max(gaps) > 0.01
    assert sorted(gaps)[len(gaps) // 2] < 0.01
    assert steps[-1] > 8 * steps[len(steps) // 2] > 0


def test_days_trend_up_and_down_range_and_swing() -> None:
    known, before, seen = traits(7, "ACME"), None, []
    for number in range(250):
        before = next_frame(7, known, date(2024, 12, 2) + timedelta(days=number), before)
        seen.append(before)
    moves = {regime: [f.closes / f.opens - 1 for f in seen if f.regime is regime] for regime in Regime}

    assert min(len(found) for found in moves.values()) > 10
    assert sum(moves[Regime.UP]) / len(moves[Regime.UP]) > 0.005
    assert sum(moves[Regime.DOWN]) / len(moves[Regime.DOWN]) < -0.005
    assert max(map(abs, moves[Regime.RANGE])) < max(map(abs, moves[Regime.VOLATILE]))


def test_prices_come_back_and_never_run_away() -> None:
    for symbol in ("ACME", "BOLT", "CRUX", "DYNA", "BTC/USD"):
        known, before, closes = traits(7, symbol), None, []
        for number in range(5000):
            before = next_frame(7, known, date(2025, 1, 1) + timedelta(days=number), before)
            closes.append(before.closes / known.anchor)
        assert 0.3 < min(closes) < max(closes) < 3.0


def test_coins_trade_round_the_clock_in_fractions_and_without_gaps() -> None:
    minutes = list(islice(SimulatedFeed(seed=7, symbols=("ETH/USD",)).minutes(None), 3000))
    bars = [bar for (bar,) in minutes]

    assert bars[0].timestamp == datetime(2025, 1, 6, tzinfo=UTC)
    assert {after.timestamp - before.timestamp for before, after in pairwise(bars)} == {timedelta(minutes=1)}
    assert max(abs(after.open - before.close) for before, after in pairwise(bars)) <= 1
    assert any(bar.volume % 1 for bar in bars)


def test_far_years_are_reached_without_making_the_days_between() -> None:
    minute = next(SimulatedFeed(seed=7, symbols=("ACME",)).minutes(datetime(2035, 7, 2, 15, 0, tzinfo=UTC)))

    assert minute[0].timestamp == datetime(2035, 7, 2, 15, 1, tzinfo=UTC)


def test_a_symbol_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="was `acme`"):
        SimulatedFeed(seed=7, symbols=("acme",))
