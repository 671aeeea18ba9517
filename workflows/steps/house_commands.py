"""Commands of the house: what a step can ask for that no process of the bot does: backups, archives of logs, and keys.

Backups and archives are made by a process of their own, under the step's idempotency key; it is ended when the step is.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from trading_bot.domain.commands import Command, CommandKind, CommandStatus, RiskLevel
from trading_bot.errors.fault import Fault
from trading_bot.keeping.chores import ARGV, MOST_DAYS, MOST_HOURS
from trading_bot.services.commands import Commands
from trading_bot.services.key_rotation import KeyRotation
from trading_bot.settings import Settings
from trading_bot.store.commands import find_command
from trading_bot.store.store import Store
from workflows.model import Parameter, ParameterType, Rehearsal, Scene
from workflows.steps.bot_commands import failed, intent_of
from workflows.steps.registry import Arguments, NamedCommand

T = TypeVar("T")
GRACE_SECONDS = 2.0
"""From asking a chore's process to end to ending it by force."""
Run = Callable[[Arguments, Scene], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Carries the house's commands out."""

    settings: Settings
    """Whose home it is."""
    store: Store
    """Where commands are kept."""
    commands: Commands
    """Takes them in."""
    rotation: KeyRotation
    """Makes and ends keys."""
    workers: Executor
    """Threads that may wait for the store."""

    async def chore(self, kind: CommandKind, parameters: dict[str, Any], scene: Scene) -> dict[str, Any]:
        """Have a chore done once, by a process of its own, and give back what was verified. Raises WF_004 where it failed."""
        submit = partial(
            self.commands.submit, scene.bot_id, kind, intent_of(kind, parameters, scene), parameters=parameters
        )
        command, _ = await self._in_thread(submit)
        if command.executed_at is None:
            await self._carried_out(command)
            command = await self._in_thread(partial(self._look, scene.bot_id, command.id))
        if command.status is not CommandStatus.DONE:
            raise failed(command)
        return {"status": "DONE", "command_id": command.id, "outcome": command.outcome or {}}

    async def make_key(self, given: Arguments, scene: Scene) -> dict[str, Any]:
        """Make the successor of a key."""
        made = await self._in_thread(partial(self.rotation.successor, str(given["like"]), name=scene.idempotency_key))
        outcome = {"key_id": made.caller.key_id, "scope": made.caller.scope.value, "file": str(made.file)}
        return {"status": "DONE", "outcome": outcome}

    async def revoke_key(self, given: Arguments, scene: Scene) -> dict[str, Any]:
        """End a key. Raises WF_004 for one that has taken the place of `unless_for`: then neither of them would open anything."""
        key_id, old = str(given["key_id"]), given.get("unless_for")
        if old is not None and await self._in_thread(partial(self.rotation.has_taken_over, key_id, str(old))):
            cause = (
                f"The key {key_id} has taken the place of {old} already, and stays; look which of the two is in use."
            )
            raise Fault("WF_004", cause, context={"keyId": key_id, "oldKeyId": str(old)})
        key = await self._in_thread(partial(self.rotation.end, key_id, successor=given.get("replaced_by")))
        at = key.revoked_at.isoformat() if key.revoked_at else None
        return {"status": "DONE", "outcome": {"key_id": key.id, "revoked_at": at}}

    async def rehearse_key(self, given: Arguments, verb: str, name: str) -> Rehearsal:
        """What would happen to a key; QRY_005 where it is known already that there is none."""
        key_id = given.get(name)
        if key_id is not None:
            await self._in_thread(partial(self.rotation.require, str(key_id)))
        effect = f"{verb} {key_id if key_id is not None else 'the key that an earlier step makes'}."
        return Rehearsal(effect=effect, risk=RiskLevel.HIGH, is_skipped=False)

    async def _carried_out(self, command: Command) -> None:
        """Run the chore's process to its end; cancelled, it is ended first."""
        process = await asyncio.create_subprocess_exec(
            *ARGV,
            command.bot_id,
            command.id,
            env=os.environ | self.settings.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await process.wait()
        except asyncio.CancelledError:
            await _ended(process)
            raise

    def _look(self, bot_id: str, command_id: str) -> Command:
        with self.store.reading(bot_id) as r:
            found = find_command(r, command_id)
        if found is None or found.executed_at is None:
            cause = "The process that was to carry it out ended too early; logs/keeping.log may say why."
            raise Fault("WF_004", cause, context={"commandId": command_id})
        return found

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.workers, work)


def house_commands(house: House) -> tuple[NamedCommand, ...]:
    """Backups, archives and keys, as a step names them."""

    def chore(
        name: str, kind: CommandKind, description: str, arguments: tuple[Parameter, ...] = (), **fixed: str
    ) -> NamedCommand:
        return NamedCommand(
            name=name,
            description=description,
            arguments=arguments,
            writes=True,
            risk_of=lambda given: RiskLevel.LOW,
            run=lambda given, scene: house.chore(kind, {**fixed, **given}, scene),
            rehearse=lambda given, scene: _said(description),
        )

    def of_key(name: str, description: str, verb: str, run: Run, arguments: tuple[Parameter, ...]) -> NamedCommand:
        return NamedCommand(
            name=name,
            description=description,
            arguments=arguments,
            writes=True,
            risk_of=lambda given: RiskLevel.HIGH,
            run=run,
            rehearse=lambda given, scene: house.rehearse_key(given, verb, arguments[0].name),
        )

    return (
        chore("backup", CommandKind.BACKUP, "The home is backed up, and every file of the backup is verified."),
        chore(
            "export-logs",
            CommandKind.EXPORT,
            "The audit log of the last days is written into an archive in the home.",
            (_number("days", "Days, today included.", most=MOST_DAYS, default=7),),
            what="logs",
        ),
        chore(
            "incident-bundle",
            CommandKind.EXPORT,
            "State, errors, decisions, configuration and ends of the logs are written into an archive in the home.",
            (_number("hours", "Hours back.", most=MOST_HOURS, default=24),),
            what="incident",
        ),
        of_key(
            "make-key",
            "A key is made with the scope and limits of another; its token is saved in a private file of the home.",
            "A key is made with the scope and limits of",
            house.make_key,
            (_text("like", "Id of the key that it is made like.", is_required=True),),
        ),
        of_key(
            "revoke-key",
            "A key opens nothing any more.",
            "Nothing is opened any more by",
            house.revoke_key,
            (
                _text("key_id", "Id of the key.", is_required=True),
                _text("replaced_by", "Id of the key that takes its place.", is_required=False),
                _text(
                    "unless_for",
                    "Id of another key: if the key has taken its place, it is not ended.",
                    is_required=False,
                ),
            ),
        ),
    )


async def _said(effect: str) -> Rehearsal:
    return Rehearsal(effect=effect, risk=RiskLevel.LOW, is_skipped=False)


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _number(name: str, description: str, *, most: int, default: int) -> Parameter:
    return Parameter(
        name=name,
        type=ParameterType.INTEGER,
        description=description,
        default=default,
        is_required=False,
        min=1,
        max=most,
        values=(),
    )


def _text(name: str, description: str, *, is_required: bool) -> Parameter:
    return Parameter(
        name=name,
        type=ParameterType.STRING,
        description=description,
        default=None,
        is_required=is_required,
        min=1,
        max=64,
        values=(),
    )
