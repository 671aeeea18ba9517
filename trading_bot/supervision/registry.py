"""What the supervisor reads in the store and writes to it: the bot's signs of life, the end of its process, and commands to it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from trading_bot.clock import Clock
from trading_bot.domain.commands import Addressee, Command
from trading_bot.domain.events import EventKind
from trading_bot.domain.state import Bot
from trading_bot.errors.fault import Fault
from trading_bot.services import config_crashes
from trading_bot.services.homes import bot_of_home
from trading_bot.store import bots, commands, errors, orders, positions, runtime
from trading_bot.store.store import Store

SLACK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A bot's sign of life."""

    bot_id: str
    """The bot that a process runs."""
    generation: int
    """Which start of it."""
    last_heartbeat: datetime | None
    """Wall clock of its last heartbeat, UTC; None before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What the store says of the bot's last process."""

    generation: int
    """Which start of it; 0 before the first."""
    pid: int | None
    """Its process id; None before the first start."""
    has_beaten: bool
    """Whether this generation has given a heartbeat."""
    has_ended: bool
    """Whether its end is stored."""
    run_state: str | None
    """What it lets itself do, by name; None before the first start."""
    live_orders: int
    """Orders that may still be filled."""
    positions: int
    """Positions that are held."""


class Registry:
    """The store, as the supervisor uses it. Its calls block: call them from a thread."""

    def __init__(self, engine: sa.Engine, *, clock: Clock) -> None:
        self._store = Store(engine, clock)
        self._clock = clock

    def find_pulse(self, *, pid: int, since: float) -> Pulse | None:
        """The sign of life of the bot whose process is `pid`, started at `since` (seconds since 1970); None before it gave any.

        Bots of several machines may share a store, and a pid: of these, the one that began soonest after `since` is meant.
        """
        signs: list[tuple[float, Pulse]] = []
        for bot_id in self._store.bot_ids():
            with self._store.reading(bot_id) as reading:
                process = runtime.find_process(reading)
                found = runtime.find_runtime(reading)
            if process and found and found.started_at and process[1] == pid:
                waited = found.started_at.timestamp() - since
                pulse = Pulse(bot_id=bot_id, generation=process[0], last_heartbeat=found.last_heartbeat)
                signs.append((waited, pulse))
        return min(
            (sign for sign in signs if sign[0] >= -SLACK_SECONDS), key=lambda sign: sign[0], default=(0.0, None)
        )[1]

    def find_bot(self, bot_id: str) -> tuple[Bot | None, str | None]:
        """The bot, and what it replays."""
        with self._store.reading(bot_id) as reading:
            return bots.find_bot(reading), bots.find_replay_of(reading)

    def find_bot_id(self, config_file: Path) -> str | None:
        """The bot of a home; None where the store does not know it yet, or its configuration can't be read."""
        try:
            bot_id = bot_of_home(self._store, config_file)
        except Fault:
            return None
        return bot_id if bot_id in self._store.bot_ids() else None

    def find_last(self, config_file: Path) -> Pulse | None:
        """The last process of the home's bot; None where the store does not know it."""
        bot_id = self.find_bot_id(config_file)
        if bot_id is None:
            return None
        with self._store.reading(bot_id) as reading:
            found = runtime.find_runtime(reading)
        return Pulse(bot_id=bot_id, generation=found.generation, last_heartbeat=None) if found else None

    def find_sign(self, bot_id: str) -> Sign:
        """What the store says of the bot's last process."""
        with self._store.reading(bot_id) as reading:
            process, found = runtime.find_process(reading), runtime.find_runtime(reading)
            live, held = orders.list_live_orders(reading), positions.list_positions(reading)
        beat, begun = (found.last_heartbeat, found.started_at) if found else (None, None)
        return Sign(
            generation=process[0] if process else 0,
            pid=process[1] if process else None,
            has_beaten=beat is not None and begun is not None and beat >= begun,
            has_ended=found is not None and found.process_ended_at is not None,
            run_state=found.run_state.name if found else None,
            live_orders=len(live),
            positions=len(held),
        )

    def list_commands(self, bot_id: str) -> tuple[Command, ...]:
        """What the supervisor was asked and has not ended, oldest first."""
        with self._store.reading(bot_id) as reading:
            return commands.list_pending_commands(reading, Addressee.SUPERVISOR)

    def write_command(self, command: Command) -> None:
        """Store what has become of a command."""
        with self._store.writing(command.bot_id) as writing:
            commands.save_command(writing, command)
            data = {"kind": command.kind.name, "status": command.status.name}
            writing.changed(EventKind.COMMAND, command.id, f"{command.kind.name} is {command.status.name}.", data)

    def note_crash(self, bot_id: str, generation: int) -> int | None:
        """Count an end of the bot against its configuration; the version that was put in its place, if it was taken back."""
        return config_crashes.note_crash(self._store, bot_id, generation=generation)

    def note_silence(self, bot_id: str) -> int | None:
        """The version that was put in the place of one that no bot took on; null where there is none."""
        return config_crashes.note_silence(self._store, bot_id)

    def write_end(self, bot_id: str, generation: int) -> None:
        """Store that the bot's process of that generation ended, so that it shows as OFFLINE at once."""
        with self._store.writing(bot_id) as writing:
            runtime.mark_process_ended(writing, generation=generation)

    def write_fault(self, bot_id: str, fault: Fault) -> None:
        """Store a fault as one of the bot's errors."""
        with self._store.writing(bot_id) as writing:
            errors.save_error(writing, fault.semantic(now=self._clock.now()))
