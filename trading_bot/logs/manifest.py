"""The manifest: what every old log file held when it was closed, so that one that was removed since leaves no gap in the chain.

`manifest.jsonl` is a chain of its own, beside the streams. A file that is compressed gets an entry first (`sealed`: its first and last
number, how many records, the last hash, and the SHA-256 of its content), one that is removed for its age another (`removed`). An entry is
durable before anything happens to the file.
"""

import fcntl
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from trading_bot.logs.chain import GENESIS, chained, parsed, stamp
from trading_bot.logs.files import complete_lines, last_record, repaired, sync_folder

NAME = "manifest.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What one file held when it was closed."""

    file: str
    """Its name before it was compressed."""
    first_seq: int
    """Number of its first record in the stream."""
    last_seq: int
    """Number of its last record."""
    count: int
    """How many records it has."""
    before: str
    """The hash that its first record hangs on."""
    last_hash: str
    """The hash of its last record."""
    sha256: str
    """SHA-256 of its content, not compressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest as it stands."""

    sealed: Mapping[str, Sealed] = field(default_factory=dict)
    """Closed files, by name."""
    removed: frozenset[str] = frozenset()
    """Names of those that were removed for their age."""
    broken_at: str | None = None
    """File and line of the first entry that does not hang on the one before it; null when all do."""


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`, up to its first broken entry. OSError when it can't be read."""
    file = folder / NAME
    sealed: dict[str, Sealed] = {}
    removed: set[str] = set()
    count, prev = 0, GENESIS
    for number, raw in enumerate(complete_lines(file) if file.exists() else (), start=1):
        line = parsed(raw)
        if line is None or (line.seq, line.prev) != (count + 1, prev):
            return Manifest(sealed=sealed, removed=frozenset(removed), broken_at=f"{NAME}:{number}")
        count, prev = line.seq, line.hash
        entry = orjson.loads(raw)
        if entry["event"] == "removed":
            removed.add(entry["file"])
        else:
            sealed[entry["file"]] = Sealed(**{name: entry[name] for name in Sealed.__slots__})
    return Manifest(sealed=sealed, removed=frozenset(removed))


def note_sealed(folder: Path, sealed: Sealed, now: datetime) -> None:
    """Note durably what a file holds."""
    _append(folder, [{"event": "sealed", **{name: getattr(sealed, name) for name in Sealed.__slots__}}], now)


def note_removed(folder: Path, files: Sequence[str], now: datetime) -> None:
    """Note durably that files are about to be removed for their age."""
    _append(folder, [{"event": "removed", "file": file} for file in files], now)


def _append(folder: Path, entries: Sequence[dict[str, Any]], now: datetime) -> None:
    file = folder / NAME
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        repaired(file)
        last = last_record(file)
        seq, prev = (last.seq, last.hash) if last else (0, GENESIS)
        lines = []
        for entry in entries:
            seq += 1
            line, prev = chained(entry, seq, stamp(now), 0, prev)
            lines.append(line)
        os.write(handle, b"".join(lines))
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(folder)
