"""The circuit breaker of a whole bot on a hand-written market: trips, restarts, resets."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import bar, minute, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot, trading_on
from trading_bot.bootstrap import bot_of
from trading_bot.clock import SystemClock
from trading_bot.domain.breaker import Breaker
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.config import BotConfig
from trading_bot.domain.errors import Severity
from trading_bot.domain.health import RunState
from trading_bot.domain.limits import BreakerReset, RiskLimits
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Leg, OrderStatus, OrderType
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.logs.audit import AuditLog
from trading_bot.settings import load_settings
from trading_bot.store.risk_events import find_breaker, list_risk_events

pytestmark = pytest.mark.anyio

# Falls by 1 at bar 3; the stops at 90 are far away.
FALLS = [*(bar(index, "100") for index in range(3)), *(bar(index, "99") for index in range(3, 40))]
LOST = "The daily loss limit is reached: limit -50.00, is -60.00."


def config(**limits: Any) -> BotConfig:
    return BotConfig(strategies=(), venue=PLAIN, risk=RiskLimits(**limits))


def risk_events(bot: ScriptedBot) -> list[RiskEvent]:
    with bot.bot.store.reading("main") as r:
        return list(reversed(list_risk_events(r, 100).items))


def stored(bot: ScriptedBot) -> Breaker:
    with bot.bot.store.reading("main") as r:
        return find_breaker(r)


async def tripped_by_a_fall(bot: ScriptedBot) -> None:
    """60 shares bought at 100, and the market at 99: the session has lost 60."""
    await bot.bar()
    await bot.enter(proposal(stop="90", target=None), "60")
    await bot.bar(3)
    assert bot.bot.loop.run_state is RunState.HALTED


async def test_the_daily_loss_limit_halts_the_bot_and_says_why_everywhere(home: Path) -> None:
    async with scripted_bot(home, FALLS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await tripped_by_a_fall(bot)

        runtime = bot.bot.loop._vitals.runtime
        assert (runtime.run_state_reason, runtime.circuit_breaker_reason) == (LOST, LOST)
        [event] = risk_events(bot)
        assert event.config_snapshot["daily_loss_limit"] == "-50"
        assert event.config_snapshot["breaker_reset"] == "command"
        assert replace(event, config_snapshot={}) == RiskEvent(
            id=event.id,
            timestamp=minute(4),
            event_type="circuit_breaker_trip",
            severity=Severity.HIGH,
            daily_pnl=Decimal("-60.00"),
            daily_pnl_pct=Decimal("-0.06"),
            consecutive_losses=0,
            action_taken="trading_halted",
            config_snapshot={},
            detail=f"The circuit breaker tripped: {LOST}",
            code="RISK_003",
            symbol=None,
            count=1,
            last_seen_at=minute(4),
        )
        [error] = bot.errors("RISK_010")
        assert (error.cause, error.context["code"], error.context["value"]) == (LOST, "RISK_003", "-60.00")
        [line] = AuditLog(home / "logs", SystemClock()).read("risk-management")
        assert (line["id"], line["event_type"], line["daily_pnl"]) == (event.id, event.event_type, "-60.00")
        await bot.bar(5)
        assert len(risk_events(bot)) == 1  # a tripped breaker does not trip again


async def test_a_trip_takes_resting_entries_back_and_lets_the_stop_work(home: Path) -> None:
    market = [*FALLS[:8], bar(8, "99", low="89"), *(bar(index, "89") for index in range(9, 16))]
    market += [bar(index, "100", symbol="BOLT") for index in range(16)]
    async with scripted_bot(home, market, config=config(daily_loss_limit=Decimal(-50))) as bot:
        waiting = proposal(symbol="BOLT", entry="95", stop="90", order_type=OrderType.LIMIT, good_for_bars=60)
        resting = await bot.enter(waiting, "5")
        held = await bot.enter(proposal(stop="90", target=None), "60")
        await bot.bar(2)
        assert [order.status for order in bot.orders(resting, Leg.ENTRY)] == [OrderStatus.ACCEPTED]
        await bot.bar()

        assert bot.bot.loop.run_state is RunState.HALTED
        assert [order.status for order in bot.orders(resting, Leg.ENTRY)] == [OrderStatus.CANCELLED]
        await bot.bar(8)
        assert [order.status for order in bot.orders(held, Leg.EXIT)] == [OrderStatus.FILLED]
        assert bot.held() == 0
        assert bot.bot.loop.run_state is RunState.HALTED


async def test_it_stays_tripped_over_a_restart_and_resume_is_refused(home: Path) -> None:
    limits = config(daily_loss_limit=Decimal(-50))
    async with scripted_bot(home, FALLS, config=limits) as bot:
        await tripped_by_a_fall(bot)
        before, events = stored(bot), risk_events(bot)
    async with scripted_bot(home, FALLS) as bot:
        resume = bot.command(CommandKind.RESUME)
        await bot.bar(3)

        assert (bot.bot.loop.run_state, stored(bot), risk_events(bot)) == (RunState.HALTED, before, events)
        assert before == Breaker(
            code="RISK_003",
            cause=LOST,
            tripped_at=minute(4),
            session_id=bot.books.session.id if bot.books.session else None,
            resume_as=RunState.RUNNING,
            resume_reason=None,
        )
        assert bot.told(resume).status is CommandStatus.FAILED


async def test_a_reset_is_refused_with_figures_while_its_cause_holds(home: Path) -> None:
    async with scripted_bot(home, FALLS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await tripped_by_a_fall(bot)
        reset = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()

        told = bot.told(reset)
        assert told.status is CommandStatus.FAILED
        assert told.error is not None
        assert (told.error.error_code, told.error.context) == ("RISK_003", {"limit": "-50.00", "value": "-60.00"})
        assert told.error.cause == f"It can't be reset yet. {LOST}"
        assert (bot.bot.loop.run_state, stored(bot).is_tripped, len(risk_events(bot))) == (RunState.HALTED, True, 1)


RECOVERS = [*FALLS[:5], *(bar(index, "100") for index in range(5, 20))]


async def test_once_the_cause_is_gone_a_reset_lets_the_bot_run_again(home: Path) -> None:
    async with scripted_bot(home, RECOVERS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await tripped_by_a_fall(bot)
        await bot.bar(2)
        reset = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()

        told = bot.told(reset)
        assert told.outcome == {
            "runState": "RUNNING",
            "liveOrders": 0,
            "positions": 1,
            "before": "HALTED",
            "trippedBy": LOST,
        }
        assert (bot.bot.loop.run_state, stored(bot)) == (
            RunState.RUNNING,
            Breaker(reset_at=minute(7), trades_at_reset=0),
        )
        assert bot.bot.loop._vitals.runtime.circuit_breaker_reason is None
        trip, done = risk_events(bot)
        assert (done.event_type, done.action_taken, done.timestamp) == (
            "circuit_breaker_reset",
            "trading_resumed",
            minute(7),
        )
        assert done.detail == f"The circuit breaker was reset (an operator wants it). It had tripped: {LOST}"
        assert trip.id != done.id


async def test_a_bot_that_was_paused_is_paused_again_after_the_reset(home: Path) -> None:
    async with scripted_bot(home, RECOVERS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await bot.bar()
        await bot.enter(proposal(stop="90", target=None), "60")
        await bot.bar()
        bot.command(CommandKind.PAUSE)
        await bot.bar(2)
        assert bot.bot.loop.run_state is RunState.HALTED
        await bot.bar(2)
        bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()

        assert bot.bot.loop.run_state is RunState.PAUSED
        assert bot.bot.loop._vitals.runtime.run_state_reason == "an operator wants it"


async def test_a_pause_while_it_is_tripped_outlasts_the_reset(home: Path) -> None:
    async with scripted_bot(home, RECOVERS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await tripped_by_a_fall(bot)
        bot.command(CommandKind.PAUSE)
        await bot.bar(2)
        bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()

        assert (bot.bot.loop.run_state, stored(bot).is_tripped) == (RunState.PAUSED, False)


async def test_a_stopped_bot_stays_stopped_after_the_reset(home: Path) -> None:
    async with scripted_bot(home, RECOVERS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await tripped_by_a_fall(bot)
        bot.command(CommandKind.STOP)
        await bot.bar(2)
        bot.command(CommandKind.RESET_BREAKER)
        start = bot.command(CommandKind.START)
        await bot.bar()

        assert stored(bot).is_tripped is False
        assert bot.told(start).status is CommandStatus.DONE
        assert bot.bot.loop.run_state is RunState.RUNNING


async def test_what_is_not_tripped_can_not_be_reset(home: Path) -> None:
    async with scripted_bot(home, FALLS) as bot:
        early = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()
        late = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()

        for command in (early, late):
            error = bot.told(command).error
            assert error is not None
            assert (error.error_code, error.cause) == ("BOT_003", "The circuit breaker is not tripped.")
        assert risk_events(bot) == []


TWO_DAYS = [*FALLS[:6], *(replace(bar(index, "99"), timestamp=minute(1440 + index)) for index in range(6))]


@pytest.mark.parametrize("how", list(BreakerReset))
async def test_the_next_session_resets_it_only_where_that_is_configured(home: Path, how: BreakerReset) -> None:
    limits = config(daily_loss_limit=Decimal(-50), breaker_reset=how)
    async with scripted_bot(home, TWO_DAYS, config=limits) as bot:
        await tripped_by_a_fall(bot)
        await bot.bar()
        assert bot.bot.loop.run_state is RunState.HALTED
        await bot.bar()

        if how is BreakerReset.COMMAND:
            assert (bot.bot.loop.run_state, len(risk_events(bot))) == (RunState.HALTED, 1)
        else:
            done = risk_events(bot)[-1]
            assert bot.bot.loop.run_state is RunState.RUNNING
            assert (done.timestamp, done.event_type) == (minute(1441), "circuit_breaker_reset")
            assert done.detail == (
                f"The circuit breaker was reset (a new trading session began). It had tripped: {LOST}"
            )


async def lose(bot: ScriptedBot, times: int) -> None:
    for _ in range(times):
        plan = await bot.enter(proposal(target=None))
        while bot.plan().id == plan.id and bot.plan().status is not PlanStatus.CLOSED:
            await bot.bar()


def falling(bars: int) -> list[Bar]:
    """Every bar opens a little lower and trades through the stop of whatever was bought."""
    return [bar(index, str(Decimal(200) - index), low="10") for index in range(bars)]


async def test_losses_in_a_row_trip_it_and_a_reset_begins_their_count_anew(home: Path) -> None:
    limits = config(max_consecutive_losses=2)
    async with scripted_bot(home, falling(60), config=limits) as bot:
        await bot.bar()
        await lose(bot, 2)

        assert bot.books.record.streak == 2
        assert bot.bot.loop.run_state is RunState.HALTED
        assert [(event.code, event.consecutive_losses) for event in risk_events(bot)] == [("RISK_005", 2)]
        bot.command(CommandKind.RESET_BREAKER)
        await bot.bar(2)
        assert (bot.bot.loop.run_state, bot.bot.loop._breaker.losses) == (RunState.RUNNING, 0)
        await lose(bot, 1)
        assert (bot.bot.loop.run_state, bot.bot.loop._breaker.losses) == (RunState.RUNNING, 1)
        await lose(bot, 1)
        assert bot.bot.loop.run_state is RunState.HALTED
        assert stored(bot).cause == "Too many trades in a row lost: limit 2, is 2."


async def test_rejections_within_the_window_trip_it_and_the_window_passes(home: Path) -> None:
    limits = config(max_rejections=2, rejection_window_minutes=5)
    async with scripted_bot(home, FALLS, config=limits) as bot:
        await bot.enter(proposal(), "9999")  # a million dollars: more than the account has
        await bot.bar()
        await bot.enter(proposal(), "9999")
        assert bot.bot.loop.run_state is RunState.RUNNING
        await bot.bar()

        assert bot.bot.loop.run_state is RunState.HALTED
        assert stored(bot).cause == "The venue rejected 2 orders within 5 minutes; the limit is 2."
        early = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar(5)
        late = bot.command(CommandKind.RESET_BREAKER)
        await bot.bar()
        assert [bot.told(command).status for command in (early, late)] == [CommandStatus.FAILED, CommandStatus.DONE]


async def test_a_trip_that_can_not_be_stored_is_undone_and_made_at_the_next_bar(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted_bot(home, FALLS, config=config(daily_loss_limit=Decimal(-50))) as bot:
        await bot.bar()
        await bot.enter(proposal(stop="90", target=None), "60")
        await bot.bar()
        with monkeypatch.context() as broken:
            broken.setattr("trading_bot.services.circuit_breaker.save_breaker", _full)
            await bot.bar()
            assert (stored(bot).is_tripped, bot.bot.loop._breaker.state.is_tripped) == (False, False)
            assert bot.bot.loop._vitals.runtime.circuit_breaker_reason is None
        await bot.bar()

        assert (stored(bot).is_tripped, bot.bot.loop.run_state) == (True, RunState.HALTED)
        assert [event.timestamp for event in risk_events(bot)] == [minute(5)]


def _full(*_: object) -> None:
    msg = "no space left"
    raise OSError(msg)


async def test_a_start_that_ends_before_it_is_reconciled_forgets_neither_halt_nor_pause(home: Path) -> None:
    limits = config(daily_loss_limit=Decimal(-50))
    async with scripted_bot(home, FALLS, config=limits) as bot:
        await tripped_by_a_fall(bot)
    for _ in range(2):
        with trading_on(FALLS):
            async with bot_of(load_settings(home=home), SystemClock()) as started:  # ended before its first bar
                assert started.loop.run_state is RunState.STARTING
    async with scripted_bot(home, FALLS) as bot:
        await bot.bar()

        assert bot.bot.loop.run_state is RunState.HALTED
        assert bot.bot.loop._vitals.runtime.run_state_reason == LOST
