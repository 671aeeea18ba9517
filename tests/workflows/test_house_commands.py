"""Commands of the house on a real home: done once, by a process that ends with its step."""

import asyncio
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from tests.config.changing import begun
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller, CommandKind, CommandStatus, RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.services.commands import Commands
from trading_bot.services.key_rotation import KeyRotation
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings, load_settings
from trading_bot.store import commands
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store
from workflows.model import Scene
from workflows.steps.house_commands import House, house_commands
from workflows.steps.registry import CommandRegistry

T = TypeVar("T")
CLOCK = SystemClock()
ADMIN = Caller(key_id="k1", name="op", scope=Scope.ADMIN, max_response_bytes=10_240, rate_per_minute=None)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SCENE = Scene(
    run_id="run",
    bot_id="main",
    workflow_id="w",
    step_id="step",
    caller=ADMIN,
    reason="a test",
    parameters={},
    outputs={},
    started_at=NOW,
    deadline=NOW + timedelta(minutes=5),
)


@pytest.fixture
def settings(home: Path) -> Settings:
    made = load_settings(home=home)
    made.make_folders()
    return made


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    store = Store(engine, CLOCK)
    begun(store)
    rotation = KeyRotation(keys=Keys(engine, CLOCK), folder=settings.keys_dir, first_key_file=settings.first_key_file)
    with ThreadPoolExecutor(2) as workers:
        yield House(
            settings=settings,
            store=store,
            commands=Commands(store=store, clock=CLOCK),
            rotation=rotation,
            workers=workers,
        )
    store.close()


def run(work: Awaitable[T]) -> T:
    async def awaited() -> T:
        return await work

    return asyncio.run(awaited())


def statuses(house: House) -> list[CommandStatus]:
    with house.store.reading("main") as r:
        return [command.status for command in commands.list_commands(r, 10).items]


def test_a_chore_whose_step_is_cancelled_ends_with_it_and_is_done_when_it_is_tried_again(house: House) -> None:
    async def work() -> dict[str, object]:
        step = asyncio.create_task(house.chore(CommandKind.EXPORT, {"what": "logs", "days": 1}, SCENE))
        while await asyncio.to_thread(statuses, house) == []:
            pass  # it is asked for in a moment; then its process starts
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert CommandStatus.DONE not in statuses(house)
        return await house.chore(CommandKind.EXPORT, {"what": "logs", "days": 1}, SCENE)

    done = asyncio.run(work())

    assert done["status"] == "DONE"
    assert statuses(house) == [CommandStatus.DONE]
    assert len(list(house.settings.exports_dir.glob("logs-*"))) == 1


def test_a_chore_that_is_done_is_not_done_again_for_the_same_step(house: House) -> None:
    async def work() -> list[dict[str, object]]:
        return [await house.chore(CommandKind.EXPORT, {"what": "incident", "hours": 1}, SCENE) for _ in range(2)]

    first, second = asyncio.run(work())

    assert first == second
    assert len(list(house.settings.exports_dir.iterdir())) == 1


def test_a_chore_that_fails_fails_its_step_with_its_own_cause(house: House) -> None:
    house.settings.exports_dir.write_text("a file in its place")
    with pytest.raises(Fault) as failed:
        asyncio.run(house.chore(CommandKind.EXPORT, {"what": "logs", "days": 1}, SCENE))

    assert failed.value.code == "WF_004"
    assert "SYS_007: An archive in exports can't be written: " in failed.value.cause


def test_keys_need_admin_and_are_rehearsed_without_being_made(house: House) -> None:
    known = CommandRegistry(house_commands(house)).known
    keys = Keys(house.store.engine, CLOCK)
    old, _ = keys.create("dashboard", Scope.READ)
    rehearsed = run(known["make-key"].rehearse({"like": old.key_id}, SCENE))

    assert rehearsed.effect == f"A key is made with the scope and limits of {old.key_id}."
    assert {name: known[name].risk_of({}) for name in ("make-key", "revoke-key", "backup", "export-logs")} == {
        "make-key": RiskLevel.HIGH,
        "revoke-key": RiskLevel.HIGH,
        "backup": RiskLevel.LOW,
        "export-logs": RiskLevel.LOW,
    }
    assert len(keys.list()) == 1
    with pytest.raises(Fault, match="There is no open key `nobody`"):
        run(known["make-key"].rehearse({"like": "nobody"}, SCENE))


def test_the_token_of_a_new_key_is_in_its_file_and_not_in_the_step_s_output(house: House) -> None:
    known = CommandRegistry(house_commands(house)).known
    keys = Keys(house.store.engine, CLOCK)
    old, _ = keys.create("dashboard", Scope.READ)
    made = run(known["make-key"].run({"like": old.key_id}, SCENE))
    again = run(known["make-key"].run({"like": old.key_id}, SCENE))
    token = Path(made["outcome"]["file"]).read_text().strip()

    assert made == again
    assert made["outcome"]["scope"] == "READ"
    assert token not in str(made)
    ended = run(
        known["revoke-key"].run(
            {"key_id": old.key_id, "replaced_by": made["outcome"]["key_id"]}, replace(SCENE, step_id="end")
        )
    )
    assert (ended["outcome"]["key_id"], ended["outcome"]["revoked_at"] is not None) == (old.key_id, True)


@pytest.mark.parametrize("is_revoked", [True, False])
def test_a_new_key_that_has_taken_the_old_one_s_place_is_not_ended_when_the_rotation_is_undone(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, is_revoked: bool
) -> None:
    """The worker died after the last step's effect, or the store could not be used for the half of it."""
    known = CommandRegistry(house_commands(house)).known
    keys = Keys(house.store.engine, CLOCK)
    assert keys.ensure_first(settings.first_key_file) is not None
    made = run(known["make-key"].run({"like": "first"}, SCENE))["outcome"]["key_id"]
    ends = {"key_id": "first", "replaced_by": made}
    if is_revoked:
        run(known["revoke-key"].run(ends, SCENE))
    else:
        with monkeypatch.context() as patch:
            patch.setattr(Keys, "revoke", outage)
            with pytest.raises(Fault, match="SYS_002"):
                run(known["revoke-key"].run(ends, SCENE))
    with pytest.raises(Fault, match="WF_004.*has taken the place of first already"):  # noqa: RUF043 - meant
        run(known["revoke-key"].run({"key_id": made, "unless_for": "first"}, SCENE))

    caller = keys.verify(settings.first_key_file.read_text().strip())
    assert caller is not None
    assert caller.key_id == made


def test_a_new_key_that_nobody_uses_is_ended_when_the_rotation_is_undone(house: House, settings: Settings) -> None:
    known = CommandRegistry(house_commands(house)).known
    keys = Keys(house.store.engine, CLOCK)
    assert keys.ensure_first(settings.first_key_file) is not None
    made = run(known["make-key"].run({"like": "first"}, SCENE))["outcome"]["key_id"]
    run(known["revoke-key"].run({"key_id": made, "unless_for": "first"}, SCENE))

    assert {key.id: key.revoked_at is None for key in keys.list()} == {"first": True, made: False}


def outage(keys: Keys, id: str) -> bool:
    """The store can't be used."""
    raise Fault("SYS_002", "The database is locked by another program.")
