"""VWAP pullback: in an uptrend above the session's VWAP, buy when the price comes back to the VWAP and is taken up from there.

VWAP = sum(typical price x volume) / sum(volume) over the session's bars, typical price = (high + low + close) / 3: what the average share
of the day has cost, a benchmark of execution since Berkowitz, Logue and Noser (1988). Day traders take a price above it for strength, and
the line for support: a pullback *touches* it and *closes back above* it, while a close clearly below says that the trend has ended. So the
stop stands under the line, not under the bar.
"""

from collections.abc import Sequence
from decimal import Decimal

from trading_bot.domain.config import VwapPullback
from trading_bot.domain.instruments import Instrument, instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import ZERO, percent, plain, rounded
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal
from trading_bot.strategies.levels import Levels, levels_of


def pullback(strategy: VwapPullback, bars: Sequence[Bar]) -> EntryProposal | None:
    """A limit order at the close, where the last of `bars` (of one session, oldest first) comes back to the VWAP; null where it does not.

    Trend: in the trend_bars before the last bar the price rose by trend_min_pct from its lowest low to a later high, and their mean close
    stands above the VWAP. Touch: the last low within touch_pct of the VWAP, on either side. Taken up: the last bar closes above the VWAP
    and not below its own open.
    """
    last = bars[-1]
    trend = bars[-strategy.trend_bars - 1 : -1]
    if len(trend) < strategy.trend_bars or last.close < last.open:
        return None
    start, high = swing(trend)
    if (high - start) * 100 < strategy.trend_min_pct * start:
        return None
    # The dear step, one pass over the session, comes last.
    line = vwap(bars)
    if line is None or not _touches(strategy, last, line) or sum((b.close for b in trend), ZERO) <= line * len(trend):
        return None
    known = instrument(last.symbol)
    levels = levels_of(
        known, entry=last.close, stop=line * (100 - strategy.stop_pct) / 100, risk_multiple=strategy.risk_multiple
    )
    return _proposal(strategy, last, known, levels, line=line, trend=percent(high - start, start)) if levels else None


def vwap(bars: Sequence[Bar]) -> Decimal | None:
    """The volume-weighted average price of `bars`, in the quote currency; null where nothing was traded."""
    volume = sum((bar.volume for bar in bars), ZERO)
    if not volume:
        return None
    return sum(((bar.high + bar.low + bar.close) * bar.volume for bar in bars), ZERO) / (volume * 3)


def swing(bars: Sequence[Bar]) -> tuple[Decimal, Decimal]:
    """The start and end of the largest rise in `bars` from a bar's low to a later bar's high; two equal prices where nothing rose."""
    lowest = start = end = bars[0].low
    for bar in bars[1:]:
        if bar.high - lowest > end - start:
            start, end = lowest, bar.high
        lowest = min(lowest, bar.low)
    return start, end


def _touches(strategy: VwapPullback, bar: Bar, line: Decimal) -> bool:
    return bar.close > line and abs(bar.low - line) * 100 <= strategy.touch_pct * line


def _proposal(
    strategy: VwapPullback, last: Bar, known: Instrument, levels: Levels, *, line: Decimal, trend: Decimal
) -> EntryProposal:
    shown = rounded(line, known.price_step)
    return EntryProposal(
        symbol=last.symbol,
        strategy_name=strategy.kind,
        entry_type="pullback",
        order_type=OrderType.LIMIT,
        entry_price=levels.entry,
        stop_price=levels.stop,
        target_price=levels.target,
        good_for_bars=strategy.good_for_bars,
        reasoning=(
            f"VWAP pullback: after a rise of {trend} % within {strategy.trend_bars} bars, their mean close above the VWAP, "
            f"the price came back to {plain(last.low)}, touched the VWAP at {plain(shown)} "
            f"and closed above it at {plain(last.close)}. Buy there, stop {plain(strategy.stop_pct)} % under the VWAP, "
            f"target {plain(strategy.risk_multiple)} times the risk."
        ),
        indicators={
            "VWAP": plain(shown),
            "TREND_PCT": plain(trend),
            "TOUCH_LOW": plain(last.low),
            "CLOSE": plain(last.close),
        },
    )
