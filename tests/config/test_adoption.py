"""Adoption: the running bot takes a version on between two bars, or gives it up; nothing that it holds is touched."""

import errno
import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.config.changing import Operator
from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot
from tests.fakes.set_clock import SetClock
from trading_bot.domain.commands import CommandKind, CommandStatus
from trading_bot.domain.config import BotConfig, BullFlag
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin
from trading_bot.domain.orders import Leg
from trading_bot.domain.positions import Lot, Position
from trading_bot.errors.fault import Fault
from trading_bot.services.config_crashes import note_crash
from trading_bot.services.config_file import read_config
from trading_bot.services.config_start import found_candidate
from trading_bot.services.configuration import config_values
from trading_bot.settings import load_settings
from trading_bot.store import commands, config_changes, configs, positions
from trading_bot.store.store import Store
from trading_bot.store.tables import configs as table

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(60)]


def operator_of(bot: ScriptedBot) -> Operator:
    return Operator(bot.bot.store, bot.clock)


async def nothing_else(symbols: tuple[str, ...]) -> None:
    """A venue that has no other symbols."""
    raise Fault("CFG_001", f"Expected symbols that the feed has, {symbols[-1]} is not among them.")


def in_file(home: Path) -> dict[str, Any]:
    config = read_config(load_settings(home=home).config_file)
    assert config is not None
    return config_values(config)


