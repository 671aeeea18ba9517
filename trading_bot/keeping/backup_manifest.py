"""The manifest of a backup: what is in it, with the sums by which it is verified."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from trading_bot.domain.records import record_of, value_of
from trading_bot.errors.fault import Fault

NAME = "manifest.json"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """What is in a backup."""

    made_at: datetime
    """Wall clock of its snapshot, UTC."""
    release: str
    """The version of BotGraph that made it."""
    bot_id: str
    """Whose home it is."""
    store_kind: str
    """sqlite or postgresql."""
    store_version: str
    """The version of the store's tables."""
    outbox: int
    """The last number that the store had given to a record for the log."""
    with_keys: bool
    """Whether the folder of keys is in it."""
    files: dict[str, Any]
    """Size and SHA-256 of each file, by its path in the backup."""


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest into `folder`. OSError when the disk refuses."""
    content = record_of(manifest)
    whole = {**content, "sum": _sum(content)}
    file = folder / NAME
    file.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    file.chmod(0o600)


def read_manifest(folder: Path) -> BackupManifest:
    """The manifest of a backup. BAK_002 when it is missing, not whole or not ours."""
    try:
        content = orjson.loads((folder / NAME).read_bytes())
        told = content.pop("sum")
        manifest = value_of(BackupManifest, content)
    except (OSError, orjson.JSONDecodeError, KeyError, ValueError, TypeError, AttributeError):
        raise _not_whole(folder, NAME, "can't be read") from None
    if told != _sum(content):
        raise _not_whole(folder, NAME, "does not have its own sum")
    return manifest


def verified(folder: Path) -> BackupManifest:
    """The manifest, once every file is as it says and there is no other. BAK_002 with the file that is not."""
    manifest = read_manifest(folder)
    present = {str(path.relative_to(folder)) for path in files_in(folder)} - {NAME}
    for name in sorted(present | manifest.files.keys()):
        known = manifest.files.get(name)
        if known is None:
            raise _not_whole(folder, name, "is not in the manifest")
        if name not in present:
            raise _not_whole(folder, name, "is missing")
        if entry_of(folder / name) != known:
            raise _not_whole(folder, name, "differs from the manifest")
    return manifest


def entry_of(file: Path) -> dict[str, Any]:
    """A file's size and sum, as the manifest has them."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return {"size": file.stat().st_size, "sha256": digest.hexdigest()}


def files_in(folder: Path) -> Iterator[Path]:
    """Every file in `folder` and below."""
    return (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def sync_tree(folder: Path) -> None:
    """Make every file and folder in `folder` durable, and the folder."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sum(content: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _not_whole(folder: Path, name: str, how: str) -> Fault:
    return Fault("BAK_002", f"`{name[-60:]}` {how}.", context={"backup": folder.name, "file": name})
