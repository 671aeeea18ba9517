"""Commands: takes an operator's write in, once. The bot carries it out at its next step and says what it verified."""

import uuid
from collections.abc import Callable
from typing import Any

from trading_bot.clock import Clock
from trading_bot.domain.commands import (
    ActionPreview,
    Command,
    CommandKind,
    CommandStatus,
    Intent,
    RiskLevel,
    StopPolicy,
)
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.events import EventKind
from trading_bot.domain.health import Health, HealthStatus, RunState, assess
from trading_bot.domain.orders import Leg, Order
from trading_bot.domain.processes import ProcessAction
from trading_bot.errors.fault import Fault
from trading_bot.services import intents
from trading_bot.services.subjects import effects_on, process_order, require_subjects
from trading_bot.store import bots, commands, orders, plans, positions, runtime
from trading_bot.store.store import Reading, Store

_SUMMARIES = {
    CommandKind.PAUSE: "No new entries; resting entries are cancelled; stops, targets and sync go on.",
    CommandKind.RESUME: "Entries are allowed again.",
    CommandKind.START: "The bot goes from STOPPED to RUNNING and enters again.",
    CommandKind.STOP: "The bot sends nothing any more; its process lives on, STOPPED.",
    CommandKind.CLOSE_POSITIONS: "The named positions are exited at the market.",
    CommandKind.CANCEL_ORDERS: "The named orders are cancelled.",
    CommandKind.RESET_BREAKER: "The circuit breaker is cleared, so that entries can be allowed again.",
    CommandKind.UPDATE_TARGETS: "Stop and target of the open plan on a symbol are moved and watched at once.",
    CommandKind.BACKUP: "The home is backed up.",
    CommandKind.EXPORT: "Logs are written to an archive in the home.",
    CommandKind.RESTART_PROCESS: "The supervisor ends or starts a process and waits for its sign of life.",
}
_NEVER_HIGH = {CommandKind.PAUSE: RiskLevel.LOW, CommandKind.BACKUP: RiskLevel.LOW, CommandKind.EXPORT: RiskLevel.LOW}
_ALWAYS_HIGH = frozenset({CommandKind.CLOSE_POSITIONS, CommandKind.RESET_BREAKER})
MOST_EFFECTS = 20
"""Effects that a preview lists."""


def _new_id() -> str:
    return str(uuid.uuid4())


class Commands:
    """Takes commands in, each once by its idempotency key."""

    def __init__(self, *, store: Store, clock: Clock, new_id: Callable[[], str] = _new_id) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    def submit(
        self, bot_id: str, kind: CommandKind, intent: Intent, *, parameters: dict[str, Any] | None = None
    ) -> tuple[Command, bool]:
        """Store a command for the bot and give it back; true when the same was asked for before, and that one is given back.

        Raises BOT_001 for an unknown bot, QRY_005 for a position or order that is not there, QRY_007 when the idempotency key stands for
        something else; by the risk that the command has at this moment AUTH_002 for a key of too small a scope, QRY_008 without the confirm
        token that risk HIGH needs, QRY_009 with a bad one.
        """
        asked = parameters or {}
        with self._store.writing(bot_id) as w:
            _require_bot(w)
            known = intents.carried_out(w, intent)
            if known is not None:
                return _first(w, known), True
            require_subjects(w, kind, asked)
            command = Command(
                id=self._new_id(),
                bot_id=bot_id,
                kind=kind,
                status=CommandStatus.PENDING,
                user=intent.caller.key_id,
                reason=capped(intent.reason, REASON_BYTES),
                parameters=asked,
                created_at=self._clock.now(),
                executed_at=None,
                outcome=None,
                error=None,
            )
            intents.record(w, intent, risk=command_risk(w, kind, asked), subject_id=command.id)
            commands.add_command(w, command)
            data = {"kind": kind.name, "status": command.status.name, "user": command.user}
            w.changed(EventKind.COMMAND, command.id, f"{kind.name} was asked for.", data)
        return command, False

    def preview(self, bot_id: str, kind: CommandKind, *, parameters: dict[str, Any] | None = None) -> ActionPreview:
        """What the command would do now, without doing it. Raises BOT_001 for an unknown bot, QRY_005 for what is not there."""
        asked = parameters or {}
        with self._store.reading(bot_id) as r:
            _require_bot(r)
            require_subjects(r, kind, asked)
            health = _health(r, self._clock)
            effects = [
                f"Run state now: {health.run_state.name}.",
                *_effects(r, kind, asked),
                *effects_on(r, kind, asked),
            ]
            risk = command_risk(r, kind, asked)
        if health.status is Health.OFFLINE:
            effects.append("The bot is offline: the command waits until it is back.")
        summary = _SUMMARIES.get(kind, f"{kind.name} is carried out.")
        return ActionPreview(
            summary=summary, effects=tuple(effects[:MOST_EFFECTS]), risk=risk, confirm_token=None, expires_at=None
        )


