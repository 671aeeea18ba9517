"""Archives: files of the home written into one compressed file in `exports`, whole or not at all, each with its sum in a manifest."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from trading_bot.errors.fault import Fault
from trading_bot.keeping.backup_times import NAMED, unused
from trading_bot.logs.files import sync_folder
from trading_bot.logs.secrets import Secrets

KEPT = 20
"""Archives that are kept; a new one removes the oldest beyond that."""
ABANDONED_SECONDS = 3_600.0
MANIFEST = "manifest.json"
_SUFFIX = ".tar.gz"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An archive that is durable."""

    path: Path
    """Where it is."""
    sha256: str
    """Sum of the file, hexadecimal."""
    size: int
    """Its bytes."""
    files: int
    """Files in it, the manifest not counted."""


class Archive:
    """An archive that is being written. Nothing gets into it with a secret in it."""

    def __init__(self, tar: tarfile.TarFile, *, name: str, at: datetime, secrets: Secrets) -> None:
        self._tar = tar
        self._name = name
        self._at = int(at.timestamp())
        self._secrets = secrets
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add a file of text or JSON under that name; what is secret in it is hidden."""
        hidden = self._secrets.hide(content.decode(errors="replace")).encode()
        self.files[name] = {"size": len(hidden), "sha256": hashlib.sha256(hidden).hexdigest()}
        self._put(name, hidden)

    def add_json(self, name: str, value: object) -> None:
        """Add JSON data under that name, laid out for people."""
        self.add(name, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")

    def close(self, about: dict[str, Any]) -> None:
        """Add the manifest, which says what the archive is, and what is in it."""
        self._put(MANIFEST, orjson.dumps({**about, "files": self.files}, option=orjson.OPT_INDENT_2) + b"\n")

    def _put(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(f"{self._name}/{name}")
        info.size, info.mtime, info.mode = len(content), self._at, 0o600
        self._tar.addfile(info, io.BytesIO(content))


class Writing:
    """What `written` gives: the archive, and once the block has ended, what was made."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.about: dict[str, Any] = {}
        self.made: Made | None = None


@contextmanager
def written(folder: Path, kind: str, *, at: datetime, secrets: Secrets) -> Iterator[Writing]:
    """An archive `<kind>-<time>.tar.gz` in `folder`, durable once the block has ended. SYS_007 when it can't be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder, at)
        finished = unused(folder / f"{kind}-{at.strftime(NAMED)}{_SUFFIX}")
        unfinished = folder / f"{_UNFINISHED}{finished.name}"
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=int(at.timestamp())) as packed,
                tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT) as tar,
            ):
                name = finished.name.removesuffix(_SUFFIX)
                writing = Writing(Archive(tar, name=name, at=at, secrets=secrets))
                yield writing
                writing.archive.close({**writing.about, "made_at": at.isoformat()})
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(finished)
        sync_folder(folder)
        content = finished.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        writing.made = Made(path=finished, sha256=sha256, size=len(content), files=len(writing.archive.files))
        _prune(folder)
    except OSError as error:
        context = {"folder": str(folder), "errno": error.errno}
        raise Fault(
            "SYS_007", f"An archive in {folder.name} can't be written: {error.strerror}.", context=context
        ) from error


def _sweep(folder: Path, now: datetime) -> None:
    """Remove what was cut short, and is so old that nobody is writing it any more."""
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        if now.timestamp() - leftover.stat().st_mtime > ABANDONED_SECONDS:
            leftover.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Remove the oldest beyond those that are kept."""
    found = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in found[:-KEPT]:
        path.unlink(missing_ok=True)
