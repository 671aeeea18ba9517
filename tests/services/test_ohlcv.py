"""Candles of every timeframe are exactly what their bars of one minute say, on either database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.fakes.set_clock import SetClock
from trading_bot.domain.candles import Candle, Timeframe
from trading_bot.domain.market import Bar
from trading_bot.errors.fault import Fault
from trading_bot.services.ohlcv import list_candles
from trading_bot.store import candles, runtime, tables
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

MINUTE = timedelta(minutes=1)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def either_store(tables_url: str) -> Iterator[Store]:
    """On either database: for what the database itself has a part in."""
    yield from opened(tables_url)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    yield from opened(sqlite_url)


def opened(url: str) -> Iterator[Store]:
    store = Store(open_engine(url), SetClock())
    yield store
    store.close()


def bar(symbol: str, at: datetime, prices: str = "10 11 9 10.50", volume: str = "100") -> Bar:
    first, high, low, last = (Decimal(price) for price in prices.split())
    return Bar(symbol=symbol, timestamp=at, open=first, high=high, low=low, close=last, volume=Decimal(volume))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def save(store: Store, *bars: Bar, venue_time: datetime | None = None) -> None:
    with store.writing("main") as w:
        candles.save_bars(w, bars)
        runtime.save_progress(w, runtime.Progress(cursor=venue_time, last_sync_at=None))


def read(store: Store, symbol: str, timeframe: Timeframe, **rest: datetime | str | int | None) -> tuple[Candle, ...]:
    with store.reading("main") as r:
        return list_candles(r, symbol, timeframe, **{"first": 100, **rest}).items  # type: ignore[arg-type] # as given


def test_a_candle_has_the_first_open_the_last_close_the_extremes_and_the_sum(either_store: Store) -> None:
    begin = utc("2024-03-04T15:00")
    save(
        either_store,
        bar("SPY", begin, "10.00 10.20 9.90 10.10", "100"),
        bar("SPY", begin + MINUTE, "10.10 12.5 10.10 11", "0.5"),
        bar("SPY", begin + 3 * MINUTE, "11 11 8.123456789 9.00", "1000000"),
        venue_time=begin + 5 * MINUTE,
    )

    assert read(either_store, "SPY", Timeframe.FIVE_MINUTES) == (
        Candle(
            timestamp=begin,
            open=Decimal("10.00"),
            high=Decimal("12.5"),
            low=Decimal("8.123456789"),
            close=Decimal("9.00"),
            volume=Decimal("1000100.5"),
            complete=True,
        ),
    )


def test_prices_are_compared_as_numbers_not_as_text(either_store: Store) -> None:
    begin = utc("2024-03-04T15:00")
    save(
        either_store,
        bar("BTC/USD", begin, "9.9 9.9 9.9 9.9"),
        bar("BTC/USD", begin + MINUTE, "10.1 100.1 10.1 10.1"),
    )
    (candle,) = read(either_store, "BTC/USD", Timeframe.ONE_HOUR)

    assert (candle.high, candle.low) == (Decimal("100.1"), Decimal("9.9"))


@pytest.mark.parametrize(
    ("timeframe", "at", "begins"),
    [
        (Timeframe.ONE_MINUTE, "2024-03-04T15:59", "2024-03-04T15:59"),
        (Timeframe.FIVE_MINUTES, "2024-03-04T15:59", "2024-03-04T15:55"),
        (Timeframe.FIFTEEN_MINUTES, "2024-03-04T14:44", "2024-03-04T14:30"),
        (Timeframe.ONE_HOUR, "2024-03-04T14:30", "2024-03-04T14:00"),
        # New York is five hours behind in winter and four in summer, and its evening is the next day of UTC.
        (Timeframe.ONE_DAY, "2024-03-04T14:30", "2024-03-04T05:00"),
        (Timeframe.ONE_DAY, "2024-03-05T00:59", "2024-03-04T05:00"),
        (Timeframe.ONE_DAY, "2024-07-01T03:59", "2024-06-30T04:00"),
        (Timeframe.ONE_DAY, "2024-07-01T04:00", "2024-07-01T04:00"),
    ],
)
def test_a_candle_of_an_equity_begins_at_the_clock_or_at_midnight_in_new_york(
    store: Store, timeframe: Timeframe, at: str, begins: str
) -> None:
    save(store, bar("SPY", utc(at)))

    assert [candle.timestamp for candle in read(store, "SPY", timeframe)] == [utc(begins)]


def test_a_day_of_a_pair_begins_at_midnight_of_utc(store: Store) -> None:
    save(store, *(bar("BTC/USD", utc(at)) for at in ("2024-03-03T23:59", "2024-03-04T00:00", "2024-03-04T23:59")))
    found = read(store, "BTC/USD", Timeframe.ONE_DAY)

    assert [(candle.timestamp, candle.volume) for candle in found] == [
        (utc("2024-03-04T00:00"), Decimal(200)),
        (utc("2024-03-03T00:00"), Decimal(100)),
    ]


@pytest.mark.parametrize(("day", "hours"), [("2024-03-10", 23), ("2024-11-03", 25), ("2024-07-04", 24)])
def test_a_day_in_new_york_is_as_long_as_the_clocks_there_make_it(store: Store, day: str, hours: int) -> None:
    begins = datetime.fromisoformat(day).replace(tzinfo=NEW_YORK).astimezone(UTC)
    ends = begins + timedelta(hours=hours)
    save(store, bar("SPY", begins - MINUTE), bar("SPY", begins), bar("SPY", ends - MINUTE), bar("SPY", ends))
    found = read(store, "SPY", Timeframe.ONE_DAY)

    assert [candle.volume for candle in found] == [100, 200, 100]
    assert found[1].timestamp == begins


def test_a_candle_is_complete_once_its_time_is_over_at_the_venue(store: Store) -> None:
    begin = utc("2024-03-04T15:00")
    bars = [bar("SPY", begin + n * MINUTE) for n in range(5)]
    for venue_time, complete in ((None, False), (begin + 4 * MINUTE, False), (begin + 5 * MINUTE, True)):
        save(store, *bars, venue_time=venue_time)
        (candle,) = read(store, "SPY", Timeframe.FIVE_MINUTES)
        assert candle.complete is complete


def test_bounds_never_cut_a_candle(store: Store) -> None:
    begin = utc("2024-03-04T15:00")
    save(store, *(bar("SPY", begin + n * MINUTE) for n in range(60)))
    found = read(
        store, "SPY", Timeframe.FIFTEEN_MINUTES, start=begin + timedelta(minutes=1), end=begin + timedelta(minutes=31)
    )

    assert [(candle.timestamp.minute, candle.volume) for candle in found] == [(30, 1500), (15, 1500)]
    assert read(store, "SPY", Timeframe.FIFTEEN_MINUTES, start=begin, end=begin) == ()
    assert len(read(store, "SPY", Timeframe.ONE_DAY, end=datetime.max.replace(tzinfo=UTC))) == 1
    assert read(store, "SPY", Timeframe.ONE_DAY, end=datetime.min.replace(tzinfo=UTC)) == ()
    assert len(read(store, "SPY", Timeframe.ONE_DAY, start=datetime.min.replace(tzinfo=UTC))) == 1


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_pages_follow_one_another_over_gaps(store: Store, timeframe: Timeframe) -> None:
    begin = utc("2024-03-04T15:00")
    save(store, *(bar("SPY", begin + timedelta(minutes=n * n)) for n in range(60)))
    whole = read(store, "SPY", timeframe)
    paged: list[Candle] = []
    after = None
    while True:
        with store.reading("main") as r:
            page = list_candles(r, "SPY", timeframe, first=7, after=after)
        paged += page.items
        assert page.has_previous is (after is not None)
        if not page.has_next:
            break
        after = page.cursors[-1]

    assert tuple(paged) == whole
    assert sum(candle.volume for candle in paged) == 6000


def test_a_cursor_of_another_timeframe_would_cut_a_candle_and_is_refused(store: Store) -> None:
    begin = utc("2024-03-04T15:00")
    save(store, *(bar("SPY", begin + n * MINUTE) for n in range(60)))
    with store.reading("main") as r:
        page = list_candles(r, "SPY", Timeframe.FIVE_MINUTES, first=2)
        for cursor in (page.cursors[-1], "nonsense", ""):
            with pytest.raises(Fault, match="QRY_004"):
                list_candles(r, "SPY", Timeframe.ONE_HOUR, first=2, after=cursor)


def test_a_bot_that_has_seen_nothing_has_no_candles_and_no_complaint(store: Store) -> None:
    with store.writing("main"):
        pass

    assert read(store, "SPY", Timeframe.ONE_DAY) == ()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=some.lists(some.integers(0, 5_000), min_size=1, max_size=60, unique=True),
    timeframe=some.sampled_from(list(Timeframe)),
    symbol=some.sampled_from(["SPY", "BTC/USD"]),
    seed=some.randoms(use_true_random=False),
)
def test_every_candle_equals_its_bars_taken_one_by_one(
    either_store: Store, minutes: list[int], timeframe: Timeframe, symbol: str, seed: object
) -> None:
    begin = utc("2024-03-08T12:00")  # over the change to summer time in New York
    bars = []
    for minute in sorted(minutes):
        low = Decimal(seed.randrange(1, 10**9)).scaleb(-seed.randrange(9))  # type: ignore[attr-defined] # a Random
        bars.append(bar(symbol, begin + minute * MINUTE, f"{low} {low * 3} {low} {low * 2}", f"{low}"))
    with either_store.writing("main") as w:
        w.connection.execute(tables.candles.delete())
        candles.save_bars(w, bars)

    assert [candle_figures(candle) for candle in read(either_store, symbol, timeframe)] == by_hand(
        bars, timeframe, symbol
    )


def candle_figures(candle: Candle) -> tuple[datetime, Decimal, Decimal, Decimal, Decimal, Decimal]:
    return (candle.timestamp, candle.open, candle.high, candle.low, candle.close, candle.volume)


def by_hand(
    bars: list[Bar], timeframe: Timeframe, symbol: str
) -> list[tuple[datetime, Decimal, Decimal, Decimal, Decimal, Decimal]]:
    """The same by another way: local wall-clock texts as the names of spans."""
    zone = NEW_YORK if symbol == "SPY" else UTC
    grouped: dict[datetime, list[Bar]] = {}
    for one in bars:
        if timeframe is Timeframe.ONE_DAY:
            begins = one.timestamp.astimezone(zone).replace(hour=0, minute=0).astimezone(UTC)
        else:
            length = {"1m": 1, "5m": 5, "15m": 15, "1h": 60}[timeframe.value]
            begins = one.timestamp.replace(minute=one.timestamp.minute // length * length)
        grouped.setdefault(begins, []).append(one)
    return [
        (
            begins,
            group[0].open,
            max(one.high for one in group),
            min(one.low for one in group),
            group[-1].close,
            sum((one.volume for one in group), Decimal(0)),
        )
        for begins, group in sorted(grouped.items(), reverse=True)
    ][:100]
