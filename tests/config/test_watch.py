"""The watch: a version under which the bot fares worse is taken back by itself, and never in a way that loosens a limit."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.config.changing import Operator
from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from tests.fakes.set_clock import SetClock
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin, StoredChange
from trading_bot.errors.fault import Fault
from trading_bot.services.config_crashes import note_crash, note_silence
from trading_bot.settings import load_settings
from trading_bot.store import config_changes, errors, runtime
from trading_bot.store.commands import find_command
from trading_bot.store.store import Store

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]
FALLING = [bar(0, "100"), bar(1, "100"), bar(2, "100"), *(bar(index, "60") for index in range(3, 40))]


def operator_of(bot: ScriptedBot) -> Operator:
    return Operator(bot.bot.store, bot.clock)


async def look(bot: ScriptedBot, times: int = 1) -> None:
    """Let the bot look at its watch, once a second."""
    for _ in range(times):
        bot.clock.advance(1)
        await bot.bar()


async def watched(bot: ScriptedBot, patch: dict[str, object], seconds: int = 60) -> Operator:
    """A change that the bot adopted and watches."""
    await bot.bar()
    operator = operator_of(bot)
    operator.apply(patch, watch_seconds=seconds)
    await look(bot)
    change = operator.change(2)
    assert (change.status, change.watched_until is not None) == (AdoptionStatus.ADOPTED, True)
    return operator


def taken_back(operator: Operator, why: str) -> StoredChange:
    """The step that took version 2 back, because of `why`."""
    change, back = operator.change(2), operator.change(3)
    assert (change.status, change.detail, change.rolled_back_by, change.watched_until) == (
        AdoptionStatus.REVERTED,
        why,
        3,
        None,
    )
    assert (back.origin, back.reason) == (ConfigOrigin.REVERT, f"version 2 was taken back: {why}")
    return back


async def test_a_version_under_which_nothing_gets_worse_is_kept(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = await watched(bot, {"name": "Good"}, seconds=5)
        await look(bot, 6)

        change = operator.change()
        assert (change.version, change.status, change.watched_until, change.detail) == (
            2,
            AdoptionStatus.ADOPTED,
            None,
            "Watched for 5 s; nothing got worse.",
        )


async def test_more_errors_than_before_take_it_back(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = await watched(bot, {"name": "Bad"})
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        await look(bot, 2)

        taken_back(operator, "Errors rose to 1, from 0 in as long a time before.")
        assert operator.change(3).status is AdoptionStatus.ADOPTED
        assert bot.bot.config.name == "BotGraph"
        (told,) = bot.errors("CFG_009")
        assert (told.context["version"], told.context["version_made"]) == (2, 3)


async def test_a_file_that_can_not_be_read_keeps_no_version_from_being_watched(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = await watched(bot, {"name": "Bad"})
        file = load_settings(home=home).config_file
        file.unlink()
        file.mkdir()
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        await look(bot, 2)

        taken_back(operator, "Errors rose to 1, from 0 in as long a time before.")


async def test_as_many_errors_as_before_do_not(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        for cause in ("One.", "Two."):
            bot.bot.journal.report(Fault("DATA_005", cause).semantic(now=bot.clock.now()))
        operator = await watched(bot, {"name": "Not worse"}, seconds=10)
        for cause in ("Three.", "Four."):
            bot.bot.journal.report(Fault("DATA_005", cause).semantic(now=bot.clock.now()))
        await look(bot, 12)

        assert (operator.change().version, operator.change().status) == (2, AdoptionStatus.ADOPTED)


async def test_a_check_that_fails_since_then_takes_it_back_and_one_that_failed_before_does_not(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        bot.bot.loop._vitals.failed("audit_log", "the disk is full")
        bot.bot.loop._vitals.failed("elsewhere", "it failed before")
        await bot.bar()
        bot.bot.loop._vitals.failed("elsewhere", "it failed before")
        operator = await watched(bot, {"name": "Bad"})
        await look(bot, 3)
        assert operator.change().version == 2
        bot.bot.loop._vitals.failed("afterwards", "it works no more")
        await look(bot)
        assert operator.change().version == 2
        await look(bot, 2)

        taken_back(operator, "The check `afterwards` fails, which it did not before.")


async def test_a_breaker_that_trips_takes_it_back_and_limits_stay_tight(home: Path) -> None:
    async with scripted_bot(home, FALLING) as bot:
        await bot.bar()
        await bot.enter(proposal(stop="1"), quantity="20")
        await bot.bar()
        operator = operator_of(bot)
        operator.apply({"name": "Bad", "risk": {"daily_loss_limit": "-600"}}, watch_seconds=60)
        await look(bot, 4)

        change = operator.change(2)
        assert change.status is AdoptionStatus.REVERTED
        assert (change.detail or "").startswith("The circuit breaker tripped: ")
        assert operator.values(3) == {
            **operator.values(1),
            "risk": {**operator.values(1)["risk"], "daily_loss_limit": "-600"},
        }
        assert bot.bot.loop._breaker.limits.daily_loss_limit == -600


async def test_what_could_only_be_taken_back_by_loosening_a_limit_stays(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = await watched(bot, {"risk": {"max_open_positions": 3}})
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        await look(bot, 2)

        change = operator.change()
        assert (change.version, change.status, change.watched_until) == (2, AdoptionStatus.ADOPTED, None)
        assert change.detail == (
            "Errors rose to 1, from 0 in as long a time before. Nothing was taken back: that would loosen a limit."
        )
        assert bot.bot.config.risk.max_open_positions == 3


async def test_a_loop_that_stood_still_takes_it_back(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = await watched(bot, {"name": "Slow"})
        bot.clock.advance(16)
        await bot.bar(2)

        assert (operator.change(2).detail or "").startswith("The bot stood still for 16 s.")


async def test_the_watch_goes_on_over_a_restart_and_a_silence_fails_it(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await watched(bot, {"name": "Restarted"})
    async with scripted_bot(home, CALM) as bot:
        await look(bot, 2)
        operator = operator_of(bot)
        assert (operator.change().version, operator.change().watched_until is not None) == (2, True)
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        await look(bot, 2)
        taken_back(operator, "Errors rose to 1, from 0 in as long a time before.")


async def test_a_rollback_interrupts_the_watch_and_is_not_taken_back(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = await watched(bot, {"name": "Bad"})
        operator.rollback(1)
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        await look(bot, 4)

        assert (operator.change().version, operator.change().status) == (3, AdoptionStatus.ADOPTED)
        assert (operator.change(2).rolled_back_by, operator.change(2).status) == (3, AdoptionStatus.ADOPTED)
        assert bot.bot.config.name == "BotGraph"


def adopted(operator: Operator, *, watch_seconds: int = 0) -> None:
    """The latest version, as if a bot had taken it on and beaten once."""
    change, now = operator.change(), operator.changes._clock.now()
    until = now + timedelta(seconds=watch_seconds) if watch_seconds else None
    with operator.store.writing("main") as w:
        pointer = config_changes.find_pointer(w)
        assert pointer is not None
        taken = replace(
            change,
            status=AdoptionStatus.ADOPTED,
            at=now,
            adopted_at=now,
            replaced=pointer.version,
            watched_until=until,
        )
        config_changes.save_pointer(w, replace(pointer, version=change.version, restart_version=change.version))
        config_changes.save_change(w, taken)


def test_two_crashes_under_a_new_version_take_it_back_and_limits_stay_tight(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    operator.apply({"name": "Crashing", "risk": {"max_open_positions": 3}})
    adopted(operator)

    assert note_crash(store, "main", generation=1) is None
    assert note_crash(store, "main", generation=2) == 3

    why = "The bot's process ended 2 times under it without being asked to, last generation 2."
    assert (taken_back(operator, why).user, operator.change(2).crashes) == ("supervisor", 2)
    assert operator.values(3)["name"] == "BotGraph"
    assert operator.values(3)["risk"]["max_open_positions"] == 3
    assert note_crash(store, "main", generation=3) is None
    assert note_crash(store, "main", generation=4) is None
    assert operator.change().version == 3


def test_a_version_that_never_got_to_be_adopted_is_refused_after_two_crashes(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    operator.apply({"name": "Crashing"})

    assert [note_crash(store, "main", generation=generation) for generation in (1, 2)] == [None, 3]
    change = operator.change(2)
    assert (change.status, change.rolled_back_by) == (AdoptionStatus.REFUSED, 3)
    with store.reading("main") as r:
        command = find_command(r, change.command_id or "")
        told = errors.list_recent_errors(r, 1)
    assert command is not None
    assert (command.status.name, told[0].error_code) == ("FAILED", "CFG_009")


def test_crashes_under_a_version_that_is_not_new_are_not_laid_at_its_door(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    assert [note_crash(store, "main", generation=generation) for generation in (1, 2, 3)] == [None, None, None]
    operator.apply({"name": "Good"})
    adopted(operator)
    clock.move(601)

    assert [note_crash(store, "main", generation=generation) for generation in (1, 2)] == [None, None]
    assert (operator.change().version, operator.change().crashes) == (2, 0)


def test_what_waited_for_a_restart_is_as_new_as_that_restart(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    operator.apply({"mode": "LIVE"})
    adopted(operator)
    clock.move(3_600)
    with store.writing("main") as w:
        config_changes.save_change(w, replace(operator.change(), at=clock.now()))

    assert [note_crash(store, "main", generation=generation) for generation in (1, 2)] == [None, 3]
    assert (operator.change(2).status, operator.values()["mode"]) == (AdoptionStatus.REVERTED, "PAPER")


def test_what_can_not_be_taken_back_grows_no_newer_by_its_crashes(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    operator.apply({"risk": {"max_open_positions": 3}})
    adopted(operator)
    clock.move(400)
    assert [note_crash(store, "main", generation=generation) for generation in (1, 2)] == [None, None]
    clock.move(201)  # 601 s after it was adopted, 201 s after the second crash

    assert note_crash(store, "main", generation=3) is None
    assert (operator.change().version, operator.change().crashes) == (2, 2)


def test_a_version_that_no_bot_takes_on_is_given_up_by_the_supervisor(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    operator.apply({"name": "Nobody"})
    assert note_silence(store, "main") is None
    clock.move(121)

    assert note_silence(store, "main") == 3
    assert operator.change(2).detail == "No bot took it on within 120 s."
    assert operator.values(3) == operator.values(1)
    clock.move(1_000)
    assert note_silence(store, "main") is None


def test_a_watch_that_nobody_ended_is_a_failure_once_the_bot_is_silent(store: Store, clock: SetClock) -> None:
    operator = Operator(store, clock)
    operator.apply({"name": "Silent"}, watch_seconds=60)
    adopted(operator, watch_seconds=60)
    clock.move(59)
    assert note_silence(store, "main") is None
    clock.move(2)

    assert note_silence(store, "main") == 3
    assert (operator.change(2).status, operator.change(3).origin) == (AdoptionStatus.REVERTED, ConfigOrigin.REVERT)
    with store.reading("main") as r:
        assert runtime.find_runtime(r) is not None
