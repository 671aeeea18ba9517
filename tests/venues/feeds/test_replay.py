from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.replay import ReplayFeed

HEADER = "timestamp,symbol,open,high,low,close,volume"
MINUTE = timedelta(minutes=1)


def write(path: Path, *rows: str) -> Path:
    """Rows of "HH:MM SYMBOL price"; a row that starts with ! stands as it is."""
    lines = [HEADER]
    for row in rows:
        if row.startswith("!"):
            lines.append(row[1:])
        else:
            time, symbol, price = row.split()
            lines.append(f"2025-01-06T{time}:00Z,{symbol},{price},{price},{price},{price},100")
    path.write_text("\n".join(lines) + "\n")
    return path


def shown(minutes: object) -> list[str]:
    return [f"{m[0].timestamp:%H:%M} " + " ".join(b.symbol for b in m) for m in minutes]  # type: ignore[attr-defined] # an iterator of minutes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bars.csv"


def test_bars_of_one_minute_come_together_by_symbol(file: Path) -> None:
    feed = ReplayFeed(write(file, "14:30 BB 5", "14:30 AA 5", "14:32 AA 5", "14:33 AA 5", "14:33 BB 5"))

    assert shown(feed.minutes(None)) == ["14:30 AA BB", "14:32 AA", "14:33 AA BB"]
    assert feed.symbols() == ("AA", "BB")


def test_it_goes_on_after_any_minute(file: Path) -> None:
    feed = ReplayFeed(write(file, "14:30 AA 5", "14:30 BB 5", "14:32 AA 5", "14:33 AA 5"))

    assert shown(feed.minutes(datetime(2025, 1, 6, 14, 30, tzinfo=UTC))) == ["14:32 AA", "14:33 AA"]
    assert shown(feed.minutes(datetime(2025, 1, 6, 14, 31, tzinfo=UTC))) == ["14:32 AA", "14:33 AA"]
    assert shown(feed.minutes(datetime(2025, 1, 6, 14, 33, tzinfo=UTC))) == []


def test_only_the_symbols_that_are_wanted_come(file: Path) -> None:
    feed = ReplayFeed(write(file, "14:30 AA 5", "14:31 BB 5", "14:32 AA 5", "14:32 CC 5"))

    assert shown(feed.minutes(None, symbols=("AA", "CC"))) == ["14:30 AA", "14:32 AA CC"]


def test_a_minute_that_a_broken_row_may_belong_to_is_held_back(file: Path) -> None:
    feed = ReplayFeed(write(file, "14:30 AA 5", "14:31 AA 5", "!illegible", "14:31 CC 5"))
    minutes = feed.minutes(None)

    assert shown(islice(minutes, 1)) == ["14:30 AA"]
    with pytest.raises(Fault, match=r"Line 4 of bars\.csv"):
        next(minutes)


def test_a_minute_that_is_whole_comes_before_the_broken_row_of_the_next(file: Path) -> None:
    feed = ReplayFeed(write(file, "14:30 AA 5", "14:30 BB 5", "!2025-01-06T14:31:00Z,AA,5,4,5,5,1"))
    minutes = feed.minutes(None)

    assert shown(islice(minutes, 1)) == ["14:30 AA BB"]
    with pytest.raises(Fault, match=r"Line 4 of bars\.csv"):
        next(minutes)


def test_its_identity_is_what_the_file_holds(file: Path, tmp_path: Path) -> None:
    first = ReplayFeed(write(file, "14:30 AA 5")).identity
    copy = ReplayFeed(write(tmp_path / "copy.csv", "14:30 AA 5"))

    assert (first, copy.replay_of) == (copy.identity, "copy.csv")
    assert first["feed"] == "replay"
    assert first != ReplayFeed(write(file, "14:30 AA 6")).identity


def test_history_ends_where_it_is_asked_to_and_begins_with_the_file(file: Path) -> None:
    feed = ReplayFeed(write(file, "14:30 AA 1", "14:30 BB 9", "14:31 AA 2", "14:32 AA 3", "14:33 AA 4"))
    until = datetime(2025, 1, 6, 14, 33, tzinfo=UTC)

    assert [bar.close for bar in feed.history("AA", until=until, count=2)] == [2, 3]
    assert [bar.close for bar in feed.history("AA", until=until, count=5000)] == [1, 2, 3]
    assert [bar.close for bar in feed.history("AA", until=until + MINUTE, count=1)] == [4]
    assert [bar.close for bar in feed.history("BB", until=until, count=5)] == [9]
    assert feed.history("AA", until=until, count=0) == ()
    assert feed.history("CC", until=until, count=3) == ()


def test_the_recorded_us_sessions_are_read_whole(candles_us: Path) -> None:
    feed = ReplayFeed(candles_us)
    minutes = list(feed.minutes(None))
    regular = [m for m in minutes if "13:30" <= f"{m[0].timestamp:%H:%M}" < "20:00"]

    assert feed.symbols() == ("AIG", "BAC", "IBM", "SPY")
    assert (len(minutes), sum(map(len, minutes))) == (4965, 13_429)
    assert sum(map(len, regular)) == 9357  # 6 sessions x 390 minutes x 4 symbols, and three minutes without a trade
    assert minutes[0][0].timestamp == datetime(2013, 10, 4, 8, 6, tzinfo=UTC)
    assert (minutes[-1][0].symbol, minutes[-1][0].close) == ("BAC", Decimal("14.2"))


def test_the_recorded_coins_are_read_whole(candles_coinbase: Path) -> None:
    feed = ReplayFeed(candles_coinbase)
    minutes = list(feed.minutes(None))

    assert feed.symbols() == ("BTC/USD", "ETH/USD", "LTC/USD")
    assert (len(minutes), sum(map(len, minutes))) == (2451, 7343)
    assert minutes[0][0].volume == Decimal("7.14319709")


def test_reading_on_anywhere_gives_what_reading_through_gives(candles_us: Path) -> None:
    feed = ReplayFeed(candles_us)
    through = list(feed.minutes(None))

    for index in (0, 1, 1234, 4963, 4964):
        assert list(feed.minutes(through[index][0].timestamp)) == through[index + 1 :]