async def test_a_version_is_adopted_between_two_bars_and_nothing_that_is_held_is_touched(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        plan, seen = bot.plan(), len(bot.bot.loop._view.bars("ACME"))
        assert (bot.held(), plan.config_version) == (10, 1)

        operator.apply({"risk": {"max_open_positions": 3}, "strategies": [{"kind": "bull-flag-breakout"}]})
        await bot.bar()

        change, command = operator.change(2), bot.told(operator.change(2).command_id or "")
        assert (change.status, change.replaced, change.detail) == (AdoptionStatus.ADOPTED, 1, None)
        assert change.adopted_at == change.at is not None
        assert (command.status, command.outcome) == (
            CommandStatus.DONE,
            {"version": 2, "adoption": "ADOPTED", "liveOrders": 0, "positions": 1, "plans": 1},
        )
        assert (operator.pointer().version, operator.pointer().restart_version) == (2, 2)
        assert in_file(home) == operator.values()
        assert bot.bot.config.risk.max_open_positions == bot.bot.loop._control._breaker.limits.max_open_positions == 3
        assert bot.bot.loop._decisions._config.strategies == (BullFlag(),)
        assert (bot.plan().id, bot.plan().config_version, bot.held()) == (plan.id, 1, 10)
        assert [order.venue_order_id for order in bot.orders(plan, Leg.EXIT)] == []
        assert len(bot.bot.loop._view.bars("ACME")) == seen + 1
        with bot.bot.store.reading("main") as r:
            assert [one.kind for one in commands.list_pending_commands(r)] == []


async def test_what_is_traded_after_an_adoption_carries_the_new_version(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator_of(bot).apply({"name": "Second"})
        await bot.bar()

        await bot.enter(proposal())

        assert (bot.plan().config_version, bot.plan().config_hash) == (2, _hash(bot))


def _hash(bot: ScriptedBot) -> str:
    with bot.bot.store.reading("main") as r:
        stored = configs.find_config(r)
    assert stored is not None
    return stored.config_hash


async def test_mode_venue_and_prefix_wait_for_a_restart_at_which_nothing_is_held(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        operator.apply({"client_order_prefix": "zz", "risk": {"max_open_positions": 3}})
        await bot.bar()

        change = operator.change(2)
        assert (change.status, change.detail) == (
            AdoptionStatus.PENDING,
            "In force but for client_order_prefix: that waits for a restart while nothing is held.",
        )
        assert change.adopted_at is not None
        assert (bot.bot.config.client_order_prefix, bot.bot.config.risk.max_open_positions) == ("bg", 3)
    async with scripted_bot(home, CALM) as bot:
        assert (bot.bot.config.client_order_prefix, bot.bot.config.risk.max_open_positions) == ("bg", 3)
        assert operator_of(bot).change(2).status is AdoptionStatus.PENDING
        bot.command(CommandKind.CLOSE_POSITIONS, symbols=["ACME"])
        await bot.bar(4)
        assert bot.held() == 0
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        assert (bot.bot.config.client_order_prefix, operator.change(2).status) == ("zz", AdoptionStatus.ADOPTED)
        assert (operator.pointer().version, operator.pointer().restart_version) == (2, 2)


async def test_crashes_far_apart_do_not_add_up_while_a_part_waits_for_a_restart(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        await bot.bar()
        await bot.enter(proposal())
        await bot.bar(2)
        operator.apply({"client_order_prefix": "zz", "name": "Waiting"})
        await bot.bar()
        taken = operator.change(2)
        assert taken.at is not None
        with bot.bot.store.writing("main") as w:
            config_changes.save_change(w, replace(taken, at=taken.at - timedelta(hours=1)))
        assert note_crash(bot.bot.store, "main", generation=1) is None
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        assert (operator.change(2).status, operator.change(2).crashes) == (AdoptionStatus.PENDING, 0)
        assert note_crash(bot.bot.store, "main", generation=2) is None
        assert note_crash(bot.bot.store, "main", generation=3) == 3  # twice without a start between them


def test_what_is_held_without_a_plan_keeps_the_prefix_too(store: Store, clock: SetClock) -> None:
    Operator(store, clock).apply({"client_order_prefix": "zz"})
    sold = Lot(quantity=Decimal(-3), cost=Decimal(-300))
    short = Position(symbol="ACME", lots=(sold,), current_price=Decimal(100), last_updated=clock.now())
    with store.writing("main") as w:
        positions.save_position(w, short)

    found = found_candidate(store, "main", lambda config: config).in_force

    assert (found.version, found.restart_version, found.config.client_order_prefix) == (2, 1, "bg")


async def test_a_version_that_was_applied_while_the_bot_was_down_is_taken_on_by_its_start(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator = operator_of(bot)
        operator.apply({"client_order_prefix": "zz"})
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        assert (bot.bot.config.client_order_prefix, operator.change(2).status) == ("zz", AdoptionStatus.ADOPTED)
        assert bot.told(operator.change(2).command_id or "").status is CommandStatus.DONE
        assert in_file(home) == operator.values()


async def test_a_version_that_no_bot_took_on_in_time_is_given_up(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator = operator_of(bot)
        operator.apply({"name": "Late", "risk": {"max_open_positions": 3}})
        bot.clock.advance(121)
        await bot.bar(2)

        given_up, back = operator.change(2), operator.change(3)
        assert (given_up.status, given_up.detail, given_up.rolled_back_by) == (
            AdoptionStatus.REFUSED,
            "The bot did not take it on within 120 s.",
            3,
        )
        assert (back.origin, back.status, back.user) == (ConfigOrigin.REVERT, AdoptionStatus.ADOPTED, "bot")
        assert operator.values(3) == {
            **operator.values(1),
            "risk": {**operator.values(1)["risk"], "max_open_positions": 3},
        }
        told = bot.told(given_up.command_id or "")
        assert told.error is not None
        assert (told.status, told.error.error_code) == (CommandStatus.FAILED, "CFG_009")
        assert [error.cause for error in bot.errors("CFG_009")] == ["The bot did not take it on within 120 s."]


async def test_a_version_that_is_undone_before_the_bot_takes_it_on_is_never_taken_on(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator = operator_of(bot)
        operator.apply({"name": "Undone"})
        operator.rollback(1)

        undone, why = operator.change(2), "Version 3 undid it before the bot took it on."
        assert (undone.status, undone.detail, undone.rolled_back_by) == (AdoptionStatus.REFUSED, why, 3)
        told = bot.told(undone.command_id or "")
        assert told.error is not None
        assert (told.status, told.error.cause) == (CommandStatus.FAILED, why)
        await bot.bar(2)
        assert (operator.change(2), operator.change(3).status) == (undone, AdoptionStatus.ADOPTED)


async def test_a_version_that_was_undone_keeps_no_later_one_from_being_watched(home: Path) -> None:
    async with scripted_bot(home, CALM, config=BotConfig(strategies=(), venue=PLAIN, symbols=("ACME",))) as bot:
        await bot.bar()
        operator = operator_of(bot)
        bot.venue.honest.follow = nothing_else  # type: ignore[method-assign]
        operator.apply({"symbols": ["ACME", "BOLT"]})
        operator.rollback(1)
        await bot.bar()
        operator.apply({"name": "Watched"}, watch_seconds=60)
        for _ in range(4):
            bot.clock.advance(1)
            await bot.bar()
        assert operator.change(4).watched_until is not None
        bot.bot.journal.report(Fault("DATA_005", "The venue tells nonsense.").semantic(now=bot.clock.now()))
        bot.clock.advance(1)
        await bot.bar()

        assert (operator.change(4).status, operator.change(5).origin) == (AdoptionStatus.REVERTED, ConfigOrigin.REVERT)


async def test_a_version_that_the_bot_refuses_is_taken_back_and_what_was_in_force_stays(home: Path) -> None:
    async with scripted_bot(home, CALM, config=BotConfig(strategies=(), venue=PLAIN, symbols=("ACME",))) as bot:
        await bot.bar()
        operator = operator_of(bot)

        bot.venue.honest.follow = nothing_else  # type: ignore[method-assign]
        operator.apply({"symbols": ["ACME", "BOLT"]})
        await bot.bar(2)

        refused = operator.change(2)
        assert (refused.status, refused.adopted_at) == (AdoptionStatus.REFUSED, None)
        assert refused.detail == "The bot refused it: Expected symbols that the feed has, BOLT is not among them."
        assert (operator.change(3).status, operator.values(3)) == (AdoptionStatus.ADOPTED, operator.values(1))
        assert bot.bot.config.symbols == ("ACME",)
        assert in_file(home) == operator.values(1)


async def test_new_symbols_are_followed_from_the_next_bar_on(home: Path) -> None:
    bars = [one for index in range(20) for one in (bar(index, "100"), bar(index, "50", symbol="BOLT"))]
    async with scripted_bot(home, bars, config=BotConfig(strategies=(), venue=PLAIN, symbols=("ACME",))) as bot:
        await bot.bar()
        assert set(await bot.venue.symbols()) == {"ACME"}

        operator_of(bot).apply({"symbols": ["ACME", "BOLT"]})
        await bot.bar(2)

        assert set(await bot.venue.symbols()) == {"ACME", "BOLT"}
        assert len(bot.bot.loop._view.bars("BOLT")) > 0
        assert bot.errors("BOT_004") == []


async def test_comments_in_the_file_stay_over_an_adoption(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        path = load_settings(home=home).config_file
        path.write_text("# what we agreed\n" + path.read_text())
        bot.clock.advance(2)
        await bot.bar()
        before = path.read_text()

        operator_of(bot).apply({"risk": {"max_open_positions": 3}})
        await bot.bar()
        assert path.read_text() == before.replace("max_open_positions: 10", "max_open_positions: 3")
        operator_of(bot).rollback(1)
        await bot.bar()

        assert path.read_text() == before
        assert bot.errors("CFG_005") == []


async def test_a_file_edited_while_the_bot_runs_is_told_once_with_its_plan_and_not_taken(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        path = load_settings(home=home).config_file
        path.write_text(path.read_text().replace("max_open_positions: 10", "max_open_positions: 20"))
        for _ in range(3):
            bot.clock.advance(2)
            await bot.bar()

        (told,) = bot.errors("CFG_005")
        assert told.cause == "bot.yaml differs from version 1, which is in force, in 1 values."
        assert (told.context["risk"], told.context["valid"]) == ("HIGH", True)
        assert told.context["changed"] == [{"path": "risk.max_open_positions", "before": 10, "after": 20}]
        assert (operator_of(bot).change().version, bot.bot.config.risk.max_open_positions) == (1, 10)
        edited = path.read_text()
    async with scripted_bot(home, CALM) as bot:
        assert len(bot.errors("CFG_005")) == 1
        operator_of(bot).apply({"name": "Another"})
        await bot.bar()
        (aside,) = path.parent.glob("bot.edited-*.yaml")
        assert aside.read_text() == edited
        assert in_file(home) == operator_of(bot).values(2)


async def test_an_edited_file_is_kept_also_where_it_can_get_no_second_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on FAT, or where the administrator who wrote it owns it: Linux lets nobody else link to it."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        path = load_settings(home=home).config_file
        edited = path.read_text().replace("max_open_positions: 10", "max_open_positions: 20")
        path.write_text(edited)
        operator_of(bot).apply({"name": "Another"})
        await bot.bar()

        (aside,) = path.parent.glob("bot.edited-*")
        assert aside.read_text() == edited
        assert in_file(home) == operator_of(bot).values(2)


async def test_an_edited_file_that_is_applied_stays_as_it_was_written(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        path = load_settings(home=home).config_file
        edited = path.read_text().replace("max_open_positions: 10", "max_open_positions: 4  # less, for now")
        path.write_text(edited)
        bot.clock.advance(2)
        await bot.bar()

        operator_of(bot).apply({"risk": {"max_open_positions": 4}})
        await bot.bar()

        assert (path.read_text(), list(path.parent.glob("bot.edited-*"))) == (edited, [])
        assert operator_of(bot).pointer().told_digest is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("risk: [1,\n", "bot.yaml, line "),
        ("name: 2001-99-99\n", "bot.yaml: it has a date that there is not"),
        ("1.5: 1\n", "bot.yaml, line 1: There is no `1.5`."),
    ],
)
async def test_a_file_that_spells_nothing_does_not_keep_a_bot_from_starting(
    home: Path, text: str, problem: str
) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
    path = load_settings(home=home).config_file
    path.write_text(text)
    async with scripted_bot(home, CALM) as bot:
        (told,) = bot.errors("CFG_005")
        assert told.cause.startswith(f"bot.yaml was edited and can't be taken: {problem}")
        assert bot.bot.config.risk.max_open_positions == 10


async def test_a_file_that_was_removed_is_written_again(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        path = load_settings(home=home).config_file
        path.unlink()
        bot.clock.advance(2)
        await bot.bar()

        assert in_file(home) == operator_of(bot).values()


async def test_a_version_with_which_the_bot_can_not_start_is_refused_by_its_start(home: Path) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator = operator_of(bot)
        operator.apply({"name": "Second"})
        with bot.bot.store.writing("main") as w:  # as a release that knew other settings would have left it
            values = {**operator.values(2), "no_such_setting": 1}
            w.connection.execute(table.update().where(table.c.version == 2).values(values=values))
    async with scripted_bot(home, CALM) as bot:
        operator = operator_of(bot)
        assert (operator.change(2).status, operator.change(3).status) == (
            AdoptionStatus.REFUSED,
            AdoptionStatus.ADOPTED,
        )
        assert (bot.bot.config.name, operator.values(3)) == ("BotGraph", operator.values(1))
