"""Opening: the feed that a configuration asks for."""

from pathlib import Path
from typing import assert_never

from trading_bot.domain.config import FeedKind, PaperVenue
from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.feed import Feed
from trading_bot.venues.feeds.replay import ReplayFeed
from trading_bot.venues.feeds.simulated import DEFAULT_SYMBOLS, SimulatedFeed


def open_feed(config: PaperVenue, symbols: tuple[str, ...]) -> Feed:
    """The feed of `config`: a file has the symbols that it has, the simulated market those asked for, or its own when none are.

    DATA_001 when the file can't be read, CFG_001 for a symbol that is none.
    """
    match config.feed:
        case FeedKind.REPLAY:
            return ReplayFeed(Path(config.candles or ""))
        case FeedKind.SIMULATED:
            try:
                return SimulatedFeed(seed=config.seed, symbols=symbols or DEFAULT_SYMBOLS)
            except ValueError as error:
                raise Fault("CFG_001", str(error), context={"field": "symbols"}) from error
        case never:
            assert_never(never)