def command_risk(r: Reading, kind: CommandKind, parameters: dict[str, Any]) -> RiskLevel:
    """How much harm the command could do now.

    HIGH is to close positions, to stop (also the process) with open plans or flattening, to move a stop, to cancel an order that protects a
    position, and to reset the breaker. Pausing is LOW, all else MEDIUM.
    """
    if kind in _NEVER_HIGH:
        return _NEVER_HIGH[kind]
    match kind:
        case CommandKind.STOP:
            is_high = _policy(parameters) is StopPolicy.FLATTEN or bool(plans.list_open_plans(r))
        case CommandKind.RESTART_PROCESS:
            is_stop = process_order(parameters).action is ProcessAction.STOP
            is_high = is_stop and bool(plans.list_open_plans(r))
        case CommandKind.UPDATE_TARGETS:
            is_high = parameters.get("stop") is not None  # it might be loosened
        case CommandKind.CANCEL_ORDERS:
            named = frozenset(parameters.get("orderIds", ()))
            is_high = any(o.leg is Leg.EXIT and named & {o.client_order_id, o.venue_order_id} for o in _live(r))
        case _:
            is_high = kind in _ALWAYS_HIGH
    return RiskLevel.HIGH if is_high else RiskLevel.MEDIUM


def _live(r: Reading) -> tuple[Order, ...]:
    return tuple(orders.list_live_orders(r))


def _policy(parameters: dict[str, Any]) -> StopPolicy:
    return StopPolicy(parameters.get("onStop", StopPolicy.KEEP_EVERYTHING.name))


def _require_bot(r: Reading) -> None:
    if bots.find_bot(r) is None:
        raise Fault("BOT_001", f"No bot `{r.bot_id[:40]}` is in the store.", context={"botId": r.bot_id[:40]})


def _first(r: Reading, command_id: str) -> Command:
    """The command that the first write made, as it is now."""
    command = commands.find_command(r, command_id)
    if command is None:
        raise Fault("SYS_001", "The first write's record is missing.", context={"commandId": command_id})
    return command


def _health(r: Reading, clock: Clock) -> HealthStatus:
    known = runtime.find_runtime(r)
    if known is None:
        raise Fault("BOT_001", "The bot has never been started.")
    return assess(known, now=clock.now())


def _effects(r: Reading, kind: CommandKind, parameters: dict[str, Any]) -> list[str]:
    live = _live(r)
    open_plans = len(plans.list_open_plans(r))
    entries = sum(1 for order in live if order.leg is Leg.ENTRY)
    held = ", ".join(position.symbol for position in positions.list_positions(r)[:MOST_EFFECTS])
    match kind:
        case CommandKind.PAUSE:
            return [
                f"{entries} resting entries are cancelled.",
                f"{open_plans} open plans keep their stops and targets.",
            ]
        case CommandKind.STOP if _policy(parameters) is StopPolicy.FLATTEN:
            return [f"{len(live)} live orders are cancelled.", f"Positions are closed at the market: {held or 'none'}."]
        case CommandKind.STOP if _policy(parameters) is StopPolicy.CANCEL_ORDERS:
            return [
                f"{len(live)} live orders are cancelled.",
                f"{open_plans} open plans are not watched while stopped.",
            ]
        case CommandKind.STOP:
            return [
                f"{len(live)} live orders stay at the venue.",
                f"{open_plans} open plans are not watched while stopped.",
            ]
        case CommandKind.RESUME | CommandKind.START:
            return [f"The bot becomes {RunState.RUNNING.name}."]
        case _:
            return []
