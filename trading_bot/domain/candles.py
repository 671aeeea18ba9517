"""Candles: bars of one minute made into longer ones, each from an aligned beginning."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timeframe(Enum):
    """How long a candle lasts, and what its beginning is aligned to."""

    ONE_MINUTE = "1m"
    """One minute: the bars as they were seen."""
    FIVE_MINUTES = "5m"
    """Five minutes, from whole multiples of five past the hour."""
    FIFTEEN_MINUTES = "15m"
    """A quarter of an hour by the clock."""
    ONE_HOUR = "1h"
    """An hour by the clock, whatever the market's hours."""
    ONE_DAY = "1d"
    """The venue's day: from midnight in New York for equities, in UTC for crypto pairs."""


LENGTHS = {
    Timeframe.ONE_MINUTE: timedelta(minutes=1),
    Timeframe.FIVE_MINUTES: timedelta(minutes=5),
    Timeframe.FIFTEEN_MINUTES: timedelta(minutes=15),
    Timeframe.ONE_HOUR: timedelta(hours=1),
}
"""Those that are of one length; a day has 23 or 25 hours twice a year in New York."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Prices and volume of one symbol over a span of time, made exactly from its bars of one minute."""

    timestamp: datetime
    """When it began, UTC, aligned to its timeframe, whether the market was open then or not."""
    open: Decimal
    """First price, in the quote currency, above zero."""
    high: Decimal
    """Highest price."""
    low: Decimal
    """Lowest price."""
    close: Decimal
    """Last price, in the quote currency, above zero."""
    volume: Decimal
    """Shares or coins traded in it, zero or more; the sum of its bars."""
    complete: bool
    """Whether its time is over at the venue; else it is made of the bars so far."""


def clock_span(length: timedelta, moment: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the span of that length that `moment` lies in; spans are counted from the hours of UTC."""
    begins = _EPOCH + (moment - _EPOCH) // length * length
    return begins, begins + length
