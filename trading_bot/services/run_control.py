"""Run control: carries out the commands that change what the bot lets itself do, and says what it verified afterwards.

A command that takes several bars (a stop that cancels or flattens) stays RUNNING in the store, so that it goes on after a restart.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from trading_bot.calendar import is_open
from trading_bot.clock import Clock
from trading_bot.domain.commands import Command, CommandKind, CommandStatus, StopPolicy
from trading_bot.domain.events import EventKind
from trading_bot.domain.health import RunState
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import plain
from trading_bot.domain.orders import Leg
from trading_bot.errors.fault import Fault
from trading_bot.services.circuit_breaker import CircuitBreaker
from trading_bot.services.config_adoption import ConfigAdoption
from trading_bot.services.interventions import Interventions, closing_reason
from trading_bot.services.journal import Journal
from trading_bot.services.order_desk import OrderDesk
from trading_bot.services.plan_monitor import PlanMonitor
from trading_bot.services.vitals import Vitals
from trading_bot.store import commands, runtime
from trading_bot.store.store import Store, Writing

TAKEN_WITHIN = timedelta(hours=24)
"""A command that trades, or lets the bot trade, ends EXPIRED when no bot took it for so long (wall clock): prices have moved on."""
_LETTING_TRADE = frozenset({CommandKind.START, CommandKind.RESUME})
_EXPIRING = _LETTING_TRADE | {CommandKind.RESET_BREAKER, CommandKind.CLOSE_POSITIONS, CommandKind.UPDATE_TARGETS}
_FLATTEN = "flatten: stopped by command"

_log = structlog.get_logger(__name__)


class RunControl:
    """Carries out commands of the bot, one after the other."""

    def __init__(
        self,
        *,
        store: Store,
        bot_id: str,
        journal: Journal,
        desk: OrderDesk,
        monitor: PlanMonitor,
        breaker: CircuitBreaker,
        interventions: Interventions,
        adoption: ConfigAdoption,
        vitals: Vitals,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bot_id = bot_id
        self._journal = journal
        self._desk = desk
        self._monitor = monitor
        self._breaker = breaker
        self._interventions = interventions
        self._adoption = adoption
        self._wound_down_at: datetime | None = None
        self._vitals = vitals
        self._clock = clock

    async def obey(self, *, at: datetime | None, between_bars: bool = True) -> None:
        """Take every waiting command one step further. `at` is venue time, null before the first bar.

        The configuration changes only between two bars: a bar is handled wholly under one.
        """
        with self._store.reading(self._bot_id) as r:
            waiting = commands.list_pending_commands(r)
        # The emergency brake goes before whatever else waits.
        for command in sorted(self._still_meant(waiting), key=lambda command: command.kind is not CommandKind.PAUSE):
            if command.kind is not CommandKind.ADOPT_CONFIG:
                await self._obey(command, at=at)
            elif between_bars:
                await self._adoption.adopt(command)
        if between_bars:
            self._adoption.look()
        else:
            self._adoption.stay()

    def _still_meant(self, waiting: tuple[Command, ...]) -> list[Command]:
        """What waits, without what would let the bot trade and was asked for before a pause: that goes first, and is the later word."""
        pause = max((n for n, command in enumerate(waiting) if command.kind is CommandKind.PAUSE), default=0)
        overruled = [command for command in waiting[:pause] if command.kind in _LETTING_TRADE]
        for command in overruled:  # before the pause is carried out: a kill in between must leave none of them behind
            self._fail(command, Fault("BOT_003", "It was superseded by PAUSE."))
        return [command for command in waiting if command not in overruled]

    async def _obey(self, command: Command, *, at: datetime | None) -> None:
        age = self._clock.now() - command.created_at
        if command.status is CommandStatus.PENDING and command.kind in _EXPIRING and age > TAKEN_WITHIN:
            hours = TAKEN_WITHIN.total_seconds() / 3600
            cause = (
                f"{command.kind.name} was not taken within {hours:.0f} hours; what it was asked for may have changed."
            )
            self._fail(command, Fault("BOT_003", cause), status=CommandStatus.EXPIRED)
            return
        try:
            match command.kind:
                case CommandKind.PAUSE:
                    await self._pause(command, at=at)
                case CommandKind.RESUME | CommandKind.START:
                    self._run(command)
                case CommandKind.STOP:
                    await self._stop(command, at=at)
                case CommandKind.RESET_BREAKER:
                    self._reset(command, at=at)
                case (
                    CommandKind.CLOSE_POSITIONS
                    | CommandKind.CANCEL_ORDERS
                    | CommandKind.UPDATE_TARGETS
                    | CommandKind.RECONCILE
                ):
                    await self._intervene(command, at=at)
                case _:
                    self._fail(command, Fault("BOT_003", f"This bot does not carry out {command.kind.name}."))
        except Fault as fault:
            self._fail(command, fault)
        except Exception as error:  # noqa: BLE001 - a command that can't be carried out must not block the next ones
            fault_id = uuid.uuid4().hex
            _log.error("command_failed", command=command.id, kind=command.kind.name, fault_id=fault_id, exc_info=error)
            context = {"step": command.kind.name, "fault_id": fault_id}
            self._fail(command, Fault("BOT_004", f"{command.kind.name} failed unexpectedly.", context=context))

    async def give_up(self, reason: str) -> None:
        """End the commands that were being carried out and can't be any more."""
        with self._store.reading(self._bot_id) as r:
            waiting = commands.list_pending_commands(r)
        for command in waiting:
            if command.status is CommandStatus.RUNNING:
                self._fail(command, Fault("BOT_003", f"{command.kind.name} could not be carried out: {reason}."))

    async def _pause(self, command: Command, *, at: datetime | None) -> None:
        """No entries any more; a bot that is stopping or stopped is safer already, and stays so."""
        before = self._vitals.runtime.resume_as or self._vitals.run_state  # while it starts: what it goes on as
        if before not in (RunState.STOPPING, RunState.STOPPED):
            self._vitals.enter(RunState.PAUSED, command.reason)
        if at is not None and before is not RunState.STOPPED:
            await self._monitor.cancel_entries(at=at, reason="paused", due_only=False)
        entries = sum(1 for order in self._journal.books.live_orders if order.leg is Leg.ENTRY)
        self._done(command, {"before": before.name, "restingEntries": entries})

    def _run(self, command: Command) -> None:
        """Resume from PAUSED or HALTED, or withdraw a stop that still goes on; start from STOPPED: two words for two intents."""
        before = self._vitals.run_state
        paused = {RunState.PAUSED, RunState.HALTED, RunState.STOPPING}
        fitting = paused if command.kind is CommandKind.RESUME else {RunState.STOPPED}
        if before not in fitting | {RunState.RUNNING}:
            raise Fault(
                "BOT_003",
                f"{command.kind.name} does not fit the state {before.name}.",
                context={"runState": before.name},
            )
        if self._vitals.runtime.circuit_breaker_reason is not None:
            raise Fault("BOT_003", "The circuit breaker is tripped; reset it first.", context={"runState": before.name})
        self._breaker.require_belief()
        self._overrule(command)
        self._vitals.enter(RunState.RUNNING, command.reason)
        self._done(command, {"before": before.name})

    def _reset(self, command: Command, *, at: datetime | None) -> None:
        """Reset the circuit breaker, in the transaction that ends the command: a kill in between asks for nothing twice."""
        if at is None:
            raise Fault("BOT_003", "The circuit breaker is not tripped.")
        before, cause = self._vitals.run_state.name, self._breaker.state.cause
        with self._breaker.resetting(at=at, by=command.id, reason=command.reason) as write:
            self._done(command, {"before": before, "trippedBy": cause}, also=write)

    async def _stop(self, command: Command, *, at: datetime | None) -> None:
        policy = _policy(command)
        if command.status is CommandStatus.PENDING:
            self._overrule(command)
        if command.status is CommandStatus.PENDING and policy is not StopPolicy.KEEP_EVERYTHING:
            self._vitals.enter(RunState.STOPPING, command.reason)
            command = replace(command, status=CommandStatus.RUNNING)
            self._save(command)
        if policy is not StopPolicy.KEEP_EVERYTHING and at is not None:
            await self._wind_down(policy, at=at)
            left = self._left(policy, at=at)
            if left:
                self._progress(command, left)
                return
        self._vitals.enter(RunState.STOPPED, command.reason)
        self._done(command, {"onStop": policy.name})

    def _overrule(self, command: Command) -> None:
        """End older stops that still go on: the later word counts."""
        with self._store.reading(self._bot_id) as r:
            waiting = commands.list_pending_commands(r)
        for older in waiting:
            if older.id == command.id:
                break
            if older.kind is CommandKind.STOP:
                self._fail(older, Fault("BOT_003", f"It was superseded by {command.kind.name}."))
        self._wound_down_at = None

    def _release(self, command: Command) -> None:
        """Hold again what a command marked to be exited and does not see through: nothing is sold for it any more."""
        plans = tuple(plan for plan in self._journal.books.plans.values() if plan.is_open)
        if command.kind is CommandKind.CLOSE_POSITIONS:
            named = command.parameters.get("symbols", ())
            marked = [p for p in plans if p.symbol in named and p.exit_reason == closing_reason(command)]
        elif command.kind is CommandKind.STOP and _policy(command) is StopPolicy.FLATTEN:
            marked = [plan for plan in plans if plan.exit_reason == _FLATTEN]
        else:
            return
        for plan in marked:
            self._monitor.keep(plan)

    async def _wind_down(self, policy: StopPolicy, *, at: datetime) -> None:
        """Cancel what is live, once a bar; to flatten, mark every plan to be exited: the loop drives the exits."""
        flatten = policy is StopPolicy.FLATTEN
        for plan in tuple(self._journal.books.plans.values()):
            if flatten and plan.is_open:
                self._monitor.close(plan, _FLATTEN)
        if self._wound_down_at == at:
            return
        self._wound_down_at = at
        exits = {o.client_order_id for o in self._journal.books.live_orders if flatten and o.plan_id in self._exiting()}
        for order in self._journal.books.live_orders:
            if order.client_order_id not in exits:
                await self._desk.cancel(order, at=at, reason="stopped by command")

    async def _intervene(self, command: Command, *, at: datetime | None) -> None:
        """Positions, orders and differences: RUNNING until what was asked for is verified."""
        step = await self._interventions.take(command, at=at, run_state=self._vitals.run_state)
        if step.waiting_for:
            self._progress(replace(command, status=CommandStatus.RUNNING), dict(step.waiting_for))
        else:
            self._done(command, dict(step.outcome))

    def _exiting(self) -> frozenset[str]:
        return frozenset(plan.id for plan in self._journal.books.plans.values() if plan.exit_reason is not None)

    def _left(self, policy: StopPolicy, *, at: datetime) -> dict[str, Any]:
        """What still stands in the way of STOPPED; empty when nothing does."""
        live = [order.client_order_id for order in self._journal.books.live_orders]
        held = {p.symbol: plain(p.quantity) for p in self._journal.books.positions.values() if p.lots}
        left: dict[str, Any] = {"liveOrders": live} if live else {}
        if policy is StopPolicy.FLATTEN and held:
            left["positions"] = held
            shut = [symbol for symbol in held if not is_open(instrument(symbol).asset_class, at)]
            left |= {"marketClosed": shut} if shut else {}
        return left

    def _progress(self, command: Command, left: dict[str, Any]) -> None:
        """Say what is waited for, once for each change of it."""
        if command.outcome != {"waitingFor": left}:
            self._save(replace(command, outcome={"waitingFor": left}))

    def _done(
        self, command: Command, outcome: dict[str, Any], *, also: Callable[[Writing], object] | None = None
    ) -> None:
        books = self._journal.books
        verified = {
            "runState": self._vitals.run_state.name,
            "liveOrders": len(books.live_orders),
            "positions": sum(1 for position in books.positions.values() if position.lots),
            **outcome,
        }
        done = replace(command, status=CommandStatus.DONE, executed_at=self._clock.now(), outcome=verified, error=None)
        self._save(done, also=also)

    def _fail(self, command: Command, fault: Fault, *, status: CommandStatus = CommandStatus.FAILED) -> None:
        now = self._clock.now()
        self._release(command)
        outcome = {"runState": self._vitals.run_state.name}
        self._save(replace(command, status=status, executed_at=now, outcome=outcome, error=fault.semantic(now=now)))

    def _save(self, command: Command, *, also: Callable[[Writing], object] | None = None) -> None:
        """The command and the run state that it led to, in one transaction."""

        def write(w: Writing) -> None:
            if also is not None:
                also(w)
            commands.save_command(w, command)
            runtime.save_runtime(w, self._vitals.beat())
            data = {"status": command.status.name, "runState": self._vitals.run_state.name}
            w.changed(EventKind.COMMAND, command.id, f"{command.kind.name} is {command.status.name}.", data)
            w.changed(EventKind.HEALTH, self._bot_id, f"The bot is {self._vitals.run_state.name}.", data)

        self._journal.commit(write)


def _policy(command: Command) -> StopPolicy:
    return StopPolicy(command.parameters.get("onStop", StopPolicy.KEEP_EVERYTHING.name))
