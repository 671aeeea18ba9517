"""Config changes: every version as a step, with what has become of it, and which version the bot trades by."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigPointer, StoredChange
from trading_bot.domain.events import EventKind
from trading_bot.domain.records import data_of, record_of, value_of
from trading_bot.store.config_tables import config_changes, config_pointers
from trading_bot.store.configs import StoredConfig, find_config
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.transaction import Reading, Writing

STREAM = "config_history"
VERSION, ADOPTION = "version", "adoption"
"""What a line of the log is about: a version that was written, or how far the bot has come with one."""


def change_id(bot_id: str, version: int) -> str:
    """The id of the change that made a version."""
    return str(uuid5(NAMESPACE_OID, f"botgraph:config:{bot_id}:{version}"))


def add_change(
    w: Writing, change: StoredChange, *, before: Mapping[str, Any], after: Mapping[str, Any], config_hash: str
) -> None:
    """Store a new version's step, with an event and its one line of the log that holds both configurations."""
    insert_change(w, change)
    data = {"version": change.version, "origin": change.origin.value, "status": change.status.value}
    w.changed(EventKind.CONFIG, str(change.version), f"Version {change.version} was written.", data)
    whole = {"previous_config": dict(before), "new_config": dict(after), "config_hash": config_hash}
    w.log(STREAM, {"entity": VERSION, **record_of(change), **whole, **_in_force(w)})


def insert_change(w: Writing, change: StoredChange) -> None:
    """Store a step that the log has already, as when the store is rebuilt from it."""
    w.connection.execute(config_changes.insert(), {"bot_id": w.bot_id, **values_of(change)})


def save_change(w: Writing, change: StoredChange) -> None:
    """Keep what has become of a version, with an event and a line of the log."""
    put(w, config_changes, values_of(change))
    status = change.status.name
    data = {"version": change.version, "origin": change.origin.value, "status": change.status.value}
    w.changed(EventKind.CONFIG, str(change.version), f"Version {change.version} is {status}.", data)
    w.log(STREAM, {"entity": ADOPTION, **record_of(change), **_in_force(w)})


def find_change(r: Reading, version: int | None = None) -> StoredChange | None:
    """The step that made that version, or the latest one; null when there is none."""
    query = select_of(StoredChange, config_changes).where(of_bot(r, config_changes))
    if version is not None:
        query = query.where(config_changes.c.version == version)
    row = r.connection.execute(query.order_by(config_changes.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else made(StoredChange, row)


def find_change_of_id(r: Reading, id: str) -> StoredChange | None:
    """The step of that id; null when there is none."""
    query = select_of(StoredChange, config_changes).where(of_bot(r, config_changes), config_changes.c.id == id)
    row = r.connection.execute(query).one_or_none()
    return None if row is None else made(StoredChange, row)


def list_changes(r: Reading, first: int, after: str | None = None) -> Page[StoredChange]:
    """Steps, newest first."""
    query = select_of(StoredChange, config_changes).where(of_bot(r, config_changes))
    keys = (config_changes.c.version,)
    return page_of(r, query, keys, first=first, after=after, load=lambda row: made(StoredChange, row))


def list_waiting_changes(r: Reading) -> tuple[StoredChange, ...]:
    """Steps that the bot has not taken on wholly, oldest first."""
    c = config_changes.c
    query = select_of(StoredChange, config_changes).where(of_bot(r, config_changes))
    rows = r.connection.execute(query.where(c.status == AdoptionStatus.PENDING).order_by(c.version))
    return tuple(made(StoredChange, row) for row in rows)


def find_pointer(r: Reading) -> ConfigPointer | None:
    """Which version the bot trades by; null before its first start."""
    query = select_of(ConfigPointer, config_pointers).where(of_bot(r, config_pointers))
    row = r.connection.execute(query).one_or_none()
    return None if row is None else made(ConfigPointer, row)


def find_config_in_force(r: Reading) -> StoredConfig | None:
    """The version that the bot trades by; the latest before its first start, null when there is none."""
    pointer = find_pointer(r)
    return find_config(r, pointer.version if pointer is not None else None)


def save_pointer(w: Writing, pointer: ConfigPointer) -> None:
    """Keep which version the bot trades by."""
    put(w, config_pointers, values_of(pointer))


def _in_force(r: Reading) -> dict[str, Any]:
    """What a line of the log says of what the bot trades by."""
    pointer = find_pointer(r)
    if pointer is None:
        return {}
    since = data_of(pointer.since)
    return {"in_force": pointer.version, "restart_version": pointer.restart_version, "in_force_since": since}


def read_record(record: Mapping[str, Any]) -> StoredChange:
    """The step that a line of the log holds."""
    return value_of(StoredChange, record)
