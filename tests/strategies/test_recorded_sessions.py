"""What the strategies do with recorded candles: how many entries they propose, and how these would have ended.

Orders are filled on the bars that follow, without slippage or limits of size: a stop where the high reaches it,
a limit where the low does; the stop wins over the target. The figures are the strategies' own and no promise of profit.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.strategies.charts import recorded
from trading_bot.domain.config import BullFlag, Strategy, VwapPullback
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal
from trading_bot.strategies.propose import LOOKBACK, propose

REGULAR = timedelta(hours=6, minutes=30)
STRATEGIES: tuple[Strategy, ...] = (BullFlag(), VwapPullback())


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of one symbol's bars."""

    proposed: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    resting: tuple[EntryProposal, datetime] | None = None
    held: EntryProposal | None = None

    def match(self, bar: Bar) -> None:
        """Let the resting entry or the position held meet `bar`."""
        if self.resting is not None:
            proposal, last = self.resting
            if _fills(proposal, bar):
                self.held, self.resting = proposal, None
            elif bar.timestamp >= last:
                self.resting = None
        elif self.held is not None and _ends(self.held, bar):
            self.closed[self.held.strategy_name] += 1
            self.held = None

    def decide(self, bars: Sequence[Bar], session_open: datetime) -> None:
        """Ask the strategies in order, as the loop does."""
        for strategy in STRATEGIES:
            busy = self.resting is not None or self.held is not None
            proposal = propose(strategy, bars, session_open=session_open, held=busy)
            if proposal is not None:
                self.proposed[proposal.strategy_name] += 1
                self.resting = (proposal, bars[-1].timestamp + BAR_LENGTH * proposal.good_for_bars)


def _fills(proposal: EntryProposal, bar: Bar) -> bool:
    if proposal.order_type is OrderType.STOP:
        return bar.high >= proposal.entry_price
    return bar.low <= proposal.entry_price


def _ends(proposal: EntryProposal, bar: Bar) -> bool:
    target: Decimal | None = proposal.target_price
    return bar.low <= proposal.stop_price or (target is not None and bar.high >= target)


def _tallies(
    charts: dict[str, list[Bar]], opening: Callable[[datetime], datetime], length: timedelta
) -> dict[str, Tally]:
    tallies = {symbol: Tally() for symbol in charts}
    for symbol, bars in charts.items():
        for index, bar in enumerate(bars):
            session_open = opening(bar.timestamp)
            if session_open <= bar.timestamp < session_open + length:
                tallies[symbol].match(bar)
            tallies[symbol].decide(bars[max(index + 1 - LOOKBACK, 0) : index + 1], session_open)
    return tallies


def _new_york_in_summer(moment: datetime) -> datetime:
    return moment.replace(hour=13, minute=30)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0)


def test_six_sessions_of_equities_give_enough_trades_to_prove_the_bot_on(candles_us: Path) -> None:
    tallies = _tallies(recorded(candles_us), _new_york_in_summer, REGULAR)

    assert {symbol: dict(tally.proposed) for symbol, tally in sorted(tallies.items())} == {
        "AIG": {"bull-flag-breakout": 26, "vwap-pullback": 11},
        "BAC": {"bull-flag-breakout": 25, "vwap-pullback": 9},
        "IBM": {"bull-flag-breakout": 9, "vwap-pullback": 3},
        "SPY": {"bull-flag-breakout": 10, "vwap-pullback": 7},
    }
    assert sum((tally.closed for tally in tallies.values()), Counter()) == {
        "bull-flag-breakout": 38,
        "vwap-pullback": 29,
    }


def test_two_days_of_coins_give_enough_trades_to_prove_the_bot_on(candles_coinbase: Path) -> None:
    tallies = _tallies(recorded(candles_coinbase), _midnight, timedelta(days=1))

    assert {symbol: dict(tally.proposed) for symbol, tally in sorted(tallies.items())} == {
        "BTC/USD": {"bull-flag-breakout": 63, "vwap-pullback": 3},
        "ETH/USD": {"bull-flag-breakout": 70, "vwap-pullback": 10},
        "LTC/USD": {"bull-flag-breakout": 77, "vwap-pullback": 7},
    }
    assert sum((tally.closed for tally in tallies.values()), Counter()) == {
        "bull-flag-breakout": 81,
        "vwap-pullback": 19,
    }
