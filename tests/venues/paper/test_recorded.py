"""Recorded markets traded from end to end: every minute once, and books that follow from the executions alone."""

import random
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.hand_made import ManualClock, request, run
from trading_bot.calendar import is_open
from trading_bot.domain.config import FeedKind
from trading_bot.domain.config import PaperVenue as PaperConfig
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import BAR_LENGTH
from trading_bot.domain.money import floored, rounded
from trading_bot.domain.orders import Side
from trading_bot.venues.feeds.opening import open_feed
from trading_bot.venues.paper.ledger import LedgerBooks, read_ledger
from trading_bot.venues.paper.venue import PaperVenue
from trading_bot.venues.venue import FeedEnded, MarketUpdate


def traded_through(file: Path, ledger: Path) -> tuple[list[MarketUpdate], LedgerBooks]:
    """Every update, and what stands in the ledger after orders of all kinds."""
    config = PaperConfig(
        feed=FeedKind.REPLAY, candles=str(file), speed=None, commission_bps=Decimal(1), slippage_bps=Decimal(2)
    )
    venue = PaperVenue(ledger, config, ManualClock(), open_feed(config, ()), ())
    chance, updates, after = random.Random(11), list[MarketUpdate](), None
    while not isinstance(update := run(venue.next_update(after)), FeedEnded):
        assert isinstance(update, MarketUpdate)
        updates.append(update)
        after = update.time
        if chance.random() < 0.1:
            bar = chance.choice(update.bars)
            whole = instrument(bar.symbol).quantity_step == 1
            quantity = str(chance.randrange(1, 80)) if whole else f"{chance.random() * 0.2:.8f}"
            around = {
                name: f"{bar.close * (1 + Decimal(chance.randrange(-8, 9)) / 4000):.2f}" for name in ("limit", "stop")
            }
            prices = {name: around[name] for name in chance.choice([(), ("limit",), ("stop",), ("limit", "stop")])}
            side = chance.choice((Side.BUY, Side.BUY, Side.SELL))
            run(venue.place(request(f"o{len(updates)}", side, quantity, symbol=bar.symbol, **prices)))
    run(venue.close())
    return updates, read_ledger(ledger)


@pytest.mark.parametrize(
    ("recording", "minutes", "bars"), [("candles_us", 4965, 13_429), ("candles_coinbase", 2451, 7343)]
)
def test_a_recording_is_traded_through_and_its_books_add_up(
    recording: str, minutes: int, bars: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    updates, books = traded_through(request.getfixturevalue(recording), tmp_path / "venue.db")
    market = {(bar.symbol, bar.known_at): bar for update in updates for bar in update.bars}
    taken: dict[tuple[str, datetime], Decimal] = defaultdict(Decimal)
    held: dict[str, Decimal] = defaultdict(Decimal)
    cash = Decimal(100_000)
    placed = {order.client_order_id: order for order in books.orders}

    assert (len(updates), len(market)) == (minutes, bars)
    assert [update.time for update in updates] == sorted({update.time for update in updates})
    assert len(books.fills) > 60
    for fill in books.fills:
        known, bar = instrument(fill.symbol), market[fill.symbol, fill.timestamp]
        value = rounded(fill.quantity * fill.price, known.cash_step)
        cash += -value - fill.fee if fill.side is Side.BUY else value - fill.fee
        held[fill.symbol] += fill.quantity if fill.side is Side.BUY else -fill.quantity
        taken[fill.symbol, fill.timestamp] += fill.quantity
        assert cash >= 0
        assert held[fill.symbol] >= 0
        assert bar.low <= fill.price <= bar.high
        assert bar.timestamp >= placed[fill.client_order_id].created_at
        assert is_open(known.asset_class, fill.timestamp - BAR_LENGTH)
        assert taken[fill.symbol, fill.timestamp] <= floored(bar.volume / 10, known.quantity_step)
    assert books.cash == cash
    assert {position.symbol: position.quantity for position in books.positions} == {s: q for s, q in held.items() if q}
