"""Trading days and hours: New York's for equities, round the clock for crypto.

The New York Stock Exchange trades from 9:30 to 16:00 its time, to 13:00 on half-days. Its closed days and half-days come from the
`holidays` package, which knows them up to 2100; later years, which only a simulation sees, have weekends alone.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from trading_bot.domain.instruments import AssetClass

_OPENS = time(9, 30)
_CLOSES = time(16, 0)
_CLOSES_EARLY = time(13, 0)
_SATURDAY = 5
_DAY = timedelta(days=1)
# Years of decisions come one after the other; a replay touches a handful of days again and again.
_DAYS_KEPT = 4096


@lru_cache(maxsize=_DAYS_KEPT)
def regular_hours(day: date) -> tuple[datetime, datetime] | None:
    """Open and close of New York's session of `day`, UTC; null on a day without one. The close is the first moment that is not open."""
    closed, half = _special_days(day.year)
    if day.weekday() >= _SATURDAY or day in closed:
        return None
    return _in_new_york(day, _OPENS), _in_new_york(day, _CLOSES_EARLY if day in half else _CLOSES)


def session_day(asset_class: AssetClass, moment: datetime) -> date:
    """The venue's day at `moment`: New York's date for equities, whether it trades or not; UTC's date for crypto."""
    if asset_class is AssetClass.CRYPTO:
        return moment.astimezone(UTC).date()
    return moment.astimezone(_new_york()).date()


def day_span(asset_class: AssetClass, moment: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the venue's day at `moment`, UTC: midnight to midnight in New York for equities, in UTC for crypto."""
    zone = UTC if asset_class is AssetClass.CRYPTO else _new_york()
    day = session_day(asset_class, moment)
    begins, ends = (datetime.combine(midnight, time(), zone).astimezone(UTC) for midnight in (day, day + _DAY))
    return begins, ends


def session_at(asset_class: AssetClass, moment: datetime) -> tuple[datetime, datetime] | None:
    """Open and close of the session of the venue's day at `moment`, UTC; null on a day without one, and for crypto, which has none."""
    if asset_class is AssetClass.CRYPTO:
        return None
    return regular_hours(session_day(asset_class, moment))


def is_open(asset_class: AssetClass, moment: datetime) -> bool:
    """Whether `moment` lies in regular hours; crypto always does."""
    if asset_class is AssetClass.CRYPTO:
        return True
    hours = regular_hours(session_day(asset_class, moment))
    return hours is not None and hours[0] <= moment < hours[1]


def next_close(moment: datetime) -> datetime:
    """When the equity session ends that runs at `moment` or comes next, UTC."""
    return next(closes for _, closes in _sessions_from(session_day(AssetClass.EQUITY, moment)) if closes > moment)


@lru_cache(maxsize=64)
def last_sessions(day: date, count: int) -> tuple[date, ...]:
    """The last `count` days with an equity session up to and including `day`, newest first."""
    found: list[date] = []
    while len(found) < count:
        if regular_hours(day) is not None:
            found.append(day)
        day -= _DAY
    return tuple(found)


def _sessions_from(day: date) -> Iterator[tuple[datetime, datetime]]:
    while True:
        hours = regular_hours(day)
        if hours is not None:
            yield hours
        day += _DAY


def _in_new_york(day: date, at: time) -> datetime:
    return datetime.combine(day, at, _new_york()).astimezone(UTC)


@lru_cache(maxsize=1)
def _new_york() -> ZoneInfo:
    return ZoneInfo("America/New_York")


@lru_cache(maxsize=256)
def _special_days(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Closed days and half-days of one year."""
    from holidays import HALF_DAY  # noqa: PLC0415 - takes a tenth of a second, which a start without equities need not spend
    from holidays.financial.ny_stock_exchange import NewYorkStockExchange  # noqa: PLC0415 - the same

    closed = NewYorkStockExchange(years=year, expand=False)  # type: ignore[no-untyped-call] # the package leaves it untyped
    half = NewYorkStockExchange(years=year, expand=False, categories=(HALF_DAY,))  # type: ignore[no-untyped-call] # the same
    return frozenset(closed), frozenset(half)
