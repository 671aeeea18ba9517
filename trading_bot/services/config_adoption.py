"""Config adoption: takes a version on between two bars, or gives it up, and takes it back when the bot fares worse under it.

A version is judged again before anything changes. Then the store is told in one transaction, the parts of the bot are given the new
configuration without a pause between them, and the file is written. A kill in between leaves what the store says, which the next start
trades by. Positions, plans, orders and bars are not touched.
"""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from trading_bot.clock import Clock
from trading_bot.domain.commands import Command
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ADOPT_WITHIN, NEW_FOR, ConfigOrigin, InForce, StoredChange
from trading_bot.errors.fault import Fault
from trading_bot.services.config_plans import plan_values
from trading_bot.services.config_projection import ConfigProjection
from trading_bot.services.config_start import waiting_parts, with_parts_of
from trading_bot.services.config_versions import end_command, stored_config, take_back
from trading_bot.services.config_views import view_of
from trading_bot.services.config_watch import ConfigWatch
from trading_bot.services.configuration import parse_config
from trading_bot.services.journal import Journal
from trading_bot.store import config_changes
from trading_bot.store.store import Store, Writing
from trading_bot.venues.venue import Venue

LOOK_SECONDS = 1.0
USER = "bot"
_log = structlog.get_logger(__name__)


