"""Made days: how the simulated market moves one symbol through one day.

A day has a frame (regime, open, close), which is chained to the day before from a hash alone and so is cheap to reach; its minutes are
drawn between open and close from a generator seeded with (seed, symbol, day). Minutes alternate between quiet stretches and moves: an
impulse on rising volume, a pause that gives some of it back on falling volume, then a continuation or a failure, more often in the
regime's direction. That is what breakouts and pullbacks live on. Volume is U-shaped over the day; there are jumps, and gaps overnight.

Only + - x / are used, on integers and IEEE doubles, no library function: the same seed gives the same digits on every machine.
"""

import hashlib
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import assert_never

from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.market import Bar


class Regime(Enum):
    """What kind of day it is."""

    UP = "up"
    DOWN = "down"
    RANGE = "range"
    VOLATILE = "volatile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What stays the same of a symbol."""

    symbol: str
    """Instrument symbol."""
    asset_class: AssetClass
    """Equity or crypto."""
    anchor: int
    """The price it comes back to over months, in ticks."""
    decimals: int
    """A tick is 10 to the power of minus this."""
    volatility: float
    """Usual size of a day's move, as a share of the price."""
    volume: float
    """Usual volume of a minute, in shares or coins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One day without its minutes."""

    regime: Regime
    """What kind of day it is."""
    opens: int
    """First price, in ticks."""
    closes: int
    """Last price, in ticks."""


# Prices in US dollars near which well-known pairs traded at the start of 2025; only their size matters.
_PAIRS = {"BTC": 98_000.0, "ETH": 3_600.0, "SOL": 210.0, "LTC": 110.0}
_MINUTE_VALUE = 400_000.0  # dollars traded in a usual minute, before the symbol's own factor
_NOISE = 0.018  # of a day's move, for one minute: 390 of them make 0.36 of it
_MEAN_REVERSION = 0.04  # of the distance to the anchor, a day
_SMALLEST = 100  # ticks below which no price falls
_REGIMES = (Regime.UP, Regime.UP, Regime.UP, Regime.DOWN, Regime.DOWN, Regime.RANGE, Regime.RANGE, Regime.VOLATILE)
_STAYS = 0.5  # chance that a regime lasts another day
_GAPS = 0.06  # chance of a gap that is news
_GOES_ON = 0.58  # chance that a move goes on after its pause
_JUMPS = 0.25  # chance of a jump, a day
# Chance that a move goes up, and its size, by regime.
_MOVES = {
    Regime.UP: (0.72, 1.0),
    Regime.DOWN: (0.28, 1.0),
    Regime.RANGE: (0.5, 0.6),
    Regime.VOLATILE: (0.5, 1.7),
}


def traits(seed: int, symbol: str) -> Traits:
    """The traits of `symbol` in the market of `seed`."""
    price, wildness, size, *_ = _chances(seed, symbol, "traits")
    kind = instrument(symbol).asset_class
    usual = _PAIRS.get(symbol.split("/", maxsplit=1)[0], 20.0 + 180.0 * price)
    volatility = 0.008 + 0.008 * wildness
    return Traits(
        symbol=symbol,
        asset_class=kind,
        anchor=round(usual * (0.9 + 0.2 * price) * 100),
        decimals=2,
        volatility=volatility * (1.6 if kind is AssetClass.CRYPTO else 1.0),
        volume=_MINUTE_VALUE * (0.5 + 2.0 * size) / usual,
    )


def next_frame(seed: int, known: Traits, day: date, before: Frame | None) -> Frame:
    """The frame of `day`, from the frame of the session before; null for the first of all."""
    stays, kind, gap_size, gap_kind, size, sign, *_ = _chances(seed, known.symbol, day.isoformat())
    regime = before.regime if before is not None and stays < _STAYS else _REGIMES[int(kind * len(_REGIMES))]
    last = before.closes if before is not None else known.anchor
    gap = 0.0
    if known.asset_class is AssetClass.EQUITY:
        gap = (gap_size - 0.5) * known.volatility * (6.0 if gap_kind < _GAPS else 0.8)
    move = _day_move(regime, size, sign)
    opens = max(round(last * (1.0 + gap)), _SMALLEST)
    back = _MEAN_REVERSION * (opens / known.anchor - 1.0)
    return Frame(
        regime=regime,
        opens=opens,
        closes=max(round(opens * (1.0 + move * known.volatility - back)), _SMALLEST),
    )


