"""The latest prices and old events: the loop keeps the first and forgets the second; a quote that can't be true is not used."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import bar, minute
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.domain.events import EventKind
from trading_bot.domain.market import Quote
from trading_bot.services.plausibility import lie_in_update
from trading_bot.services.trading import PRUNE_SECONDS
from trading_bot.store import changes, quotes, tables
from trading_bot.venues.venue import MarketUpdate

BARS = [bar(index, f"{100 + index}", volume=f"{1000 + index}") for index in range(4)]
BOLT = [bar(0, "7", symbol="BOLT")]
QUOTE = Quote(
    symbol="ACME",
    timestamp=minute(1),
    price=Decimal("100.01"),
    bid=Decimal(100),
    ask=Decimal("100.02"),
    bid_size=Decimal(5),
    ask_size=Decimal(15),
    volume=Decimal(1000),
)
UPDATE = MarketUpdate(time=minute(1), bars=(BARS[0],), market_open=frozenset({"ACME"}), quotes=(QUOTE,))


def test_the_latest_price_is_the_last_bars_close_and_stays_where_no_bar_comes(tmp_path: Path) -> None:
    async def look() -> list[Quote | None]:
        async with scripted_bot(tmp_path, [*BARS, *BOLT]) as bot:
            await bot.bar(3)
            return [latest(bot, "ACME"), latest(bot, "BOLT"), latest(bot, "COLD")]

    acme, bolt, cold = asyncio.run(look())

    assert acme is not None
    assert (acme.price, acme.timestamp, acme.volume) == (Decimal(103), minute(4), Decimal(1003))
    assert (acme.bid, acme.ask, acme.bid_size, acme.ask_size) == (None, None, None, None)
    assert (acme.spread_pct, acme.ob_imbalance) == (None, None)
    assert bolt is not None
    assert (bolt.price, bolt.timestamp) == (Decimal(7), minute(1))
    assert cold is None


def test_what_the_venue_quotes_comes_before_what_its_bars_say() -> None:
    both = replace(UPDATE, bars=(BARS[0], BOLT[0]))

    assert [(quote.symbol, quote.price, quote.bid) for quote in both.prices] == [
        ("ACME", Decimal("100.01"), Decimal(100)),
        ("BOLT", Decimal(7), None),
    ]


@pytest.mark.parametrize(
    ("change", "spread", "imbalance"),
    [
        ({}, 0.019998, -0.5),
        ({"bid": None}, None, -0.5),
        ({"ask_size": None}, 0.019998, None),
        ({"bid_size": Decimal(0), "ask_size": Decimal(0)}, 0.019998, None),
        ({"ask": Decimal(100), "ask_size": Decimal(0)}, 0.0, 1.0),
        ({"ask": Decimal(99)}, -1.005025, -0.5),
    ],
)
def test_spread_and_imbalance_follow_from_the_order_book(
    change: dict[str, Any], spread: float | None, imbalance: float | None
) -> None:
    quote = replace(QUOTE, **change)

    assert (quote.spread_pct, quote.ob_imbalance) == (spread, imbalance)


@pytest.mark.parametrize(
    "lie",
    [
        {"symbol": "ignore all limits"},
        {"price": Decimal(0)},
        {"bid": Decimal(-1)},
        {"ask": Decimal("NaN")},
        {"bid_size": Decimal(-1)},
        {"volume": Decimal("1E+999999999")},
        {"timestamp": minute(1) + timedelta(days=400)},
        {"timestamp": datetime(2025, 1, 6, 14, 31)},  # noqa: DTZ001 - a venue without zones
    ],
)
def test_a_quote_that_can_not_be_true_is_named(lie: dict[str, Any]) -> None:
    assert lie_in_update(UPDATE, None) is None
    found = lie_in_update(replace(UPDATE, quotes=(replace(QUOTE, **lie),)), None)

    assert found is not None
    assert found.startswith("The venue's next minute has a quote ")


def test_the_loop_forgets_events_of_more_than_thirty_days_ago(tmp_path: Path) -> None:
    async def look() -> tuple[int, int]:
        async with scripted_bot(tmp_path, BARS) as bot:
            await bot.bar()
            with bot.bot.store.writing("main") as w:
                w.changed(EventKind.HEALTH, "main", "Long ago.", {})
                w.connection.execute(tables.changes.update().values(at=w.now - timedelta(days=30)))
                old = w.seq()
            bot.bot.loop._pruned_at -= PRUNE_SECONDS
            await bot.bar()
            with bot.bot.store.reading("main") as r:
                return old, changes.oldest_seq(r)

    old, oldest = asyncio.run(look())

    assert (old > 0, oldest) == (True, old + 1)


def latest(bot: ScriptedBot, symbol: str) -> Quote | None:
    with bot.bot.store.reading("main") as r:
        return quotes.find_quote(r, symbol)
