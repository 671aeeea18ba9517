"""Commands that overrule each other, fail half-way or come too late: what was asked before must not trade later."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.health import RunState
from trading_bot.store import commands

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(40)]
OVERNIGHT = [*(bar(index, "100") for index in range(384, 394)), *(bar(index, "100") for index in range(1440, 1460))]
"""Six minutes before the close, some after it, and the next morning."""


async def holding_after_the_close(bot: ScriptedBot) -> None:
    await bot.bar()
    await bot.enter(proposal())
    await bot.bar(6)
    assert bot.held() == 10


async def test_a_flatten_that_was_overruled_never_comes_back(home: Path) -> None:
    async with scripted_bot(home, OVERNIGHT) as bot:
        await holding_after_the_close(bot)
        flatten = bot.command(CommandKind.STOP, onStop="FLATTEN")
        await bot.bar()
        assert bot.told(flatten).status is CommandStatus.RUNNING
        keep = bot.command(CommandKind.STOP, onStop="KEEP_EVERYTHING")
        await bot.bar()

        overruled = bot.told(flatten)
        assert overruled.error is not None
        assert (overruled.status, overruled.error.cause) == (CommandStatus.FAILED, "It was superseded by STOP.")
        assert (bot.told(keep).status, bot.plan().exit_reason) == (CommandStatus.DONE, None)
        start = bot.command(CommandKind.START)
        await bot.bar(8)
        assert bot.told(start).status is CommandStatus.DONE
        assert (bot.bot.loop.run_state, bot.held(), await bot.at_venue()) == (RunState.RUNNING, 10, 10)


async def test_a_flatten_that_waits_for_its_market_is_withdrawn_by_a_resume(home: Path) -> None:
    async with scripted_bot(home, OVERNIGHT) as bot:
        await holding_after_the_close(bot)
        flatten = bot.command(CommandKind.STOP, onStop="FLATTEN")
        await bot.bar()
        resume = bot.command(CommandKind.RESUME)
        await bot.bar(8)

        assert (bot.told(flatten).status, bot.told(resume).status) == (CommandStatus.FAILED, CommandStatus.DONE)
        assert (bot.bot.loop.run_state, bot.held(), bot.plan().exit_reason) == (RunState.RUNNING, 10, None)


@pytest.mark.parametrize(("first", "last"), [("RESUME", "PAUSE"), ("PAUSE", "RESUME")])
async def test_of_a_pause_and_a_resume_that_wait_together_the_later_word_counts(
    home: Path, first: str, last: str
) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        bot.command(CommandKind.PAUSE)
        await bot.bar()
        waiting = {kind: bot.command(CommandKind[kind]) for kind in (first, last)}
        await bot.bar()

        assert bot.bot.loop.run_state is (RunState.PAUSED if last == "PAUSE" else RunState.RUNNING)
        assert bot.told(waiting[last]).status is CommandStatus.DONE
        overruled = bot.told(waiting["RESUME"]).error
        assert (overruled.cause if overruled else None) == ("It was superseded by PAUSE." if last == "PAUSE" else None)


async def test_a_close_that_failed_sells_nothing_later(home: Path) -> None:
    async with scripted_bot(home, OVERNIGHT) as bot:
        await holding_after_the_close(bot)
        close = bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar()
        assert (bot.told(close).status, bot.plan().exit_reason) == (
            CommandStatus.RUNNING,
            "closed by command: an operator wants it",
        )
        bot.command(CommandKind.STOP, onStop="KEEP_EVERYTHING")
        await bot.bar(2)
        assert (bot.told(close).status, bot.plan().exit_reason) == (CommandStatus.FAILED, None)
        bot.command(CommandKind.START)
        await bot.bar(8)

        assert (bot.bot.loop.run_state, bot.held(), await bot.at_venue()) == (RunState.RUNNING, 10, 10)


def left_waiting(bot: ScriptedBot, kind: CommandKind, hours: int, **parameters: object) -> str:
    """A command that was stored that long ago while no bot ran."""
    command_id = bot.command(kind, **parameters)
    command = bot.told(command_id)
    with bot.bot.store.writing("main") as w:
        commands.save_command(w, replace(command, created_at=command.created_at - timedelta(hours=hours)))
    return command_id


async def test_what_would_trade_is_not_carried_out_a_day_late(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        close = left_waiting(bot, CommandKind.CLOSE_POSITIONS, 25, symbols=["ACME"])
        await bot.bar(4)
        assert (bot.told(close).status, bot.held()) == (CommandStatus.EXPIRED, 10)
        moved = left_waiting(bot, CommandKind.UPDATE_TARGETS, 25, symbol="ACME", stop="99.50")
        reset = left_waiting(bot, CommandKind.RESET_BREAKER, 25)
        await bot.bar(2)
        assert [bot.told(late).status for late in (moved, reset)] == [CommandStatus.EXPIRED] * 2
        assert bot.plan().stop_price == 99

        stop = left_waiting(bot, CommandKind.STOP, 25, onStop="KEEP_EVERYTHING")
        await bot.bar()
        assert (bot.told(stop).status, bot.bot.loop.run_state) == (CommandStatus.DONE, RunState.STOPPED)
        late = left_waiting(bot, CommandKind.START, 25)
        await bot.bar()
        error = bot.told(late).error
        assert error is not None
        assert (bot.told(late).status, error.error_code, error.cause) == (
            CommandStatus.EXPIRED,
            "BOT_003",
            "START was not taken within 24 hours; what it was asked for may have changed.",
        )
        assert bot.bot.loop.run_state is RunState.STOPPED
        timely = left_waiting(bot, CommandKind.START, 23)
        await bot.bar()
        assert (bot.told(timely).status, bot.bot.loop.run_state) == (CommandStatus.DONE, RunState.RUNNING)
