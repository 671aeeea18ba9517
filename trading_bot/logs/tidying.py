"""Tidying: past days' files are compressed, old ones archived, and the oldest removed.

Nothing is ever only in one place on its way: a file is written anew, made durable and noted in the manifest before the one that it replaces
is removed. So a kill at any moment leaves something that the next tidying goes on with. A stream's newest file is never touched: its
writers append to it, and its last line is where the chain goes on.
"""

import fcntl
import gzip
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from trading_bot.domain.retention import Fate, Retention
from trading_bot.logs.audit import FILE_STEMS
from trading_bot.logs.chain import parsed
from trading_bot.logs.files import ARCHIVE, all_files, complete_lines, daily_files, day_of, plain_name, sync_folder
from trading_bot.logs.manifest import Sealed, note_removed, note_sealed, read_manifest

_ROTATED = re.compile(r".+\.log(\.\d+)?")


@dataclass(slots=True, kw_only=True)
class Tidied:
    """What was done."""

    compressed: list[str] = field(default_factory=list)
    """Names of the files that were compressed."""
    archived: list[str] = field(default_factory=list)
    """Names of the files that were moved into the archive."""
    removed: list[str] = field(default_factory=list)
    """Names of the files that were removed."""
    broken: list[str] = field(default_factory=list)
    """File and line where a file is not as it was written; such a file is left as it is."""


def tidy(
    folder: Path, retention: Retention, now: datetime, *, after_each: Callable[[str], None] = lambda name: None
) -> Tidied:
    """Compress, archive and remove what is old enough. OSError when the disk refuses; what was done until then stays."""
    done = Tidied()
    with tidying(folder):
        _tidy(folder, retention, now, done, after_each)
    return done


@contextmanager
def tidying(folder: Path) -> Iterator[None]:
    """Nobody else moves the files of `folder` meanwhile; waits for whoever does."""
    handle = os.open(folder / ".tidying.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _tidy(folder: Path, retention: Retention, now: datetime, done: Tidied, after_each: Callable[[str], None]) -> None:
    for stream, stem in FILE_STEMS.items():
        for file in daily_files(folder, stem)[:-1]:
            if day_of(file) < now.date().isoformat():
                _compress(file, now, done)
                after_each(file.name)
        for file in all_files(folder, stem)[:-1]:
            age = (now.date() - date.fromisoformat(day_of(file))).days
            _put_away(file, retention.fate(stream, age_days=age), now, done)
    _remove_old_application_logs(folder, now - timedelta(days=retention.application_days), done)


def _compress(file: Path, now: datetime, done: Tidied) -> None:
    target = file.with_name(file.name + ".gz")
    known = read_manifest(file.parent).sealed.get(file.name)
    sealed = _sealed(file)
    if isinstance(sealed, str):
        done.broken.append(sealed)
        return
    if sealed.count == 0:
        return  # all that it held was torn: nothing to note
    if known is not None and known != sealed:
        done.broken.append(f"{file.name}:{sealed.count + 1}")
        return
    fresh = target.with_suffix(".tmp")
    with (
        file.open("rb") as source,
        fresh.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as compressed,
    ):
        shutil.copyfileobj(source, compressed, 1 << 20)
    fresh.chmod(0o600)
    handle = os.open(fresh, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    if known is None:
        note_sealed(file.parent, sealed, now)
    fresh.replace(target)
    sync_folder(file.parent)
    file.unlink()
    sync_folder(file.parent)
    done.compressed.append(file.name)


def _sealed(file: Path) -> Sealed | str:
    """What the file holds, for the manifest; file and line where it is not as it was written."""
    digest, count, seq, last_hash = hashlib.sha256(), 0, 0, ""
    first_seq, before = 0, ""
    for raw in complete_lines(file):
        line = parsed(raw)
        if line is None or (count and (line.seq, line.prev) != (seq + 1, last_hash)):
            return f"{file.name}:{count + 1}"
        if not count:
            first_seq, before = line.seq, line.prev
        count, seq, last_hash = count + 1, line.seq, line.hash
        digest.update(raw + b"\n")
    return Sealed(
        file=file.name,
        first_seq=first_seq,
        last_seq=seq,
        count=count,
        before=before,
        last_hash=last_hash,
        sha256=digest.hexdigest(),
    )


def _put_away(file: Path, fate: Fate, now: datetime, done: Tidied) -> None:
    """Archive or remove a compressed file; one that could not be compressed stays where it is."""
    if fate is Fate.KEEP or file.suffix != ".gz":
        return
    if fate is Fate.REMOVE:
        name = plain_name(file)
        logs = file.parent.parent if file.parent.name == ARCHIVE else file.parent
        manifest = read_manifest(logs)
        if name not in manifest.sealed:
            return  # without its entry it would leave a gap in the chain
        if name not in manifest.removed:
            note_removed(logs, [name], now)
        file.unlink()
        sync_folder(file.parent)
        done.removed.append(name)
    elif file.parent.name != ARCHIVE:
        archive = file.parent / ARCHIVE
        archive.mkdir(mode=0o700, exist_ok=True)
        file.replace(archive / file.name)
        sync_folder(archive)
        sync_folder(file.parent)
        done.archived.append(plain_name(file))


def _remove_old_application_logs(folder: Path, before: datetime, done: Tidied) -> None:
    for file in _application_logs(folder):
        if file.stat().st_mtime < before.timestamp():
            file.unlink()
            done.removed.append(file.name)


def _application_logs(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file() and _ROTATED.fullmatch(path.name))
