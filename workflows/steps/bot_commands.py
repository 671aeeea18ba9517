"""Commands of the bot: stored under the step's idempotency key, carried out by bot or supervisor, done once that is verified."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import orjson

from trading_bot.clock import Clock
from trading_bot.domain.commands import Command, CommandKind, CommandStatus, Intent, RiskLevel, StopPolicy
from trading_bot.domain.processes import LONGEST_DRAIN, USUAL_DRAIN
from trading_bot.errors.fault import Fault
from trading_bot.services.commands import Commands
from trading_bot.store.commands import find_command
from trading_bot.store.store import Store
from workflows.model import Parameter, ParameterType, Rehearsal, Scene
from workflows.steps.kind import SHOWN
from workflows.steps.registry import Arguments, NamedCommand

T = TypeVar("T")
LOOK_EVERY_SECONDS = 0.1
UNFINISHED = frozenset({CommandStatus.PENDING, CommandStatus.RUNNING})
POLICIES = {"keep": StopPolicy.KEEP_EVERYTHING, "cancel": StopPolicy.CANCEL_ORDERS, "flatten": StopPolicy.FLATTEN}
"""What a step calls the stop policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDesk:
    """Hands commands to the bot and waits for what becomes of them."""

    store: Store
    """Where commands are kept."""
    commands: Commands
    """Takes them in."""
    clock: Clock
    """Waits between two looks."""
    workers: Executor
    """Threads that may wait for the store."""

    async def carry_out(self, kind: CommandKind, parameters: dict[str, Any], scene: Scene) -> dict[str, Any]:
        """Ask for it once, and wait until it ended. Raises WF_004 where it was refused or failed."""
        intent = intent_of(kind, parameters, scene)
        submit = partial(self.commands.submit, scene.bot_id, kind, intent, parameters=parameters)
        command, _ = await self._in_thread(submit)
        while command.status in UNFINISHED:
            await self.clock.sleep(LOOK_EVERY_SECONDS)
            command = await self._in_thread(partial(self._look, scene.bot_id, command.id))
        if command.status is not CommandStatus.DONE:
            raise failed(command)
        return {"status": "DONE", "command_id": command.id, "outcome": command.outcome or {}}

    async def rehearse(self, kind: CommandKind, parameters: dict[str, Any], scene: Scene) -> Rehearsal:
        """What the command would do now."""
        preview = partial(self.commands.preview, scene.bot_id, kind, parameters=parameters)
        found = await self._in_thread(preview)
        effect = " ".join((found.summary, *found.effects))
        return Rehearsal(effect=effect[:SHOWN], risk=found.risk, is_skipped=False)

    def _look(self, bot_id: str, command_id: str) -> Command:
        with self.store.reading(bot_id) as r:
            found = find_command(r, command_id)
        if found is None:
            raise Fault("SYS_001", "The command's record is missing.", context={"commandId": command_id})
        return found

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.workers, work)


