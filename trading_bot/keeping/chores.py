"""Chores: commands of which no process of the bot is the addressee: to back the home up, and to write logs into an archive.

They take long and read much, so they are carried out by a process of their own (`python -m trading_bot.keeping chore`), which can be killed
at any time: the command is then still RUNNING, and is carried out again by whoever asks for it again.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trading_bot.clock import Clock
from trading_bot.domain.commands import Command, CommandKind, CommandStatus
from trading_bot.domain.events import EventKind
from trading_bot.errors.fault import Fault
from trading_bot.keeping import backup
from trading_bot.keeping.backup_manifest import verified
from trading_bot.keeping.incident import bundle
from trading_bot.keeping.log_export import export_logs
from trading_bot.settings import Settings
from trading_bot.store import commands
from trading_bot.store.store import Store

ARGV = (sys.executable, "-P", "-m", "trading_bot.keeping", "chore")
"""What carries a chore out; ids of bot and command come behind it."""
CHORES = frozenset({CommandKind.BACKUP, CommandKind.EXPORT})
"""Commands that are chores."""
MOST_DAYS = 366
MOST_HOURS = 168


def carry_out(settings: Settings, store: Store, clock: Clock, *, bot_id: str, command_id: str) -> Command:
    """Carry the command out, unless it has ended, and give it back as it has ended: DONE with what was verified, or FAILED with why.

    QRY_005 for a command that is not there or is no chore; SYS_002 when the store can't be used.
    """
    with store.reading(bot_id) as r:
        command = commands.find_command(r, command_id)
    if command is None or command.kind not in CHORES:
        raise Fault("QRY_005", f"There is no chore `{command_id[:40]}`.", context={"commandId": command_id[:40]})
    if command.executed_at is not None:
        return command
    _save(store, replace(command, status=CommandStatus.RUNNING))
    try:
        outcome = _done(settings, store, clock, command)
    except Fault as fault:
        now = clock.now()
        error = fault.semantic(now=now)
        return _save(store, replace(command, status=CommandStatus.FAILED, executed_at=now, error=error))
    return _save(store, replace(command, status=CommandStatus.DONE, executed_at=clock.now(), outcome=outcome))


def _done(settings: Settings, store: Store, clock: Clock, command: Command) -> dict[str, Any]:
    """What was verified."""
    asked = command.parameters
    if command.kind is CommandKind.BACKUP:
        return _backed_up(settings, clock)
    if asked.get("what") == "incident":
        hours = _count(asked, "hours", most=MOST_HOURS)
        return bundle(settings, store, clock, bot_id=command.bot_id, hours=hours)
    if asked.get("what") == "logs":
        return export_logs(settings, clock, days=_count(asked, "days", most=MOST_DAYS))
    raise Fault("QRY_004", "Expected `what` to be logs or incident.", context={"field": "what"})


def _backed_up(settings: Settings, clock: Clock) -> dict[str, Any]:
    folder = backup.create(settings, clock)
    found = verified(folder)
    size = sum(int(entry["size"]) for entry in found.files.values())
    return {"name": folder.name, "path": str(folder), "files": len(found.files), "bytes": size, "verified": True}


def _count(asked: Mapping[str, Any], name: str, *, most: int) -> int:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise Fault("QRY_004", f"Expected `{name}` from 1 to {most}, was {str(value)[:20]}.", context={"field": name})
    return value


def _save(store: Store, command: Command) -> Command:
    with store.writing(command.bot_id) as w:
        commands.save_command(w, command)
        data = {"kind": command.kind.name, "status": command.status.name}
        w.changed(EventKind.COMMAND, command.id, f"{command.kind.name} is {command.status.name}.", data)
    return command
