"""HALTED by reconciliation: what the venue says of our money can't be true, until it can be and an operator resumes."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.config import BotConfig
from trading_bot.domain.health import RunState
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.orders import Leg, OrderStatus, OrderType
from trading_bot.errors.fault import Fault
from trading_bot.store.risk_events import list_risk_events

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]
RESTING = proposal(entry="90", stop="89", target=None, order_type=OrderType.LIMIT, good_for_bars=60)
ACCOUNT = "The venue reports an account with a figure that is not a number."


def state(bot: ScriptedBot) -> tuple[RunState, str | None]:
    now = bot.bot.loop._vitals.runtime
    return now.run_state, now.run_state_reason


async def lying_account(bot: ScriptedBot) -> None:
    """Rests an entry, and lets the venue tell an account that can't be."""
    await bot.bar()
    await bot.enter(RESTING)
    bot.venue.tampering["account"] = lambda seen: replace(seen, buying_power=Decimal("NaN"))
    await bot.bar()


async def test_an_account_that_can_not_be_true_halts_the_bot_until_it_is_resumed(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await lying_account(bot)
        assert state(bot) == (RunState.HALTED, ACCOUNT)
        assert [order.status for order in bot.orders(bot.plan(), Leg.ENTRY)] == [OrderStatus.CANCELLED]
        await bot.bar(3)
        early = bot.command(CommandKind.RESUME)
        await bot.bar()
        error = bot.told(early).error
        assert error is not None
        assert (error.error_code, error.cause) == ("RISK_013", f"It can't go on yet. {ACCOUNT}")

        del bot.venue.tampering["account"]
        await bot.bar()
        assert state(bot) == (RunState.HALTED, ACCOUNT)  # it goes on when an operator says so
        resume = bot.command(CommandKind.RESUME)
        await bot.bar()
        assert (bot.told(resume).status, state(bot)[0]) == (CommandStatus.DONE, RunState.RUNNING)
        assert len(bot.errors("RISK_013")) == 1
        with bot.bot.store.reading("main") as r:
            events = list_risk_events(r, 10).items
        assert [(e.event_type, e.action_taken, e.code, e.detail) for e in events] == [
            ("reconciliation_halt", "trading_halted", "RISK_013", f"Halted by reconciliation: {ACCOUNT}")
        ]


async def test_a_halt_by_reconciliation_outlives_the_process(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await lying_account(bot)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        assert state(bot) == (RunState.HALTED, ACCOUNT)
        bot.command(CommandKind.RESUME)
        await bot.bar()
        assert state(bot)[0] is RunState.RUNNING


async def test_a_paused_bot_is_halted_too_and_a_stopped_one_stays_stopped(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.command(CommandKind.PAUSE)
        await bot.bar()
        bot.venue.tampering["account"] = lambda seen: replace(seen, buying_power=Decimal(-1))
        await bot.bar()
        assert state(bot)[0] is RunState.HALTED
        bot.command(CommandKind.STOP)
        await bot.bar()
        start = bot.command(CommandKind.START)
        await bot.bar()

        error = bot.told(start).error
        assert error is not None
        assert (error.error_code, state(bot)[0]) == ("RISK_013", RunState.STOPPED)


async def test_a_venue_that_can_not_be_read_clears_no_doubt(home: Path) -> None:
    def broken(seen: object) -> object:
        raise Fault("DATA_004", "The venue does not answer.")

    async with scripted_bot(home, CALM) as bot:
        await lying_account(bot)
        bot.venue.tampering["fills_since"] = broken
        del bot.venue.tampering["account"]
        await bot.bar()
        early = bot.command(CommandKind.RESUME)
        await bot.bar()

        assert (bot.told(early).status, state(bot)[0]) == (CommandStatus.FAILED, RunState.HALTED)


async def test_an_order_whose_look_up_can_not_be_true_halts_the_bot_as_well(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.venue.unanswered.add("place")
        bot.venue.tampering["order"] = lambda seen: replace(seen, filled=Decimal(-1))
        await bot.enter(RESTING)
        bot.venue.unanswered.clear()
        await bot.bar(2)
        assert state(bot) == (
            RunState.HALTED,
            "The venue's reply on an order has another quantity than was ordered, or more filled than that.",
        )

        del bot.venue.tampering["order"]
        await bot.bar(2)
        bot.command(CommandKind.RESUME)
        await bot.bar()
        assert state(bot)[0] is RunState.RUNNING


async def test_a_reset_of_the_breaker_does_not_end_a_halt_by_reconciliation(home: Path) -> None:
    falls = [*CALM[:3], *(bar(index, "99") for index in range(3, 10)), *(bar(index, "101") for index in range(10, 60))]
    limits = BotConfig(strategies=(), venue=BotConfig().venue, risk=RiskLimits(daily_loss_limit=Decimal(-50)))
    async with scripted_bot(home, falls, config=replace(limits, venue=replace(limits.venue, speed=None))) as bot:
        await bot.bar()
        await bot.enter(proposal(stop="90", target=None), "60")
        await bot.bar(4)
        assert state(bot)[0] is RunState.HALTED
        assert bot.bot.loop._breaker.state.is_tripped
        bot.venue.tampering["account"] = lambda seen: replace(seen, buying_power=Decimal("NaN"))
        await bot.bar()
        assert state(bot) == (RunState.HALTED, ACCOUNT)
        del bot.venue.tampering["account"]
        await bot.bar(8)
        reset = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()

        assert (bot.told(reset).status, bot.bot.loop._breaker.state.is_tripped) == (CommandStatus.DONE, False)
        assert state(bot) == (RunState.HALTED, ACCOUNT)


async def test_a_change_that_the_table_does_not_have_is_refused_and_changes_nothing(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.command(CommandKind.STOP)
        await bot.bar()
        before = bot.bot.loop._vitals.runtime

        with pytest.raises(Fault, match="STOPPED is not followed by PAUSED") as refusal:
            bot.bot.loop._vitals.enter(RunState.PAUSED, "a test wants it")

        assert refusal.value.code == "BOT_003"
        assert bot.bot.loop._vitals.runtime == before


async def test_a_pause_while_a_stopped_bot_starts_leaves_it_stopped(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.command(CommandKind.STOP)
        await bot.bar()
        pause = bot.command(CommandKind.PAUSE)
        bot.bot.loop.end()
    async with scripted_bot(home, CALM) as bot:
        await bot.bar(2)
        told = bot.told(pause)
        assert (told.status, told.outcome["before"] if told.outcome else None) == (CommandStatus.DONE, "STOPPED")
        assert bot.bot.loop.run_state is RunState.STOPPED


async def test_a_stop_that_was_going_on_goes_on_after_a_restart(home: Path) -> None:
    overnight = [*(bar(i, "100") for i in range(384, 394)), *(bar(i, "100") for i in range(1440, 1460))]
    async with scripted_bot(home, overnight) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(6)
        flatten = bot.command(CommandKind.STOP, onStop="FLATTEN")
        await bot.bar()
        assert bot.bot.loop.run_state is RunState.STOPPING
    async with scripted_bot(home, overnight) as bot:
        await bot.bar()
        assert (bot.bot.loop.run_state, bot.told(flatten).status) == (RunState.STOPPING, CommandStatus.RUNNING)
        await bot.bar(8)
        assert (bot.held(), bot.bot.loop.run_state, bot.told(flatten).status) == (
            0,
            RunState.STOPPED,
            CommandStatus.DONE,
        )
