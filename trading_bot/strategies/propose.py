"""The one entry point of the strategies: what one of them wants to enter after the bar that just ended.

Pure: the same arguments give the same proposal, so a bot that was killed and started again decides the same.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from trading_bot.domain.config import BullFlag, Strategy, VwapPullback
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.proposals import EntryProposal
from trading_bot.strategies.bull_flag import breakout
from trading_bot.strategies.vwap_pullback import pullback

LOOKBACK = 400
"""Bars that a strategy may look back: a whole session of equities has 390. A longer session (crypto) has a VWAP of its last 400 bars."""

REGULAR_HOURS = timedelta(hours=6, minutes=30)
"""From the opening to the close of a full day of equities; the loop knows half-days."""


def propose(strategy: Strategy, bars: Sequence[Bar], *, session_open: datetime, held: bool) -> EntryProposal | None:
    """The entry that `strategy` proposes for one symbol, or null.

    `bars`: the symbol's last bars, oldest first, at most `LOOKBACK`; the last one just ended. `session_open`: start of the venue's trading
    session in UTC (09:30 New York for equities, 00:00 UTC for crypto); bars before it count for nothing. `held`: whether a plan is open
    for the symbol; there is at most one. Equities are entered in regular hours only.
    """
    if held or not bars or not _in_session(bars[-1], session_open):
        return None
    session = bars[bisect_left(bars, session_open, key=_opened) :]
    match strategy:
        case BullFlag():
            return breakout(strategy, session)
        case VwapPullback():
            return pullback(strategy, session)
        case _:
            assert_never(strategy)


def _opened(bar: Bar) -> datetime:
    return bar.timestamp


def _in_session(bar: Bar, session_open: datetime) -> bool:
    """Whether an entry after `bar` can still be filled in the session."""
    if bar.timestamp < session_open:
        return False
    return instrument(bar.symbol).asset_class is not AssetClass.EQUITY or bar.known_at < session_open + REGULAR_HOURS
