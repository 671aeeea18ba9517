"""OHLCV: candles of every timeframe, made at reading from the stored bars of one minute, which never change.

So a candle is exactly what its bars say, and no two timeframes can disagree. A candle is always whole: the bounds of a list are about the
moments at which candles begin, never about the bars in one.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from trading_bot.calendar import day_span
from trading_bot.domain.candles import LENGTHS, Candle, Timeframe, clock_span
from trading_bot.domain.instruments import instrument
from trading_bot.errors.fault import Fault
from trading_bot.store import candles
from trading_bot.store.paging import Page, checked_first, cursor_of, moment_of_cursor
from trading_bot.store.runtime import find_progress
from trading_bot.store.store import Reading

_Span = Callable[[datetime], tuple[datetime, datetime]]

_INSTANT = timedelta(microseconds=1)
# No bar lies outside, and every span of a moment within can be named.
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_NAMED_SYMBOLS = 8


def list_candles(
    r: Reading,
    symbol: str,
    timeframe: Timeframe,
    *,
    first: int,
    after: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Page[Candle]:
    """Candles, newest first, that begin at or after `start` and before `end`.

    QRY_004 when `first` is not 1 to 100, `after` is no cursor of such a list, or the symbol has no bars while others have.
    """
    checked_first(first)
    span = _span_of(r, symbol, timeframe)
    behind = None if after is None else _behind(after, span)
    until = None if end is None else span(min(max(end, _FIRST), _LAST) - _INSTANT)[1]
    before = min((moment for moment in (behind, until) if moment is not None), default=_LAST)
    shown: list[Candle] = []
    has_next = False
    for candle in _candles(r, symbol, span, before):
        if start is not None and candle.timestamp < start:
            break
        if len(shown) == first:
            has_next = True
            break
        shown.append(candle)
    return Page(
        items=tuple(shown),
        cursors=tuple(cursor_of((candle.timestamp,)) for candle in shown),
        has_next=has_next,
        has_previous=after is not None,
    )


def _span_of(r: Reading, symbol: str, timeframe: Timeframe) -> _Span:
    """What gives begin and end of the candle that a moment lies in."""
    try:
        asset_class = instrument(symbol).asset_class
    except ValueError as error:
        raise Fault("QRY_004", str(error), context={"argument": "symbol"}) from None
    if not candles.list_recent_bars(r, symbol, 1):
        _require_unknown(r, symbol)
    if timeframe is Timeframe.ONE_DAY:
        return partial(day_span, asset_class)
    return partial(clock_span, LENGTHS[timeframe])


def _require_unknown(r: Reading, symbol: str) -> None:
    """Tell a name that is not traded here from a bot that has seen no bars at all."""
    known = candles.list_symbols(r)
    if known:
        cause = f"No candles of `{symbol}` are stored; there are those of {', '.join(known[:_NAMED_SYMBOLS])}."
        raise Fault("QRY_004", cause, context={"argument": "symbol", "known": list(known[:_NAMED_SYMBOLS])})


def _behind(cursor: str, span: _Span) -> datetime:
    """The moment that a cursor names; a cursor of another timeframe would cut a candle in two."""
    moment = moment_of_cursor(cursor)
    if not _FIRST <= moment <= _LAST or span(moment)[0] != moment:
        raise Fault(
            "QRY_004", "Expected a cursor of a list of this timeframe, under `after`.", context={"argument": "after"}
        )
    return moment


def _candles(r: Reading, symbol: str, span: _Span, before: datetime) -> Iterator[Candle]:
    """The candles of the bars that opened before a moment, newest first, made as they are taken."""
    venue_time = find_progress(r).cursor
    while (latest := candles.find_latest_before(r, symbol, before)) is not None:
        begins, ends = span(latest)
        folded = candles.fold_bars(r, symbol, begins, ends)
        if folded is not None:
            complete = venue_time is not None and ends <= venue_time
            yield Candle(timestamp=begins, **folded._asdict(), complete=complete)
        before = begins