def bot_commands(desk: CommandDesk) -> tuple[NamedCommand, ...]:
    """What the bot and its supervisor can be asked by a step."""
    policy = _choice("policy", "What happens to orders and positions.", tuple(POLICIES), default="keep")
    drain = Parameter(
        name="drain",
        type=ParameterType.DURATION,
        description="Seconds that the process is given to finish what it is doing.",
        default=int(USUAL_DRAIN),
        is_required=False,
        min=0,
        max=int(LONGEST_DRAIN),
        values=(),
    )
    process = _choice("process", "Which process.", ("bot", "api"), default="bot")
    symbols, ids = _names("symbols", "Symbols whose positions are closed."), _names("order_ids", "Orders to cancel.")
    symbol, update = _names("symbol", "Symbol of the plan."), CommandKind.UPDATE_TARGETS
    medium, high = _always(RiskLevel.MEDIUM), _always(RiskLevel.HIGH)

    def make(
        name: str,
        kind: CommandKind,
        description: str,
        risk: Callable[[Arguments], RiskLevel],
        arguments: Iterable[Parameter] = (),
        **fixed: str,
    ) -> NamedCommand:
        def parameters(given: Arguments) -> dict[str, Any]:
            return {**_parameters(given), **fixed}

        return NamedCommand(
            name=name,
            description=description,
            arguments=tuple(arguments),
            writes=True,
            risk_of=risk,
            run=lambda given, scene: desk.carry_out(kind, parameters(given), scene),
            rehearse=lambda given, scene: desk.rehearse(kind, parameters(given), scene),
            lists=frozenset({"symbols", "order_ids"} & {one.name for one in arguments}),
        )

    return (
        make("pause", CommandKind.PAUSE, "No new entries; stops, targets and sync go on.", _always(RiskLevel.LOW)),
        make("resume", CommandKind.RESUME, "Entries are allowed again.", medium),
        make("start", CommandKind.START, "Back to RUNNING from STOPPED.", medium),
        make("stop", CommandKind.STOP, "The bot sends nothing; its process lives on.", _stop_risk, (policy,)),
        make("close", CommandKind.CLOSE_POSITIONS, "The positions are closed at the market.", high, (symbols,)),
        make("cancel", CommandKind.CANCEL_ORDERS, "The orders are cancelled.", high, (ids,)),
        make("reset-breaker", CommandKind.RESET_BREAKER, "The circuit breaker is cleared.", high),
        make("move-target", update, "The target of the open plan on a symbol.", medium, (symbol, _price("target"))),
        make(
            "move-stop",
            update,
            "The stop of the open plan on a symbol; it may be loosened.",
            high,
            (symbol, _price("stop")),
        ),
        make("reconcile", CommandKind.RECONCILE, "Books and venue are compared now.", medium),
        make(
            "restart",
            CommandKind.RESTART_PROCESS,
            "The process ends once it has finished what it is doing, and a new one lives.",
            medium,
            (process, drain),
            action="restart",
        ),
        make(
            "start-process",
            CommandKind.RESTART_PROCESS,
            "The bot's process lives, also where it was held down.",
            medium,
            program="bot",
            action="start",
        ),
        make(
            "stop-process",
            CommandKind.RESTART_PROCESS,
            "The bot's process ends and is held down; stops are not watched meanwhile.",
            high,
            (drain,),
            program="bot",
            action="stop",
        ),
    )


def _parameters(given: Arguments) -> dict[str, Any]:
    """Arguments of a step as the command carries them."""
    names = {"order_ids": "orderIds", "process": "program", "drain": "drainSeconds"}
    found = {names.get(name, name): value for name, value in given.items() if name != "policy"}
    if "policy" in given:
        found["onStop"] = POLICIES[given["policy"]].name
    return found


def _stop_risk(given: Arguments) -> RiskLevel:
    """Keeping everything never needs a token; what flattens or cancels does, and so does what is not known yet."""
    return RiskLevel.MEDIUM if given.get("policy") == "keep" else RiskLevel.HIGH


def _always(risk: RiskLevel) -> Callable[[Arguments], RiskLevel]:
    return lambda given: risk


def _choice(name: str, description: str, values: tuple[str, ...], *, default: str) -> Parameter:
    return Parameter(
        name=name,
        type=ParameterType.ENUM,
        description=description,
        default=default,
        is_required=False,
        min=None,
        max=None,
        values=values,
    )


def _price(name: str) -> Parameter:
    return Parameter(
        name=name,
        type=ParameterType.DECIMAL,
        description=f"The new {name}, in the quote currency.",
        default=None,
        is_required=True,
        min=0,
        max=None,
        values=(),
    )


def _names(name: str, description: str) -> Parameter:
    return Parameter(
        name=name,
        type=ParameterType.STRING,
        description=description,
        default=None,
        is_required=True,
        min=1,
        max=128,
        values=(),
    )


def intent_of(kind: CommandKind, parameters: Mapping[str, Any], scene: Scene) -> Intent:
    """The write that a step asks for: the same for each of its attempts."""
    raw = orjson.dumps({"command": kind.name, "parameters": dict(parameters)}, option=orjson.OPT_SORT_KEYS)
    return Intent(
        caller=scene.caller,
        idempotency_key=scene.idempotency_key,
        digest=hashlib.sha256(raw).hexdigest(),
        reason=scene.reason,
        # The run used a confirm token up where its risk is HIGH; its steps are confirmed by that, each once.
        token_id=scene.idempotency_key,
    )


def failed(command: Command) -> Fault:
    """Why a step failed whose command did."""
    code = command.error.error_code if command.error else command.status.name
    said = command.error.cause if command.error else "Nobody took it in time."
    context = {"commandId": command.id, "commandStatus": command.status.name, "commandErrorCode": code}
    return Fault("WF_004", f"{command.kind.name} ended {command.status.name}: {code}: {said}", context=context)
