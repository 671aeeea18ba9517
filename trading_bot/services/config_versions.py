"""Config versions: how a version of the configuration is written, and taken back by itself. A version never changes once it is there.

Each function works in the caller's transaction: version, step, log line, event and the command to the bot are there together or not at all.
What takes a version back by itself never loosens a limit: of each limit the tighter value stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from trading_bot.domain.commands import Command, CommandKind, CommandStatus
from trading_bot.domain.config_changes import AdoptionStatus, ConfigDifference
from trading_bot.domain.config_versions import ConfigOrigin, ConfigPointer, StoredChange
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.events import EventKind
from trading_bot.domain.loosening import kept_tight
from trading_bot.domain.records import record_of
from trading_bot.errors.fault import Fault
from trading_bot.services.config_diff import differences
from trading_bot.services.configuration import config_hash, config_values, parse_config
from trading_bot.store import commands, config_changes, configs, errors
from trading_bot.store.configs import StoredConfig
from trading_bot.store.store import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version that is to be written."""

    values: dict[str, Any]
    """The whole configuration."""
    diff: Sequence[ConfigDifference]
    """What differs from the version before."""
    origin: ConfigOrigin
    """What makes it."""
    user: str
    """Who makes it."""
    reason: str
    """Why."""
    watch_seconds: int = 0
    """For how long it is to be watched."""


def import_first(w: Writing, *, values: dict[str, Any], digest: str) -> None:
    """Write version 1, which is in force at once: there is nothing that it could replace."""
    user, reason = "first start", "imported"
    configs.save_config(w, version=1, values=values, config_hash=digest, user=user, reason=reason)
    change = StoredChange(
        id=config_changes.change_id(w.bot_id, 1),
        version=1,
        previous_version=0,
        timestamp=w.now,
        user=user,
        reason=reason,
        origin=ConfigOrigin.IMPORT,
        diff=[],
        watch_seconds=0,
        command_id=None,
        status=AdoptionStatus.ADOPTED,
        at=w.now,
        adopted_at=w.now,
    )
    config_changes.save_pointer(w, ConfigPointer(version=1, restart_version=1, since=w.now))
    config_changes.add_change(w, change, before={}, after=values, config_hash=digest)


def write_version(w: Writing, new: NewVersion) -> StoredChange:
    """Write the next version after the latest, with the command that asks the bot to adopt it."""
    latest = latest_config(w)
    version = latest.version + 1
    digest = config_hash(new.values)
    reason = capped(new.reason, REASON_BYTES)
    configs.save_config(w, version=version, values=new.values, config_hash=digest, user=new.user, reason=reason)
    command = _adopt(w, version, user=new.user, reason=reason)
    change = StoredChange(
        id=config_changes.change_id(w.bot_id, version),
        version=version,
        previous_version=latest.version,
        timestamp=w.now,
        user=new.user,
        reason=reason,
        origin=new.origin,
        diff=[record_of(difference) for difference in new.diff],
        watch_seconds=new.watch_seconds,
        command_id=command.id,
        status=AdoptionStatus.PENDING,
    )
    config_changes.add_change(w, change, before=latest.values, after=new.values, config_hash=digest)
    commands.add_command(w, command)
    data = {"kind": command.kind.name, "status": command.status.name, "user": command.user}
    w.changed(EventKind.COMMAND, command.id, f"{command.kind.name} was asked for.", data)
    return change