class ConfigAdoption:
    """Holds what is in force, and changes it by command only."""

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        venue: Venue,
        watch: ConfigWatch,
        projection: ConfigProjection,
        in_force: InForce,
        adjust: Callable[[BotConfig], BotConfig],
        clock: Clock,
    ) -> None:
        self._store = store
        self._bot_id = journal.bot_id
        self._journal = journal
        self._venue = venue
        self._watch = watch
        self._projection = projection
        self._adjust = adjust
        self._clock = clock
        self._looked_at = float("-inf")
        self.in_force = in_force
        self.take_on: Callable[[InForce], None] = lambda _: None
        """Gives the parts of the bot what is in force from now on; must not fail."""

    async def adopt(self, command: Command) -> None:
        """Take on the version that `command` asks for, or give it up. Raises the store's Faults only: it is then tried again."""
        with self._store.reading(self._bot_id) as r:
            change = config_changes.find_change(r, int(command.parameters["version"]))
        if change is None or not change.is_waiting:
            self._journal.commit(lambda w: self._close(w, command, change))
            return
        if change.is_overdue(self._clock.now()):
            self._give_up(change, f"The bot did not take it on within {ADOPT_WITHIN.total_seconds():.0f} s.")
            return
        try:
            wanted = await self._judged(change)
        except Fault as fault:
            self._give_up(change, f"The bot refused it: {fault.cause}")
            return
        except Exception as error:  # noqa: BLE001 - what can't be judged is not taken on
            fault_id = uuid.uuid4().hex
            _log.error("config_not_judged", version=change.version, fault_id=fault_id, exc_info=error)
            self._give_up(change, f"The bot could not judge it (fault {fault_id}).")
            return
        self._adopt(change, wanted)

    def stay(self) -> None:
        """Nothing is looked at in the middle of a bar, however long a model thinks; the loop lives all the same."""
        self._watch.stay()

    def look(self) -> None:
        """Once a second: whether the bot fares worse under a version that is watched, and whether the file was edited."""
        moment = self._clock.monotonic()
        if moment - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = moment
        change, why = self._watch.watched, self._watch.worse()
        if change is not None and why is not None:
            self._give_up(change, why)
        elif change is not None and self._watch.is_over():
            self._pass(change)
        self._projection.look(self.in_force)  # last: a file that can't be read keeps nothing from being watched

    def settle_file(self) -> None:
        """Write the file where a kill kept it from being written, or tell that it was edited meanwhile; a failure is tried again."""
        with suppress(Fault):
            self._projection.settle(self.in_force)

    def note_start(self, w: Writing, *, last_beat: datetime | None) -> None:
        """Note, in the transaction of the start, what was taken on by it; and go on watching what was watched.

        `last_beat` is the last sign of life of the process before.
        """
        now, before = w.now, config_changes.find_pointer(w)
        if before is None:
            return
        moved = (before.version, before.restart_version) != (self.in_force.version, self.in_force.restart_version)
        if moved:
            since = now if before.version != self.in_force.version else before.since
            config_changes.save_pointer(
                w,
                replace(
                    before,
                    version=self.in_force.version,
                    restart_version=self.in_force.restart_version,
                    since=since,
                ),
            )
        for change in config_changes.list_waiting_changes(w):
            if change.version <= self.in_force.version:
                self._note_taken(w, change, before_version=before.version)
        latest = config_changes.find_change(w, self.in_force.version)
        self._watch.begin(latest, last_beat=last_beat)

    def _note_taken(self, w: Writing, change: StoredChange, *, before_version: int) -> None:
        """A version that waited is in force since this start, wholly or but for what can't be changed while something is held."""
        is_whole = self.in_force.restart_version >= change.version
        if change.adopted_at is not None and not is_whole:
            if change.crashes and change.at is not None and w.now - change.at > NEW_FOR:
                # It has run for long: what crashed was not the change.
                config_changes.save_change(w, replace(change, crashes=0))
            return
        detail: str | None
        if change.version < self.in_force.version and change.adopted_at is None:
            detail = f"As part of version {self.in_force.version}."
        else:
            detail = None if is_whole else _waits(("mode, venue or prefix",))
        taken = self._taken(change, detail=detail, is_whole=is_whole, replaced=before_version)
        config_changes.save_change(w, taken)
        end_command(w, taken, why=None)

    def _adopt(self, change: StoredChange, wanted: BotConfig) -> None:
        running = self.in_force.config
        parts = waiting_parts(wanted, running)
        live = with_parts_of(wanted, running, parts)
        with self._store.reading(self._bot_id) as r:
            stored = stored_config(r, change.version)
        restart_version = change.version if not set(parts) - {"decider"} else self.in_force.restart_version
        taken = InForce(config=live, version=change.version, hash=stored.config_hash, restart_version=restart_version)
        detail = _waits(parts) if parts else None
        adopted = self._taken(change, detail=detail, is_whole=not parts, replaced=self.in_force.version)

        def write(w: Writing) -> None:
            fresh, pointer = config_changes.find_change(w, change.version), config_changes.find_pointer(w)
            if pointer is None or fresh is None:
                raise Fault("SYS_001", "The version that is being adopted is missing.")
            moved = replace(pointer, version=taken.version, restart_version=taken.restart_version, since=w.now)
            config_changes.save_pointer(w, moved)
            kept = replace(adopted, rolled_back_by=fresh.rolled_back_by, crashes=fresh.crashes)
            config_changes.save_change(w, kept)
            end_command(w, kept, why=None, verified=self._verified())

        self._journal.commit(write)
        self.in_force = taken
        self.take_on(taken)
        self._watch.begin(adopted)
        _log.info("config_adopted", version=taken.version, waits=list(parts))
        self._projection.settle(taken, adopted=True)

    def _taken(self, change: StoredChange, *, detail: str | None, is_whole: bool, replaced: int) -> StoredChange:
        now, seconds = self._clock.now(), change.watch_seconds
        return replace(
            change,
            status=AdoptionStatus.ADOPTED if is_whole else AdoptionStatus.PENDING,
            at=now,
            detail=detail,
            adopted_at=change.adopted_at or now,
            replaced=change.replaced or replaced,
            watched_until=now + timedelta(seconds=seconds) if seconds else None,
            baseline=self._watch.baseline(seconds) if seconds else None,
        )

    async def _judged(self, change: StoredChange) -> BotConfig:
        """The configuration of that version, once the venue can trade its symbols. Raises the Fault that speaks against it."""
        with self._store.reading(self._bot_id) as r:
            stored = stored_config(r, change.version)
            config = self._adjust(parse_config(stored.values))
            if config.bot_id != self._bot_id:
                raise Fault(
                    "CFG_001", f"`bot_id` can't be changed, was `{config.bot_id}`.", context={"field": "bot_id"}
                )
            if change.origin is not ConfigOrigin.REVERT:
                plan = plan_values(stored_config(r, self.in_force.version), stored.values, view_of(r))
                if plan.errors:
                    raise Fault(plan.errors[0].error_code, plan.errors[0].cause, context=dict(plan.errors[0].context))
        if config.symbols != self.in_force.config.symbols:
            await self._venue.follow(config.symbols)
        return config

    def _give_up(self, change: StoredChange, why: str) -> None:
        """Take the version back, or refuse it, unless somebody else has undone it meanwhile."""
        made: list[int] = []

        def write(w: Writing) -> None:
            fresh = config_changes.find_change(w, change.version)
            if fresh is None or fresh.rolled_back_by is not None:
                return
            status = AdoptionStatus.REVERTED if fresh.adopted_at is not None else AdoptionStatus.REFUSED
            new = take_back(w, fresh, status=status, why=why, user=USER)
            made.extend([new.version] if new is not None else [])

        self._journal.commit(write)
        self._watch.begin(None)
        _log.warning("config_given_up", version=change.version, why=why, reverted_by=made[0] if made else None)

    def _pass(self, change: StoredChange) -> None:
        """The time is up, and nothing got worse."""

        def write(w: Writing) -> None:
            fresh = config_changes.find_change(w, change.version)
            if fresh is not None and fresh.watched_until is not None:
                detail = f"Watched for {fresh.watch_seconds} s; nothing got worse."
                told = f"{fresh.detail} {detail}" if fresh.detail else detail
                config_changes.save_change(w, replace(fresh, watched_until=None, detail=told))

        self._journal.commit(write)
        self._watch.begin(None)

    def _close(self, w: Writing, command: Command, change: StoredChange | None) -> None:
        """End a command whose version is in force or given up already."""
        if change is None:
            raise Fault("QRY_005", "There is no such version.", context={"version": command.parameters["version"]})
        gone = change.status in {AdoptionStatus.REFUSED, AdoptionStatus.REVERTED}
        end_command(w, change, why=(change.detail or "It was given up.") if gone else None, verified=self._verified())

    def _verified(self) -> dict[str, int]:
        books = self._journal.books
        held = sum(1 for position in books.positions.values() if position.lots)
        return {"liveOrders": len(books.live_orders), "positions": held, "plans": len(books.plans)}


def _waits(parts: tuple[str, ...]) -> str:
    rest = "a restart" if parts == ("decider",) else "a restart while nothing is held"
    return f"In force but for {', '.join(parts)}: that waits for {rest}."
