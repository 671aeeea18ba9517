"""Bull-flag breakout: after a steep rise on volume, and a shallow rest on less, buy the break above the rest's resistance.

After Edwards and Magee, "Technical Analysis of Stock Trends" (flags as half-way rests of a steep rise), and what day traders made of it:
a *pole*, a nearly vertical rise on high volume; a *flag*, a short rest that drifts sideways or down on shrinking volume, gives back no
more than about half of the pole and makes no new high; the *breakout* above the pattern's high goes on with the rise. The stop belongs
under the flag's low, where the pattern has failed. What steep, short and shallow mean are the parameters of `BullFlag`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading_bot.domain.config import BullFlag
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.domain.money import ZERO, percent, plain, rounded
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal
from trading_bot.strategies.levels import Levels, levels_of

SHORTEST_POLE = 2
"""Bars: in a single one nobody knows whether its low came before its high."""
SHORTEST_FLAG = 2
"""Bars: one is no rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pole and the flag after it."""

    pole: Sequence[Bar]
    """From the lowest low to the highest high, two bars or more."""
    flag: Sequence[Bar]
    """Everything after the pole, two bars or more."""

    @property
    def resistance(self) -> Decimal:
        """The pole's high, which the flag did not break."""
        return self.pole[-1].high

    @property
    def support(self) -> Decimal:
        """The flag's lowest low."""
        return min(bar.low for bar in self.flag)

    @property
    def height(self) -> Decimal:
        """The pole's rise, in the quote currency."""
        return self.resistance - self.pole[0].low

    @property
    def volume_ratio(self) -> Decimal:
        """The pole's mean volume as a multiple of the flag's; zero where nothing was traded in the flag."""
        resting = _mean_volume(self.flag)
        return _mean_volume(self.pole) / resting if resting else ZERO


def breakout(strategy: BullFlag, bars: Sequence[Bar]) -> EntryProposal | None:
    """A stop order above the resistance, where `bars` (of one session, oldest first) end in a flag; null where they do not.

    Pole: height / start >= pole_min_pct. Flag: (resistance - support) / height <= flag_max_retrace_pct. Volume: mean of the pole / mean of
    the flag >= volume_ratio. Entry one price step above the resistance, stop one below the support.
    """
    pattern = pattern_of(strategy, bars)
    if pattern is None:
        return None
    height = pattern.height
    if height * 100 < strategy.pole_min_pct * pattern.pole[0].low:
        return None
    if (pattern.resistance - pattern.support) * 100 > strategy.flag_max_retrace_pct * height:
        return None
    if pattern.volume_ratio < strategy.volume_ratio:
        return None
    known = instrument(bars[-1].symbol)
    levels = levels_of(
        known,
        entry=pattern.resistance + known.price_step,
        stop=pattern.support - known.price_step,
        risk_multiple=strategy.risk_multiple,
    )
    return _proposal(strategy, pattern, levels) if levels else None


def pattern_of(strategy: BullFlag, bars: Sequence[Bar]) -> Pattern | None:
    """The pole and flag in which `bars` end, whatever their size; null where the shape is another.

    The flag's length decides where the pole ended: at the highest high of the last flag_bars + 1 bars (the first of equals), which must
    also be above all of the pole. Lengths are minutes: a pattern with a hole in it is none.
    """
    window = bars[-(strategy.flag_bars + 1) :]
    if len(window) <= SHORTEST_FLAG:
        return None
    top = max(range(len(window)), key=lambda index: window[index].high)
    flag = window[top + 1 :]
    if len(flag) < SHORTEST_FLAG:
        return None
    end = len(bars) - len(flag)
    rise = bars[max(end - strategy.pole_bars, 0) : end]
    # The last of equal lows: the steepest pole.
    start = min(range(len(rise)), key=lambda index: (rise[index].low, -index))
    pole = rise[start:]
    if len(pole) < SHORTEST_POLE or any(bar.high >= pole[-1].high for bar in pole[:-1]):
        return None
    if flag[-1].timestamp - pole[0].timestamp != BAR_LENGTH * (len(pole) + len(flag) - 1):
        return None
    return Pattern(pole=pole, flag=flag)


def _mean_volume(bars: Sequence[Bar]) -> Decimal:
    return sum((bar.volume for bar in bars), ZERO) / len(bars)


def _proposal(strategy: BullFlag, pattern: Pattern, levels: Levels) -> EntryProposal:
    rise = percent(pattern.height, pattern.pole[0].low)
    retrace = percent(pattern.resistance - pattern.support, pattern.height)
    ratio = rounded(pattern.volume_ratio, Decimal("0.01"))
    return EntryProposal(
        symbol=pattern.flag[-1].symbol,
        strategy_name=strategy.kind,
        entry_type="breakout",
        order_type=OrderType.STOP,
        entry_price=levels.entry,
        stop_price=levels.stop,
        target_price=levels.target,
        good_for_bars=strategy.good_for_bars,
        reasoning=(
            f"Bull flag: rose {rise} % in {len(pattern.pole)} bars on {ratio} times the flag's volume, then gave back {retrace} % of it "
            f"in {len(pattern.flag)} bars without a new high. Buy above resistance at {plain(pattern.resistance)}, "
            f"stop under the flag's low at {plain(pattern.support)}, target {plain(strategy.risk_multiple)} times the risk."
        ),
        indicators={
            "POLE_PCT": plain(rise),
            "POLE_BARS": str(len(pattern.pole)),
            "FLAG_RETRACE_PCT": plain(retrace),
            "FLAG_BARS": str(len(pattern.flag)),
            "VOLUME_RATIO": plain(ratio),
            "RESISTANCE": plain(pattern.resistance),
            "SUPPORT": plain(pattern.support),
        },
    )