def take_back(w: Writing, change: StoredChange, *, status: AdoptionStatus, why: str, user: str) -> StoredChange | None:
    """Give up `change` as `status` (REFUSED or REVERTED) because of `why`, and write what was in force before as a new version.

    Gives that version's step; null where none was written, because a later version is there already, or because all that could be taken
    back would loosen a limit: then the change stays as it is.
    """
    latest, pointer = latest_config(w), config_changes.find_pointer(w)
    goal = change.replaced or (pointer.version if pointer is not None else change.previous_version)
    end_command(w, replace(change, status=status), why=why)
    if change.version != latest.version:
        _end(w, change, status=status, why=why)
        return None
    target = stored_config(w, goal)
    values = tightest(latest.values, target.values)
    if change.adopted_at is None and values == latest.values:
        values = target.values  # it was never in force: what is in force is not loosened by staying so
    fault = Fault("CFG_009", why, context={"version": change.version, "back_to": goal, "status": status.name})
    if values == latest.values:
        kept = f"{why} Nothing was taken back: that would loosen a limit."
        config_changes.save_change(
            w, replace(change, at=change.at or w.now, detail=capped(kept, REASON_BYTES), watched_until=None)
        )
        errors.save_error(w, fault.semantic(now=w.now))
        return None
    new = NewVersion(
        values=values,
        diff=differences(latest.values, values),
        origin=ConfigOrigin.REVERT,
        user=user,
        reason=f"version {change.version} was taken back: {why}",
    )
    made = write_version(w, new)
    _end(w, replace(change, rolled_back_by=made.version), status=status, why=why)
    undo(w, range(goal + 1, change.version), by=made.version)
    fault.context["version_made"] = made.version
    errors.save_error(w, fault.semantic(now=w.now))
    return made


def undo(w: Writing, versions: range, *, by: int) -> None:
    """Note which version undid the steps that made `versions`: one that was undone before keeps its mark, one that waits ends."""
    for version in versions:
        change = config_changes.find_change(w, version)
        if change is None or change.rolled_back_by is not None:
            continue
        undone = replace(change, rolled_back_by=by, watched_until=None)
        if change.is_waiting:
            why = f"Version {by} undid it before the bot took it on."
            undone = replace(undone, status=AdoptionStatus.REFUSED, at=w.now, detail=why)
            end_command(w, undone, why=why)
        config_changes.save_change(w, undone)


def tightest(current: dict[str, Any], goal: dict[str, Any]) -> dict[str, Any]:
    """`goal`, with each limit that it has looser than `current` as it is in `current`."""
    try:
        in_force = parse_config(current)
    except Fault:
        return goal  # no release can trade by it: there is nothing that could be loosened
    return config_values(kept_tight(in_force, parse_config(goal)))


def end_command(
    w: Writing, change: StoredChange, *, why: str | None, verified: Mapping[str, Any] | None = None
) -> None:
    """End the command that asked for the change, where it has not ended: DONE with what was `verified`, or FAILED because of `why`."""
    known = commands.find_command(w, change.command_id) if change.command_id else None
    if known is None or known.executed_at is not None:
        return
    ended = replace(
        known,
        status=CommandStatus.DONE if why is None else CommandStatus.FAILED,
        executed_at=w.now,
        outcome={"version": change.version, "adoption": change.status.name, **(verified or {})},
        error=None if why is None else Fault("CFG_009", why).semantic(now=w.now),
    )
    commands.save_command(w, ended)
    data = {"kind": known.kind.name, "status": ended.status.name}
    w.changed(EventKind.COMMAND, ended.id, f"{ended.kind.name} is {ended.status.name}.", data)


def latest_config(r: Reading) -> StoredConfig:
    """The latest version; SYS_001 where there is none."""
    return stored_config(r, None)


def stored_config(r: Reading, version: int | None) -> StoredConfig:
    """That version, or the latest; SYS_001 where it is not there."""
    found = configs.find_config(r, version)
    if found is None:
        raise Fault("SYS_001", f"Version {version or 'one'} of the configuration is missing.")
    return found


def _end(w: Writing, change: StoredChange, *, status: AdoptionStatus, why: str) -> None:
    now: datetime = w.now
    ended = replace(change, status=status, at=now, detail=capped(why, REASON_BYTES), watched_until=None)
    config_changes.save_change(w, ended)


def _adopt(w: Writing, version: int, *, user: str, reason: str) -> Command:
    return Command(
        id=str(uuid5(NAMESPACE_OID, f"botgraph:adopt:{w.bot_id}:{version}")),
        bot_id=w.bot_id,
        kind=CommandKind.ADOPT_CONFIG,
        status=CommandStatus.PENDING,
        user=user,
        reason=reason,
        parameters={"version": version},
        created_at=w.now,
        executed_at=None,
        outcome=None,
        error=None,
    )
