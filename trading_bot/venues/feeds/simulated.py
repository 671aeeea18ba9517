"""Simulated: a seeded market that needs no file and never ends, the same wherever it is entered."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from trading_bot.calendar import regular_hours
from trading_bot.domain.instruments import AssetClass
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.venues.feeds.made_days import Frame, Traits, made_bars, next_frame, traits

DEFAULT_SYMBOLS = ("ACME", "BOLT", "CRUX", "DYNA")

_FIRST_DAY = date(2025, 1, 6)  # a Monday; trading begins with its session
_WARM_UP_FROM = date(2024, 12, 2)  # a Monday, 24 sessions before
_LAST_DAY = date(9999, 12, 1)  # dates end with that year
_DAY = timedelta(days=1)
_DAYS_KEPT = 3  # made days of each symbol in memory: today's and the ones that a look back needs


class SimulatedFeed:
    """The market of one seed.

    A symbol's day depends on the seed, the symbol and the days before it only, never on the other symbols.
    """

    def __init__(self, *, seed: int, symbols: tuple[str, ...] = DEFAULT_SYMBOLS) -> None:
        """ValueError for a symbol that is none."""
        self._seed = seed
        self._symbols = tuple(sorted(symbols))
        self._traits: dict[str, Traits] = {}
        self._frames: dict[str, dict[date, Frame]] = {}
        self._made: dict[tuple[str, date], tuple[Bar, ...]] = {}
        has_equities = AssetClass.EQUITY in [self._known(symbol).asset_class for symbol in symbols]
        hours = regular_hours(_FIRST_DAY)
        self._starts = hours[0] if has_equities and hours is not None else _midnight(_FIRST_DAY)

    @property
    def identity(self) -> dict[str, str]:
        """The seed."""
        return {"feed": "simulated", "seed": str(self._seed)}

    @property
    def replay_of(self) -> str | None:
        """Null: it is no replay."""
        return None

    def symbols(self) -> tuple[str, ...]:
        """What is simulated, sorted."""
        return self._symbols

    def minutes(self, after: datetime | None, *, symbols: tuple[str, ...] = ()) -> Iterator[tuple[Bar, ...]]:
        """The market from its first session's open, or from any minute on; closed hours are skipped. Any symbol can be had."""
        first = self._starts if after is None else after + BAR_LENGTH
        day = first.date()
        wanted = sorted(symbols) or list(self._symbols)
        while day < _LAST_DAY:
            by_minute: dict[datetime, list[Bar]] = {}
            for symbol in wanted:
                for bar in self._bars(symbol, day):
                    if bar.timestamp >= first:
                        by_minute.setdefault(bar.timestamp, []).append(bar)
            for moment in sorted(by_minute):
                yield tuple(by_minute[moment])
            day += _DAY

    def history(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        """Bars back to five weeks before the market's first session."""
        day = until.astimezone(UTC).date()
        found: list[Bar] = []
        while len(found) < count and day >= _WARM_UP_FROM:
            over = [bar for bar in self._bars(symbol, day) if bar.timestamp + BAR_LENGTH <= until]
            found[:0] = over
            day -= _DAY
        return tuple(found[-count:]) if count else ()

    def digest(self, lines: int) -> str | None:
        """Null: there is no file to be mended."""
        return None

    def _known(self, symbol: str) -> Traits:
        if symbol not in self._traits:
            self._traits[symbol] = traits(self._seed, symbol)
            self._frames[symbol] = {}
        return self._traits[symbol]

    def _bars(self, symbol: str, day: date) -> tuple[Bar, ...]:
        """One symbol's day; none on a day without a session."""
        known = self._known(symbol)
        hours = _hours(known, day)
        if hours is None:
            return ()
        if (symbol, day) not in self._made:
            while len(self._made) >= _DAYS_KEPT * len(self._traits):
                del self._made[next(iter(self._made))]
            opens, closes = hours
            minutes = int((closes - opens) / BAR_LENGTH)
            frame = self._frame(known, day)
            self._made[symbol, day] = made_bars(self._seed, known, day, frame, opens=opens, minutes=minutes)
        return self._made[symbol, day]

    def _frame(self, known: Traits, day: date) -> Frame:
        """The frame of `day`, chained from the last one known."""
        frames = self._frames[known.symbol]
        if day not in frames:
            last = next(reversed(frames), None)
            before = frames[last] if last is not None else None
            reached = last + _DAY if last is not None else _WARM_UP_FROM
            while reached <= day:
                if _hours(known, reached) is not None:
                    before = frames[reached] = next_frame(self._seed, known, reached, before)
                reached += _DAY
        return frames[day]


def _hours(known: Traits, day: date) -> tuple[datetime, datetime] | None:
    if known.asset_class is AssetClass.CRYPTO:
        return _midnight(day), _midnight(day + _DAY)
    return regular_hours(day)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)
