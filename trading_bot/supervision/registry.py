"""What the supervisor reads in the store and writes to it: the bot's signs of life, and the end of its process."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from trading_bot.clock import Clock
from trading_bot.domain.state import Bot
from trading_bot.errors.fault import Fault
from trading_bot.store import bots, errors, runtime
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

    def write_end(self, pulse: Pulse) -> None:
        """Store that the bot's process ended, so that it shows as OFFLINE at once."""
        with self._store.writing(pulse.bot_id) as writing:
            runtime.mark_process_ended(writing, generation=pulse.generation)

    def write_fault(self, bot_id: str, fault: Fault) -> None:
        """Store a fault as one of the bot's errors."""
        with self._store.writing(bot_id) as writing:
            errors.save_error(writing, fault.semantic(now=self._clock.now()))
