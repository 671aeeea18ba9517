"""Incident: what an incident left, in one archive for whoever has to find out: state, errors, decisions, configuration, ends of the logs.

It is read from the store and the logs alone, so it can be made whether the bot lives or not. No secret gets into it.
"""

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import orjson

from trading_bot.clock import Clock
from trading_bot.domain.health import assess
from trading_bot.domain.records import data_of
from trading_bot.keeping.archives import Archive, written
from trading_bot.logs.audit import FILE_STEMS, AuditLog
from trading_bot.logs.secrets import secrets_of
from trading_bot.settings import Settings
from trading_bot.store import (
    accounts,
    bots,
    commands,
    config_changes,
    configs,
    decisions,
    errors,
    orders,
    plans,
    positions,
    runtime,
    sessions,
    suspensions,
    workflow_runs,
)
from trading_bot.store.paging import LONGEST_PAGE, Page
from trading_bot.store.risk_events import find_breaker, list_risk_events
from trading_bot.store.semantic import dumped
from trading_bot.store.store import Reading, Store

T = TypeVar("T")
MOST = 500
"""Entries of each list, the newest."""
LAST_RECORDS = 200
"""Records of each stream of the audit log."""
LAST_BYTES = 200_000
"""Bytes of each application log."""


def bundle(settings: Settings, store: Store, clock: Clock, *, bot_id: str, hours: int) -> dict[str, Any]:
    """Write the archive, with what happened in the last `hours`; gives path, sha256, bytes and files.

    SYS_002 when the store can't be read, SYS_005 when the log can't, SYS_007 when the archive can't be written.
    """
    now = clock.now()
    with written(settings.exports_dir, "incident", at=now, secrets=secrets_of(settings)) as writing:
        archive = writing.archive
        with store.reading(bot_id) as r:
            _add_state(archive, r, now)
            _add_history(archive, r, now, timedelta(hours=hours))
            _add_configuration(archive, r)
        archive.add_json("machine.json", _machine(settings, store))
        _add_logs(archive, settings, clock)
        writing.about = {"what": "incident", "bot_id": bot_id, "hours": hours, "release": version("botgraph")}
    made = writing.made
    assert made is not None, "the block has ended"  # noqa: S101
    return {"path": str(made.path), "sha256": made.sha256, "bytes": made.size, "files": made.files}


def _add_state(archive: Archive, r: Reading, now: datetime) -> None:
    known = runtime.find_runtime(r)
    state = {
        "bot": bots.find_bot(r),
        "replay_of": bots.find_replay_of(r),
        "health": assess(known, now=now) if known is not None else None,
        "runtime": known,
        "breaker": find_breaker(r),
        "account": accounts.find_account(r),
        "session": sessions.find_current_session(r),
        "positions": positions.list_positions(r),
        "live_orders": orders.list_live_orders(r),
        "open_plans": plans.list_open_plans(r),
        "suspensions": suspensions.list_suspensions(r),
        "progress": runtime.find_progress(r),
    }
    archive.add_json("state.json", {name: _data(value) for name, value in state.items()})


def _add_history(archive: Archive, r: Reading, now: datetime, span: timedelta) -> None:
    """What happened in that span, by the clock that each list goes by: the wall's, or the venue's, which differ in a replay."""
    known = runtime.find_runtime(r)
    since, venue_since = now - span, (known.venue_time if known and known.venue_time else now) - span
    found = _newest(lambda after: errors.list_errors(r, LONGEST_PAGE, after, start=since), lambda one: True)
    archive.add_json("errors.json", [dumped(error) for error in found])
    taken = _newest(
        lambda after: decisions.list_decisions(r, LONGEST_PAGE, after), lambda one: one.created_at >= venue_since
    )
    archive.add_json("decisions.json", _data(taken))
    asked = _newest(lambda after: commands.list_commands(r, LONGEST_PAGE, after), lambda one: one.created_at >= since)
    archive.add_json("commands.json", _data(asked))
    risks = _newest(lambda after: list_risk_events(r, LONGEST_PAGE, after), lambda one: one.timestamp >= venue_since)
    archive.add_json("risk_events.json", _data(risks))
    runs = _newest(lambda after: workflow_runs.list_runs(r, LONGEST_PAGE, after), lambda one: one.created_at >= since)
    archive.add_json("workflow_runs.json", _data(runs))
    archive.add_json("orders.json", _data(orders.list_display_orders(r, MOST)))


def _add_configuration(archive: Archive, r: Reading) -> None:
    """What is in force, and what each of the last changes changed."""
    in_force = configs.find_config(r)
    archive.add_json("config.json", _data(in_force) if in_force is not None else None)
    changes = config_changes.list_changes(r, LONGEST_PAGE).items
    archive.add_json("config_changes.json", _data(changes))


def _add_logs(archive: Archive, settings: Settings, clock: Clock) -> None:
    log = AuditLog(settings.logs_dir, clock)
    for stream, stem in FILE_STEMS.items():
        lines = log.last(stream, LAST_RECORDS)
        if lines:
            archive.add(f"audit/{stem}.jsonl", b"".join(orjson.dumps(line) + b"\n" for line in lines))
    for file in sorted(settings.logs_dir.glob("*.log")):
        archive.add(f"logs/{file.name}", _end(file))


def _machine(settings: Settings, store: Store) -> dict[str, Any]:
    """Where it ran, how much room there is, and what the supervisor noted of its processes."""
    free = shutil.disk_usage(settings.home)
    noted = sorted(path for path in settings.run_dir.glob("*") if path.is_file())
    return {
        "release": version("botgraph"),
        "python": sys.version,
        "platform": platform.platform(),
        "disk": {"total": free.total, "free": free.free},
        "store": {"kind": store.engine.dialect.name, "bytes": store.size_bytes()},
        "logs_bytes": sum(path.stat().st_size for path in settings.logs_dir.rglob("*") if path.is_file()),
        "processes": {path.name: _end(path).decode(errors="replace") for path in noted},
    }


def _newest(page: Callable[[str | None], Page[T]], is_wanted: Callable[[T], bool]) -> list[T]:
    """The newest entries of a list, as long as they are wanted, at most 500."""
    found: list[T] = []
    after: str | None = None
    while len(found) < MOST:
        part = page(after)
        wanted = [one for one in part.items if is_wanted(one)]
        found += wanted
        if not part.has_next or len(wanted) < len(part.items):
            break
        after = part.cursors[-1]
    return found[:MOST]


def _end(file: Path) -> bytes:
    """The last bytes of a file, from the start of a line on; it may vanish or be turned over meanwhile."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            start = max(0, size - LAST_BYTES)
            opened.seek(start)
            content = opened.read(LAST_BYTES)
    except OSError:
        return b""
    return content if start == 0 else content.partition(b"\n")[2]


def _data(value: object) -> Any:
    """Domain values as JSON data, however deep they hold others."""
    match value:
        case dict():
            return {str(name): _data(one) for name, one in value.items()}
        case list() | tuple():
            return [_data(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: _data(getattr(value, field.name)) for field in fields(value)}
        case _:
            return data_of(value)
