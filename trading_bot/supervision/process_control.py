"""Process control: carries out what operators ask of the supervisor: to restart, start or stop a process, verified afterwards.

A command is DONE only once the new process has given a sign of life of its own: a heartbeat of a newer generation for the bot, an answer
for the API. What is needed to go on is stored with the command, so a supervisor that is killed in between leaves it to the next one.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structlog.typing import FilteringBoundLogger

from trading_bot.clock import Clock
from trading_bot.domain.commands import Command, CommandKind, CommandStatus
from trading_bot.domain.processes import Hold, ProcessAction, ProcessName, ProcessOrder
from trading_bot.errors.fault import Fault
from trading_bot.services.subjects import process_order
from trading_bot.supervision.keeper import Keeper
from trading_bot.supervision.limits import Limits

if TYPE_CHECKING:
    from trading_bot.supervision.registry import Registry, Sign

TAKEN_WITHIN = timedelta(minutes=5)
"""A command that no supervisor took for so long is not carried out any more (wall clock)."""
LOOK_SECONDS = 0.05


class ProcessControl:
    """Carries out commands to the supervisor, one after the other."""

    def __init__(
        self,
        *,
        bot: Keeper,
        api: Keeper,
        registry: "Registry",
        config_file: Path,
        answers: Callable[[], Awaitable[bool]],
        clock: Clock,
        limits: Limits,
        log: FilteringBoundLogger,
    ) -> None:
        self._bot = bot
        self._api = api
        self._registry = registry
        self._config_file = config_file
        self._answers = answers
        self._clock = clock
        self._limits = limits
        self._log = log
        self._bot_id: str | None = None

    async def look(self) -> None:
        """Carry out what waits. Raises a Fault when the store can't be used: what was begun is gone on with at the next look."""
        if self._bot_id is None:
            self._bot_id = await asyncio.to_thread(self._registry.find_bot_id, self._config_file)
        if self._bot_id is None:
            return
        for command in await asyncio.to_thread(self._registry.list_commands, self._bot_id):
            await self._take(command)

    async def _take(self, command: Command) -> None:
        now = self._clock.now()
        if command.status is CommandStatus.PENDING and now - command.created_at > TAKEN_WITHIN:
            minutes = TAKEN_WITHIN.total_seconds() / 60
            fault = Fault("SUP_003", f"{command.kind.name} was not taken within {minutes:.0f} minutes.")
            await self._save(command, CommandStatus.EXPIRED, fault=fault)
            return
        self._log.info("command_taken", command=command.id, parameters=command.parameters)
        try:
            outcome = await self._carried_out(command, _order(command))
        except Fault as fault:
            if fault.code == "SYS_002":
                raise
            await self._save(command, CommandStatus.FAILED, fault=fault)
        except Exception as error:  # noqa: BLE001 - a command that can't be carried out must not block the next ones
            fault_id = uuid.uuid4().hex
            self._log.error("command_failed", command=command.id, fault_id=fault_id, exc_info=error)
            unexpected = Fault("SYS_001", f"{command.kind.name} failed.", context={"fault_id": fault_id})
            await self._save(command, CommandStatus.FAILED, fault=unexpected)
        else:
            await self._save(command, CommandStatus.DONE, outcome=outcome)

    async def _carried_out(self, command: Command, order: ProcessOrder) -> dict[str, Any]:
        """What was verified."""
        if order.program is ProcessName.API:
            return await self._restart_api(command, order)
        match order.action:
            case ProcessAction.STOP:
                return await self._stop_bot(command, order)
            case ProcessAction.START | ProcessAction.RESTART:
                return await self._start_bot(command, order)

    async def _start_bot(self, command: Command, order: ProcessOrder) -> dict[str, Any]:
        begun = await self._begin(command, {"generationBefore": (await self._sign(command)).generation})
        before, known = begun["generationBefore"], await self._sign(command)
        drained: dict[str, Any] = {}
        if order.action is ProcessAction.RESTART and known.generation <= before:
            drained = await self._end(self._bot, order)
        if order.action is ProcessAction.START and self._bot.process is not None and known.has_beaten:
            before = known.generation - 1  # it runs: all that is left is to see that it does
        self._bot.release()
        sign, seconds = await self._until_beaten(command, newer_than=before)
        return {**order.parameters(), **_told(sign), **drained, "generationBefore": before, "readySeconds": seconds}

    async def _stop_bot(self, command: Command, order: ProcessOrder) -> dict[str, Any]:
        await self._begin(command, {})
        hold = Hold(error_code=None, cause=f"Stopped by command: {command.reason}", at=self._clock.now())
        self._bot.hold_down(hold)
        drained = await self._end(self._bot, order)
        sign = await self._sign(command)
        await asyncio.to_thread(self._registry.write_end, command.bot_id, sign.generation)
        sign = await self._sign(command)
        if not sign.has_ended:
            raise Fault(
                "SUP_002", "The end of the bot's process could not be verified.", context=self._context(self._bot)
            )
        return {**order.parameters(), **_told(sign), **drained}

    async def _restart_api(self, command: Command, order: ProcessOrder) -> dict[str, Any]:
        running = self._api.process
        begun = await self._begin(command, {"pidBefore": running.pid if running else None})
        drained: dict[str, Any] = {}
        if running is not None and running.pid == begun["pidBefore"]:
            drained = await self._end(self._api, order)
        self._api.release()
        since = self._clock.monotonic()
        while not (_is_other(self._api, than=begun["pidBefore"]) and await self._answers()):
            await self._wait(self._api, since)
        seconds = round(self._clock.monotonic() - since, 3)
        pid = self._api.process.pid if self._api.process else None
        return {**order.parameters(), **drained, **begun, "pid": pid, "readySeconds": seconds}

    async def _begin(self, command: Command, known: dict[str, Any]) -> dict[str, Any]:
        """What was known before anything was done; stored, so that it is what counts when this is gone on with."""
        if command.status is CommandStatus.RUNNING and command.outcome is not None:
            return command.outcome
        running = replace(command, status=CommandStatus.RUNNING, outcome=known)
        await asyncio.to_thread(self._registry.write_command, running)
        return known

    async def _end(self, keeper: Keeper, order: ProcessOrder) -> dict[str, Any]:
        """End the process: it finishes what it is doing, within the seconds that it is given."""
        since = self._clock.monotonic()
        process = await keeper.end(grace=order.drain_seconds)
        if process is None:
            return {}
        seconds = round(self._clock.monotonic() - since, 3)
        return {"pidBefore": process.pid, "exitCode": process.exit_code, "drainedSeconds": seconds}

    async def _until_beaten(self, command: Command, *, newer_than: int) -> "tuple[Sign, float]":
        since = self._clock.monotonic()
        while True:
            sign, process = await self._sign(command), self._bot.process
            is_ours = process is not None and process.pid == sign.pid and not process.ended.is_set()
            if is_ours and sign.generation > newer_than and sign.has_beaten:
                return sign, round(self._clock.monotonic() - since, 3)
            await self._wait(self._bot, since)

    async def _wait(self, keeper: Keeper, since: float) -> None:
        """A moment. Raises SUP_002 when there is nothing to wait for any more."""
        name, gone = keeper.program.name, None
        if keeper.hold is not None:
            gone = keeper.hold.cause
        elif keeper.refusal is not None:
            gone = f"The {name} process refused to start: {keeper.refusal}"
        elif self._clock.monotonic() - since > self._limits.verify:
            gone = f"The {name} process gave no sign of life within {self._limits.verify:.0f} s."
        if gone is not None:
            raise Fault("SUP_002", gone, context=self._context(keeper))
        await self._clock.sleep(LOOK_SECONDS)

    async def _sign(self, command: Command) -> "Sign":
        return await asyncio.to_thread(self._registry.find_sign, command.bot_id)

    def _context(self, keeper: Keeper) -> dict[str, Any]:
        return {"program": keeper.program.name, "log": str(keeper.program.output)}

    async def _save(
        self,
        command: Command,
        status: CommandStatus,
        *,
        outcome: dict[str, Any] | None = None,
        fault: Fault | None = None,
    ) -> None:
        now = self._clock.now()
        error = fault.semantic(now=now) if fault is not None else None
        ended = replace(command, status=status, executed_at=now, outcome=outcome, error=error)
        await asyncio.to_thread(self._registry.write_command, ended)
        self._log.info(
            "command_ended", command=command.id, status=status.name, error_code=fault.code if fault else None
        )


def _order(command: Command) -> ProcessOrder:
    if command.kind is not CommandKind.RESTART_PROCESS:
        raise Fault("BOT_003", f"The supervisor does not carry out {command.kind.name}.")
    return process_order(command.parameters)


def _is_other(keeper: Keeper, *, than: int | None) -> bool:
    return keeper.process is not None and keeper.process.pid != than and not keeper.process.ended.is_set()


def _told(sign: "Sign") -> dict[str, Any]:
    return {
        "generation": sign.generation,
        "pid": sign.pid,
        "runState": sign.run_state,
        "liveOrders": sign.live_orders,
        "positions": sign.positions,
    }
