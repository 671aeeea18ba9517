"""Charts to test strategies on: bars written by hand, drawn at random, or read from recorded candles."""

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st

from trading_bot.domain.market import BAR_LENGTH, Bar

OPEN = datetime(2025, 1, 6, 14, 30, tzinfo=UTC)
"""09:30 in New York."""


def chart(rows: str, *, symbol: str = "ACME", start: datetime = OPEN) -> list[Bar]:
    """One bar a minute from `start`; each line of `rows` is open, high, low, close, volume."""
    return [
        bar(symbol, start + BAR_LENGTH * index, *row.split()) for index, row in enumerate(rows.strip().splitlines())
    ]


def bar(symbol: str, timestamp: datetime, *figures: str) -> Bar:
    """A bar of open, high, low, close and volume."""
    first, high, low, last, volume = map(Decimal, figures)
    return Bar(symbol=symbol, timestamp=timestamp, open=first, high=high, low=low, close=last, volume=volume)


def scaled(bars: Iterable[Bar], *, price: int = 1, volume: int = 1) -> list[Bar]:
    """The same chart in other units."""
    return [
        replace(
            one,
            open=one.open * price,
            high=one.high * price,
            low=one.low * price,
            close=one.close * price,
            volume=one.volume * volume,
        )
        for one in bars
    ]


def later(bars: Iterable[Bar], by: timedelta) -> list[Bar]:
    """The same chart at another time."""
    return [replace(one, timestamp=one.timestamp + by) for one in bars]


def recorded(path: Path) -> dict[str, list[Bar]]:
    """The candles of a file, by symbol."""
    charts: dict[str, list[Bar]] = {}
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            opened = datetime.fromisoformat(row["timestamp"]).astimezone(UTC)
            charts.setdefault(row["symbol"], []).append(
                bar(row["symbol"], opened, row["open"], row["high"], row["low"], row["close"], row["volume"])
            )
    return charts


@st.composite
def walks(draw: st.DrawFn, *, symbol: str = "ACME", longest: int = 60) -> list[Bar]:
    """Any chart in cents, 1 to `longest` bars, from $5 to about $200."""
    cents = draw(st.integers(500, 20_000))
    rows: list[tuple[int, int, int, int, int]] = []
    shape = st.tuples(st.integers(-40, 40), st.integers(0, 15), st.integers(0, 15), st.integers(0, 5000))
    for move, above, below, volume in draw(st.lists(shape, min_size=1, max_size=longest)):
        close = max(cents + move, 20)
        rows.append((cents, max(cents, close) + above, max(min(cents, close) - below, 1), close, volume))
        cents = close
    return _bars(symbol, rows)


@st.composite
def rises_and_rests(draw: st.DrawFn, *, symbol: str = "ACME") -> list[Bar]:
    """Charts that often hold a bull flag: some bars of rise on volume, then some of rest on less."""
    cents = draw(st.integers(2_000, 20_000))
    quiet, pole, flag = draw(st.integers(0, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 8))
    step, rest = draw(st.integers(cents // 800, cents // 200)), draw(st.integers(-8, 25))
    rows: list[tuple[int, int, int, int, int]] = []
    for count, move, volume in ((quiet, 0, 500), (pole, step, 3_000), (flag, -rest, 1_000)):
        for _ in range(count):
            close = max(cents + move + draw(st.integers(-3, 3)), 20)
            rows.append(
                (
                    cents,
                    max(cents, close) + draw(st.integers(0, 2)),
                    min(cents, close) - draw(st.integers(0, 2)),
                    close,
                    volume + draw(st.integers(-400, 2_000)),
                )
            )
            cents = close
    return _bars(symbol, rows)


@st.composite
def rises_and_pullbacks(draw: st.DrawFn, *, symbol: str = "ACME") -> list[Bar]:
    """Charts that often come back to their VWAP after a rise of at least 20 bars."""
    cents = draw(st.integers(4_000, 20_000))
    step = draw(st.integers(cents // 4000, cents // 1000 + 1))
    rows: list[tuple[int, int, int, int, int]] = []
    for _ in range(draw(st.integers(18, 30))):
        close = cents + step
        rows.append((cents, close + 1, cents - 1, close, draw(st.integers(500, 2_000))))
        cents = close
    value, volume = sum((h + low + c) * v for _, h, low, c, v in rows), sum(row[4] for row in rows)
    line = value // (3 * volume)
    low = line + draw(st.integers(-cents // 900, cents // 900))
    rows.append((cents, cents, low, low + 1, 100))
    close = low + 1 + draw(st.integers(-1, cents // 600))
    rows.append((low + 1, max(close, low + 1), min(low, close), close, 100))
    return _bars(symbol, rows)


def _bars(symbol: str, rows: Sequence[tuple[int, int, int, int, int]]) -> list[Bar]:
    def price(cents: int) -> str:
        return f"{cents // 100}.{cents % 100:02}"

    return [
        bar(symbol, OPEN + BAR_LENGTH * index, price(o), price(h), price(low), price(c), str(volume))
        for index, (o, h, low, c, volume) in enumerate(rows)
    ]
