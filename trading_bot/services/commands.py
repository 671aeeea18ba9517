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
from trading_bot.domain.orders import Leg
from trading_bot.errors.fault import Fault
from trading_bot.store import bots, commands, orders, plans, positions, runtime
from trading_bot.store.store import Reading, Store

_SUMMARIES = {
    CommandKind.PAUSE: "No new entries; resting entries are cancelled; stops, targets and sync go on.",
    CommandKind.RESUME: "Entries are allowed again.",
    CommandKind.START: "The bot goes from STOPPED to RUNNING and enters again.",
    CommandKind.STOP: "The bot sends nothing any more; its process lives on, STOPPED.",
}


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

        Raises BOT_001 for an unknown bot, QRY_007 when the idempotency key stands for something else.
        """
        with self._store.writing(bot_id) as w:
            if bots.find_bot(w) is None:
                raise Fault("BOT_001", f"No bot `{bot_id[:40]}` is in the store.", context={"botId": bot_id[:40]})
            known = commands.find_intent(w, key_id=intent.caller.key_id, idempotency_key=intent.idempotency_key)
            if known is not None:
                return _replay(w, known, intent), True
            command = Command(
                id=self._new_id(),
                bot_id=bot_id,
                kind=kind,
                status=CommandStatus.PENDING,
                user=intent.caller.key_id,
                reason=capped(intent.reason, REASON_BYTES),
                parameters=parameters or {},
                created_at=self._clock.now(),
                executed_at=None,
                outcome=None,
                error=None,
            )
            commands.add_command(w, command)
            commands.add_intent(w, intent, subject_id=command.id)
            data = {"kind": kind.name, "status": command.status.name, "user": command.user}
            w.changed(EventKind.COMMAND, command.id, f"{kind.name} was asked for.", data)
        return command, False

    def preview(self, bot_id: str, kind: CommandKind, *, parameters: dict[str, Any] | None = None) -> ActionPreview:
        """What the command would do now, without doing it. Raises BOT_001 for an unknown bot."""
        with self._store.reading(bot_id) as r:
            if bots.find_bot(r) is None:
                raise Fault("BOT_001", f"No bot `{bot_id[:40]}` is in the store.", context={"botId": bot_id[:40]})
            policy = StopPolicy((parameters or {}).get("onStop", StopPolicy.KEEP_EVERYTHING.name))
            open_plans = len(plans.list_open_plans(r))
            health = _health(r, self._clock)
            effects = [f"Run state now: {health.run_state.name}.", *_effects(r, kind, policy, open_plans)]
        if health.status is Health.OFFLINE:
            effects.append("The bot is offline: the command waits until it is back.")
        risk = command_risk(kind, policy=policy, open_plans=open_plans)
        return ActionPreview(
            summary=_SUMMARIES[kind], effects=tuple(effects), risk=risk, confirm_token=None, expires_at=None
        )


def command_risk(kind: CommandKind, *, policy: StopPolicy, open_plans: int) -> RiskLevel:
    """How much harm a command could do: a stop is HIGH with open plans or when it flattens, pausing is LOW, all else MEDIUM."""
    if kind is CommandKind.PAUSE:
        return RiskLevel.LOW
    if kind is CommandKind.STOP and (policy is StopPolicy.FLATTEN or open_plans):
        return RiskLevel.HIGH
    return RiskLevel.MEDIUM


def _replay(r: Reading, known: commands.StoredIntent, intent: Intent) -> Command:
    if known.digest != intent.digest:
        context = {"idempotencyKey": intent.idempotency_key[:128]}
        raise Fault("QRY_007", "This key of yours stands for another write of the last 24 hours.", context=context)
    command = commands.find_command(r, known.subject_id)
    if command is None:
        raise Fault("SYS_001", "The first write's record is missing.", context={"commandId": known.subject_id})
    return command


def _health(r: Reading, clock: Clock) -> HealthStatus:
    known = runtime.find_runtime(r)
    if known is None:
        raise Fault("BOT_001", "The bot has never been started.")
    return assess(known, now=clock.now())


def _effects(r: Reading, kind: CommandKind, policy: StopPolicy, open_plans: int) -> list[str]:
    live = orders.list_live_orders(r)
    entries = sum(1 for order in live if order.leg is Leg.ENTRY)
    held = ", ".join(position.symbol for position in positions.list_positions(r)[:20])
    match kind:
        case CommandKind.PAUSE:
            return [
                f"{entries} resting entries are cancelled.",
                f"{open_plans} open plans keep their stops and targets.",
            ]
        case CommandKind.STOP if policy is StopPolicy.FLATTEN:
            return [f"{len(live)} live orders are cancelled.", f"Positions are closed at the market: {held or 'none'}."]
        case CommandKind.STOP if policy is StopPolicy.CANCEL_ORDERS:
            return [
                f"{len(live)} live orders are cancelled.",
                f"{open_plans} open plans are not watched while stopped.",
            ]
        case CommandKind.STOP:
            return [
                f"{len(live)} live orders stay at the venue.",
                f"{open_plans} open plans are not watched while stopped.",
            ]
        case _:
            return [f"The bot becomes {RunState.RUNNING.name}."]
