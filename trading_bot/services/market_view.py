"""The market view: the last bars of each symbol, as the strategies see them. After a restart it is the same as without one."""

from collections import deque
from collections.abc import Sequence

from trading_bot.domain.market import Bar
from trading_bot.store import candles
from trading_bot.store.store import Reading
from trading_bot.strategies.propose import LOOKBACK
from trading_bot.venues.venue import MarketUpdate, Venue


class MarketView:
    """The last bars of each symbol, oldest first."""

    def __init__(self) -> None:
        self._bars: dict[str, deque[Bar]] = {}
        self.failure: Exception | None = None
        """Why the history of a new symbol could not be read at the last minute; null where none was missing."""

    def load(self, r: Reading) -> None:
        """Take in what the store has."""
        for symbol in candles.list_symbols(r):
            self._bars[symbol] = deque(candles.list_recent_bars(r, symbol, LOOKBACK), maxlen=LOOKBACK)

    async def take(self, update: MarketUpdate, venue: Venue) -> list[Bar]:
        """Take in the bars of one minute; a symbol that is new brings its history. Gives all bars that were not known before.

        A history that can't be read holds up no other symbol, whose stop may stand: its symbol is taken in with a later minute.
        """
        new: list[Bar] = []
        self.failure = None
        for bar in update.bars:
            if bar.symbol not in self._bars:
                try:
                    history = await venue.bars(bar.symbol, until=update.time, count=LOOKBACK)
                except Exception as error:  # noqa: BLE001 - reported by whoever asked
                    self.failure = error
                    continue
                past = [old for old in history if old.timestamp < bar.timestamp]
                self._bars[bar.symbol] = deque(past, maxlen=LOOKBACK)
                new += past
            known = self._bars[bar.symbol]
            if not known or known[-1].timestamp < bar.timestamp:
                known.append(bar)
                new.append(bar)
        return new

    def bars(self, symbol: str) -> Sequence[Bar]:
        """The last bars of `symbol`, oldest first, at most LOOKBACK."""
        return tuple(self._bars.get(symbol, ()))

    def previous(self, bar: Bar) -> Bar | None:
        """The bar before `bar`, when it is the latest."""
        known = self._bars.get(bar.symbol)
        return known[-2] if known and len(known) > 1 else None
