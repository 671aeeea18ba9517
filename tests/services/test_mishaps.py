"""What must not stop the bot, block its brake, or leave it doing what it should not: found by a reviewer, held here."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import bar, minute, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.health import RunState
from trading_bot.domain.orders import Leg, OrderStatus, OrderType, Side
from trading_bot.errors.fault import Fault
from trading_bot.services.run_control import RunControl
from trading_bot.store import candles, runtime
from trading_bot.venues.venue import NotYet

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]


async def test_a_command_that_fails_unexpectedly_ends_and_blocks_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: RunControl, command: Any, *, at: Any) -> None:
        raise ArithmeticError

    monkeypatch.setattr(RunControl, "_intervene", broken)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        first = bot.command(CommandKind.RECONCILE, action="adopt", symbol="ACME")
        brake = bot.command(CommandKind.PAUSE)
        await bot.bar(2)

        assert bot.told(first).status is CommandStatus.FAILED
        error = bot.told(first).error
        assert error is not None
        assert error.error_code == "BOT_004"
        assert bot.told(brake).status is CommandStatus.DONE
        assert bot.bot.loop.run_state is RunState.PAUSED


async def test_a_lost_entry_is_not_sent_again_into_a_suspended_symbol(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.trade_by_hand(Side.BUY, "5")
        await bot.bar(2)
        assert bot.books.suspended("ACME") is not None
        bot.venue.unsent.add("place")
        plan = await bot.enter(proposal())
        bot.venue.unsent.clear()
        await bot.bar(2)

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.EXPIRED]
        assert await bot.at_venue() == 5


async def test_a_resting_entry_of_a_suspended_symbol_is_cancelled(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(entry="99.50", stop="98", order_type=OrderType.LIMIT, good_for_bars=30))
        await bot.trade_by_hand(Side.BUY, "5")
        await bot.bar(3)

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.CANCELLED]


async def test_a_stop_that_is_traded_through_before_all_is_reconciled_is_not_forgotten(home: Path) -> None:
    market = [*CALM[:6], bar(6, "100", low="98.5"), *CALM[7:30]]

    def down(reply: object) -> Any:
        raise Fault("DATA_004", "The venue is down.")

    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(4)
        assert bot.held() == 10
    async with scripted_bot(home, market, tampering={"fills_since": down}) as bot:
        await bot.bar(3)
        assert bot.bot.loop.run_state is RunState.STARTING
        bot.venue.tampering.clear()
        await bot.bar(6)

        assert (bot.bot.loop.run_state, bot.held()) == (RunState.RUNNING, 0)
        assert bot.plan().exit_reason == "stop: traded at 98.5, stop was 99"


async def test_an_account_that_is_no_number_ends_no_loop(home: Path) -> None:
    def lies(account: Any) -> Any:
        return replace(account, account_balance=Decimal("NaN"))

    async with scripted_bot(home, CALM, tampering={"account": lies}) as bot:
        await bot.bar(3)
        assert len(bot.errors("DATA_005")) >= 1
        assert bot.books.account is None
        bot.venue.tampering.clear()
        await bot.bar(3)

        assert bot.bot.loop.run_state is RunState.RUNNING
        assert bot.books.account is not None
        assert bot.books.account.account_balance == 100_000


def heartbeat(bot: ScriptedBot) -> datetime:
    with bot.bot.store.reading("main") as r:
        known = runtime.find_runtime(r)
    assert known is not None
    assert known.last_heartbeat is not None
    return known.last_heartbeat


async def test_a_bot_that_can_not_begin_for_the_venue_s_sake_lives_and_says_so(home: Path) -> None:
    """Without a sign of life the supervisor would kill it once a minute."""

    def down(reply: object) -> Any:
        raise Fault("DATA_004", "The venue is down.")

    async with scripted_bot(home, CALM, tampering={"account": down}) as bot:
        before = heartbeat(bot)
        bot.clock.advance(30)
        await bot.bar(2)

        assert bot.books.account is None
        assert heartbeat(bot) - before >= timedelta(seconds=30)


async def test_a_history_that_can_not_be_read_holds_up_no_other_symbol(home: Path) -> None:
    """BOLT begins to trade at bar 6, and its history can't be read; ACME falls through its stop at bar 8."""
    acme = [bar(index, "100", low="98.5" if index == 8 else None) for index in range(30)]
    bolt = [bar(index, "50", symbol="BOLT") for index in range(6, 30)]
    market = sorted([*acme, *bolt], key=lambda one: (one.timestamp, one.symbol))

    def down(reply: object) -> Any:
        raise Fault("DATA_004", "The venue is down.")

    async with scripted_bot(home, market) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(3)
        assert (bot.now, bot.held()) == (minute(5), 10)
        bot.venue.tampering["bars"] = down
        await bot.bar(5)

        assert (bot.now, bot.held()) == (minute(10), 0)
        assert bot.plan().exit_reason == "stop: traded at 98.5, stop was 99"
        [told] = bot.errors("DATA_004")
        assert (told.cause, bot.bot.loop._vitals.is_failing("market_data")) == ("The venue is down.", True)
        bot.venue.tampering.clear()
        await bot.bar()

        with bot.bot.store.reading("main") as r:
            stored = candles.list_recent_bars(r, "BOLT", 100)
        assert [one.timestamp for one in stored] == [minute(index) for index in range(6, 11)]
        assert not bot.bot.loop._vitals.is_failing("market_data")


async def test_while_the_feed_stands_still_a_lost_cancel_is_settled(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading_bot.services.trading.HEARTBEAT_SECONDS", 0.0)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        plan = await bot.enter(proposal(entry="99.50", stop="98", order_type=OrderType.LIMIT, good_for_bars=30))
        bot.venue.tampering["next_update"] = lambda update: NotYet(wait_seconds=1.0, stale=True)
        bot.venue.unsent.add("cancel")
        bot.command(CommandKind.PAUSE)
        await bot.bar(2)
        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.PENDING_CANCEL]
        bot.venue.unsent.clear()
        await bot.bar(3)

        assert [order.status for order in bot.orders(plan, Leg.ENTRY)] == [OrderStatus.CANCELLED]


async def test_a_flatten_that_the_end_of_the_feed_cuts_short_says_so(home: Path) -> None:
    """The market closes at bar 390: nothing can be sold any more when the stop is asked for."""
    async with scripted_bot(home, [bar(index, "100") for index in range(384, 394)]) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(6)
        flatten = bot.command(CommandKind.STOP, onStop="FLATTEN")
        await bot.bar(8)

        told = bot.told(flatten)
        assert (bot.held(), bot.bot.loop.run_state) == (10, RunState.STOPPED)
        assert told.status is CommandStatus.FAILED
        assert told.error is not None
        assert "feed ended" in told.error.cause
