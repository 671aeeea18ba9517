"""The main job on real input: recorded sessions replayed through the whole bot, store and log included."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.playing import first_days, left_behind, play, replay_settings
from trading_bot.bootstrap import Bot
from trading_bot.clock import SystemClock
from trading_bot.domain.money import ZERO
from trading_bot.domain.performance import Record
from trading_bot.domain.sessions import equity
from trading_bot.domain.trades import RECORD_FIELDS, Outcome
from trading_bot.logs.audit import AuditLog

START = Decimal(100_000)


async def books_add_up(bot: Bot) -> None:
    """Cash + positions = start + realised + unrealised - fees, in our books and by the venue's word, after a bar."""
    books = bot.journal.books
    assert books.session is not None
    account = await bot.venue.account()
    held = {position.symbol: position.quantity for position in await bot.venue.positions()}
    worth = sum((position.market_value for position in books.positions.values()), ZERO)
    unrealized = sum((position.unrealized_pl for position in books.positions.values()), ZERO)
    earned = books.session.capital - START  # realised minus fees, over all sessions
    assert account.cash_balance + worth == START + earned + unrealized
    assert account.account_balance == equity(books.session, books.positions.values())
    assert held == {symbol: position.quantity for symbol, position in books.positions.items()}


@pytest.mark.timeout(300)
def test_replaying_six_real_sessions_adds_up_at_every_bar(home: Path, candles_us: Path, store_url: str) -> None:
    settings = replay_settings(home, candles_us, store_url)

    bars = play(settings, books_add_up)
    left = left_behind(store_url)

    assert bars == 4_965  # every minute that has a bar
    closed = [trade for trade in left["trades"] if trade.outcome is not Outcome.OPEN]
    assert len(closed) >= 20
    assert {trade.strategy_name for trade in closed} == {"bull-flag-breakout", "vwap-pullback"}
    assert len(left["sessions"]) == 6
    assert sum(session.total_trades for session in left["sessions"]) == len(closed)
    recomputed = Record()
    for trade in sorted(closed, key=lambda trade: (trade.exit_timestamp, trade.id)):
        recomputed = recomputed.with_trade(trade)
    assert (left["record"].trades, left["record"].wins, left["record"].realized) == (
        recomputed.trades,
        recomputed.wins,
        recomputed.realized,
    )
    assert [order for order in left["orders"] if order.is_live] == []
    _log_equals_the_store(settings.logs_dir, left)


@pytest.mark.timeout(300)
def test_replaying_two_real_days_of_crypto_adds_up_with_fractional_sizes(
    home: Path, candles_coinbase: Path, store_url: str
) -> None:
    settings = replay_settings(home, candles_coinbase, store_url)

    play(settings, books_add_up)
    left = left_behind(store_url)

    closed = [trade for trade in left["trades"] if trade.outcome is not Outcome.OPEN]
    assert len(closed) >= 20
    assert any(trade.quantity % 1 != 0 for trade in closed)
    assert len(left["sessions"]) == 2


def test_the_same_input_gives_the_same_trades_to_the_last_digit(tmp_path: Path, candles_coinbase: Path) -> None:
    day = first_days(candles_coinbase, 1, tmp_path / "day.csv")
    runs = []
    for name in ("one", "two"):
        home = tmp_path / name
        home.mkdir()
        url = f"sqlite:///{home / 'botgraph.db'}"
        play(replay_settings(home, day, url))
        runs.append(left_behind(url))

    assert runs[0] == runs[1]
    assert len(runs[0]["trades"]) > 0


def _log_equals_the_store(logs: Path, left: dict[str, Any]) -> None:
    """Every trade has a line at its entry and one at its exit, with the same order id and all 27 fields."""
    log = AuditLog(logs, SystemClock())
    for stream in ("orders", "trades"):
        verification = log.verify(stream)
        assert verification.ok
    lines = list(log.read("trades"))
    for trade in left["trades"]:
        own = [line for line in lines if line["order_id"] == trade.order_id]
        expected = ["open"] if trade.outcome is Outcome.OPEN else ["open", trade.outcome.value]
        assert [line["outcome"] for line in own] == expected
        assert all(set(RECORD_FIELDS) <= line.keys() for line in own)
