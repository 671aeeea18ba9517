"""The paper exchange keeps the promises of every venue, on each of its feeds."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.venues.hand_made import HandMadeFeed, ManualClock, flat
from tests.venues.suite import PROMISES, Rig
from trading_bot.domain.config import FeedKind
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.venues.feeds.opening import open_feed
from trading_bot.venues.paper.venue import PaperVenue


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("market", ["by-hand", "simulated", "coins"])
def test_the_paper_exchange_keeps_its_promises(
    promise: Callable[[Rig], Awaitable[None]], market: str, tmp_path: Path
) -> None:
    config = PaperConfig(speed=None)
    symbols: dict[str, tuple[str, ...]] = {"by-hand": (), "simulated": ("ACME", "BOLT"), "coins": ("SOL/USD",)}
    feed = HandMadeFeed(flat(20)) if market == "by-hand" else open_feed(config, symbols[market])
    symbol = feed.symbols()[0]

    async def kept() -> None:
        venue = PaperVenue(tmp_path / "venue.db", config, ManualClock(), feed, symbols[market])
        await promise(Rig(venue=venue, symbol=symbol))
        await venue.close()

    asyncio.run(kept())


def test_a_replay_keeps_them_from_the_first_row_on(candles_coinbase: Path, tmp_path: Path) -> None:
    config = PaperConfig(feed=FeedKind.REPLAY, candles=str(candles_coinbase), speed=None)

    async def kept(number: int, promise: Callable[[Rig], Awaitable[None]]) -> None:
        venue = PaperVenue(tmp_path / f"{number}.db", config, ManualClock(), open_feed(config, ()), ("LTC/USD",))
        await promise(Rig(venue=venue, symbol="LTC/USD"))
        await venue.close()

    for number, promise in enumerate(PROMISES):
        asyncio.run(kept(number, promise))
