"""The exchange and its market: pace, identity, broken feeds."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.hand_made import MINUTE, OPEN, PLAIN, Exchange, ManualClock, bar, flat, run
from trading_bot.domain.config import FeedKind
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Side
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.opening import open_feed
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import FeedEnded, MarketUpdate, NotYet, Rejected

HEADER = "timestamp,symbol,open,high,low,close,volume"


def test_venue_time_runs_at_the_speed_that_is_set(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(5), speed=60.0)  # a bar a second
    exchange.tick()

    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=1.0)
    exchange.clock.seconds = 0.75
    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=0.25)
    exchange.clock.seconds = 1.0
    assert exchange.tick().time == OPEN + 2 * MINUTE


def test_what_was_missed_is_not_caught_up_with_and_small_delays_do_not_add_up(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(6), speed=60.0)
    exchange.tick()
    exchange.clock.seconds = 1.25
    exchange.tick()
    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=0.75)

    exchange.clock.seconds = 60.0
    exchange.tick(2)
    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=1.0)


def test_a_gap_of_the_feed_takes_no_longer_than_a_bar(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [bar("1 1 1 1"), bar("1 1 1 1", at=5000)], speed=60.0)
    exchange.tick()

    assert run(exchange.venue.next_update(exchange.after)) == NotYet(wait_seconds=1.0)


def test_without_a_speed_nothing_waits(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(100))

    assert exchange.tick(100).time == OPEN + 100 * MINUTE


def test_the_clock_stands_still_until_the_bot_has_handled_the_minute(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(3), speed=60.0)
    first = exchange.tick()
    exchange.clock.seconds = 100.0

    assert [run(exchange.venue.next_update(None)) for _ in range(3)] == [first] * 3
    assert run(exchange.venue.account()).last_updated == first.time


def test_a_feed_ends_and_says_so_as_often_as_it_is_asked(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))
    last = exchange.tick(2)

    assert [run(exchange.venue.next_update(exchange.after)) for _ in range(2)] == [FeedEnded(reason="feed ended")] * 2
    assert run(exchange.venue.next_update(None)) == last


def candles(path: Path, bars: list[Bar], *, wrong: tuple[int, str] | None = None) -> Path:
    """A candle file; `wrong` replaces one line, counted from 1."""
    rows = [f"{b.timestamp:%Y-%m-%dT%H:%MZ},{b.symbol},{b.open},{b.high},{b.low},{b.close},{b.volume}" for b in bars]
    lines = [HEADER, *rows]
    if wrong:
        lines[wrong[0] - 1] = wrong[1]
    path.write_text("\n".join(lines) + "\n")
    return path


def replay(path: Path, file: Path, **changes: object) -> PaperVenue:
    config = replace(PLAIN, feed=FeedKind.REPLAY, candles=str(file), **changes)  # type: ignore[arg-type] # any field
    return PaperVenue(path / "venue.db", config, ManualClock(), open_feed(config, ()), ())


def test_a_ledger_takes_up_no_other_feed_and_no_other_starting_cash(tmp_path: Path) -> None:
    one, other = candles(tmp_path / "one.csv", flat(3)), candles(tmp_path / "other.csv", flat(4))
    run(replay(tmp_path, one).close())
    before = (tmp_path / "venue.db").read_bytes()

    with pytest.raises(Fault) as caught:
        replay(tmp_path, other)
    assert caught.value.code == "CFG_004"
    assert (caught.value.context["expected"]["file"], caught.value.context["given"]["file"]) == ("one.csv", "other.csv")
    assert caught.value.context["expected"]["sha256"] != caught.value.context["given"]["sha256"]
    with pytest.raises(Fault) as caught:
        replay(tmp_path, one, starting_cash=Decimal(5000))
    assert (caught.value.context["expected"]["starting_cash"], caught.value.context["given"]["starting_cash"]) == (
        "100000",
        "5000",
    )
    simulated = PaperConfig()
    with pytest.raises(Fault, match="CFG_004"):
        PaperVenue(tmp_path / "venue.db", simulated, ManualClock(), open_feed(simulated, ()), ())
    assert (tmp_path / "venue.db").read_bytes() == before

    renamed = one.rename(tmp_path / "renamed.csv")
    run(replay(tmp_path, renamed, starting_cash=Decimal("100000.00"), slippage_bps=Decimal(5)).close())


def test_another_seed_is_another_market(tmp_path: Path) -> None:
    for seed, code in ((7, None), (8, "CFG_004"), (7, None)):
        config = PaperConfig(seed=seed)
        if code is None:
            run(PaperVenue(tmp_path / "venue.db", config, ManualClock(), open_feed(config, ()), ()).close())
        else:
            with pytest.raises(Fault, match=code):
                PaperVenue(tmp_path / "venue.db", config, ManualClock(), open_feed(config, ()), ())


def test_the_market_stops_before_a_broken_row_and_goes_on_once_it_is_mended(tmp_path: Path) -> None:
    bars = [*flat(5), *flat(5, symbol="BOLT")]
    bars.sort(key=lambda b: (b.timestamp, b.symbol))
    file = candles(tmp_path / "bars.csv", bars, wrong=(7, "2025-01-06T14:32Z,BOLT,100,99,100,100,1"))
    venue = replay(tmp_path, file)
    update = run(venue.next_update(None))
    assert isinstance(update, MarketUpdate)
    update = run(venue.next_update(update.time))
    assert isinstance(update, MarketUpdate)

    for _ in range(2):
        with pytest.raises(Fault) as caught:
            run(venue.next_update(update.time))
        assert (caught.value.code, caught.value.context["file"], caught.value.context["line"]) == (
            "DATA_002",
            "bars.csv",
            7,
        )
    assert run(venue.account()).last_updated == update.time == OPEN + 2 * MINUTE
    run(venue.close())

    candles(file, bars)
    venue = replay(tmp_path, file)
    third = run(venue.next_update(update.time))
    assert isinstance(third, MarketUpdate)
    assert [b.symbol for b in third.bars] == ["ACME", "BOLT"]  # no bar of the broken minute is lost
    run(venue.close())

    candles(file, bars[:-1])
    with pytest.raises(Fault, match="CFG_004"):
        replay(tmp_path, file)


def test_a_mended_file_may_not_differ_before_the_broken_row(tmp_path: Path) -> None:
    file = candles(tmp_path / "bars.csv", flat(5), wrong=(4, "nonsense"))
    venue = replay(tmp_path, file)
    first = run(venue.next_update(None))
    assert isinstance(first, MarketUpdate)
    with pytest.raises(Fault, match="DATA_002"):
        run(venue.next_update(first.time))
    run(venue.close())

    candles(file, flat(5, price="101"))
    with pytest.raises(Fault, match="CFG_004"):
        replay(tmp_path, file)


def test_a_file_whose_first_row_is_broken_does_not_bind_the_home(tmp_path: Path) -> None:
    file = candles(tmp_path / "bars.csv", flat(3), wrong=(2, "nonsense"))
    with pytest.raises(Fault, match="DATA_002"):
        replay(tmp_path, file)

    candles(file, flat(3))
    assert run(replay(tmp_path, file).account()).last_updated == OPEN


def test_a_file_without_rows_is_no_market(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="DATA_001: The candle file has no rows"):
        replay(tmp_path, candles(tmp_path / "bars.csv", []))


def test_a_symbol_that_the_feed_lacks_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        Exchange(tmp_path, flat(2), symbols=("ACME", "NOPE"))
    assert (caught.value.code, caught.value.context) == (
        "CFG_001",
        {"field": "symbols", "missing": ["NOPE"], "known": ["ACME"]},
    )


def test_only_the_symbols_asked_for_are_traded_but_what_is_held_stays(tmp_path: Path) -> None:
    bars = [*flat(6), *flat(6, symbol="BOLT"), *flat(6, symbol="CRUX")]
    exchange = Exchange(tmp_path, bars, symbols=("ACME", "BOLT"))
    assert [b.symbol for b in exchange.tick().bars] == ["ACME", "BOLT"]
    assert exchange.refusal("in", symbol="CRUX") == "CRUX is not traded here"
    exchange.place("in", symbol="BOLT")
    exchange.tick()

    exchange._symbols = ("ACME",)
    exchange.reopen()

    assert run(exchange.venue.symbols()) == ("ACME", "BOLT")
    exchange.place("out", Side.SELL, symbol="BOLT")
    assert [b.symbol for b in exchange.tick().bars] == ["ACME", "BOLT"]
    exchange.reopen()
    assert run(exchange.venue.symbols()) == ("ACME",)


def test_bars_never_come_from_beyond_the_clock(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(9))
    exchange.tick(3)

    seen = run(exchange.venue.bars("ACME", until=OPEN + 9 * MINUTE, count=100))

    assert [b.timestamp for b in seen] == [OPEN, OPEN + MINUTE, OPEN + 2 * MINUTE]
    exchange.tick()
    assert len(run(exchange.venue.bars("ACME", until=OPEN + 9 * MINUTE, count=100))) == 4
    assert run(exchange.venue.bars("ACME", until=OPEN + 9 * MINUTE, count=0)) == ()
    assert run(exchange.venue.bars("NOPE", until=OPEN + 9 * MINUTE, count=5)) == ()


def test_a_simulated_market_starts_with_a_past_and_at_its_open(tmp_path: Path) -> None:
    config = PaperConfig(speed=None)
    venue = PaperVenue(tmp_path / "venue.db", config, ManualClock(), open_feed(config, ()), ())

    assert run(venue.account()).last_updated == OPEN
    assert run(venue.symbols()) == ("ACME", "BOLT", "CRUX", "DYNA")
    assert len(run(venue.bars("BOLT", until=OPEN, count=2000))) == 2000
    assert run(venue.quote("BOLT")).timestamp == datetime(2025, 1, 3, 21, 0, tzinfo=UTC)
    assert (venue.name, venue.dedupes, venue.replay_of) == ("paper", True, None)


def test_a_quote_without_a_price_is_a_fault(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, [*flat(3), bar("5 5 5 5", symbol="LATE", at=2)])
    exchange.tick()

    with pytest.raises(Fault, match="DATA_004"):
        run(exchange.venue.quote("LATE"))


def test_a_cancel_says_when_there_is_nothing_to_cancel(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, flat(2))

    assert run(exchange.venue.cancel("never")) == Rejected(code="ORD_004", reason="there is no such order")


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_a_replay_names_its_file(tmp_path: Path, name: str) -> None:
    file = candles(tmp_path / "bars.csv", flat(3))
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(file.read_bytes()))

    assert replay(tmp_path, tmp_path / name).replay_of == name