def _day_move(regime: Regime, size: float, sign: float) -> float:
    """From open to close, in usual days' moves."""
    match regime:
        case Regime.UP:
            return 0.3 + 1.3 * size
        case Regime.DOWN:
            return -0.3 - 1.3 * size
        case Regime.RANGE:
            return 0.5 * (size - 0.5)
        case Regime.VOLATILE:
            return 3.0 * size * (sign - 0.5)
        case never:
            assert_never(never)


def made_bars(seed: int, known: Traits, day: date, frame: Frame, *, opens: datetime, minutes: int) -> tuple[Bar, ...]:
    """The bars of one day: `minutes` of them from `opens` on; the first opens and the last closes as the frame says."""
    chance = random.Random(_digest(seed, known.symbol, f"{day.isoformat()}/minutes"))  # noqa: S311 - a game, no secret
    steps, busyness = _steps(chance, known, frame, minutes)
    reached = 0.0
    for step in steps:  # not sum(): how it adds doubles differs between versions of Python
        reached += step
    drift = (frame.closes / frame.opens - 1.0 - reached) / minutes
    bars: list[Bar] = []
    level, last = 0.0, frame.opens
    wick = known.volatility * _NOISE * frame.opens
    for index in range(minutes):
        level += steps[index] + drift
        close = frame.closes if index == minutes - 1 else max(round(frame.opens * (1.0 + level)), _SMALLEST)
        first = last if index == 0 else max(last + int(chance.random() * 3.0) - 1, _SMALLEST)
        high = max(first, close) + int(chance.random() * chance.random() * 3.0 * wick)
        low = max(min(first, close) - int(chance.random() * chance.random() * 3.0 * wick), 1)
        side = 2.0 * index / minutes - 1.0
        volume = known.volume * (0.5 + 1.5 * side * side) * busyness[index] * (0.6 + 0.8 * chance.random())
        bars.append(
            Bar(
                symbol=known.symbol,
                timestamp=opens + timedelta(minutes=index),
                open=_price(first, known),
                high=_price(high, known),
                low=_price(low, known),
                close=_price(close, known),
                volume=_volume(volume, known),
            )
        )
        last = close
    return tuple(bars)


def _steps(chance: random.Random, known: Traits, frame: Frame, minutes: int) -> tuple[list[float], list[float]]:
    """Relative move of each minute, and how busy it is compared with a usual one."""
    steps: list[float] = []
    busyness: list[float] = []

    def stretch(length: int, move: float, busy: float) -> None:
        for _ in range(length):
            noise = (chance.random() + chance.random() - 1.0) * 2.45 * _NOISE * known.volatility  # 2.45: to variance 1
            steps.append(move / length * (0.7 + 0.6 * chance.random()) + noise)
            busyness.append(busy)

    up, scale = _MOVES[frame.regime]
    while len(steps) < minutes:
        stretch(10 + int(chance.random() * 35.0), 0.0, 0.8)
        size = known.volatility * scale * (0.16 + 0.36 * chance.random())
        move = size if chance.random() < up else -size
        stretch(4 + int(chance.random() * 4.0), move, 1.7 + 0.9 * chance.random())
        stretch(3 + int(chance.random() * 5.0), -move * (0.12 + 0.3 * chance.random()), 0.6 + 0.2 * chance.random())
        goes_on = chance.random() < _GOES_ON
        stretch(5 + int(chance.random() * 8.0), move * (0.8 if goes_on else -0.6), 1.4 if goes_on else 1.1)
    del steps[minutes:], busyness[minutes:]
    if chance.random() < _JUMPS:
        at = int(chance.random() * minutes)
        steps[at] += known.volatility * (chance.random() - 0.5) * 2.4
        busyness[at] *= 4.0
    return steps, busyness


def _price(ticks: int, known: Traits) -> Decimal:
    return Decimal(ticks).scaleb(-known.decimals)


def _volume(volume: float, known: Traits) -> Decimal:
    if known.asset_class is AssetClass.EQUITY:
        return Decimal(max(round(volume), 1))
    return Decimal(max(round(volume * 1e6), 1)).scaleb(-6)


def _chances(seed: int, symbol: str, what: str) -> list[float]:
    """Eight numbers from 0 up to 1."""
    digest = hashlib.sha256(f"{seed}/{symbol}/{what}".encode()).digest()
    return [int.from_bytes(digest[at : at + 4]) / 4_294_967_296.0 for at in range(0, 32, 4)]


def _digest(seed: int, symbol: str, what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{symbol}/{what}".encode()).digest()[:16])
