"""Backup: a home copied while its bot trades, verified by a manifest; and the older ones that are no longer kept.

The copy of the log ends where the store's does: a record that the store had not given out yet is left out of it. So what is restored
agrees with itself, as after a power cut at the moment of the backup.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import orjson

from trading_bot.clock import Clock
from trading_bot.domain.backups import BackupPlan
from trading_bot.errors.fault import Fault
from trading_bot.keeping.backup_manifest import BackupManifest, entry_of, files_in, sync_tree, write_manifest
from trading_bot.keeping.backup_times import NAMED, backups, made_at, unused
from trading_bot.keeping.snapshot import copy_file, copy_store, pinned
from trading_bot.logs.audit import FILE_STEMS
from trading_bot.logs.files import ARCHIVE, all_files, complete_lines, sync_folder
from trading_bot.logs.manifest import NAME as LOG_MANIFEST
from trading_bot.logs.tidying import tidying
from trading_bot.services.homes import bot_of_home
from trading_bot.settings import Settings
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import require_current
from trading_bot.store.store import Store
from trading_bot.store.versions import HEAD

_UNFINISHED = ".unfinished-"


def create(
    settings: Settings, clock: Clock, *, with_keys: bool = False, on_step: Callable[[str], None] = lambda step: None
) -> Path:
    """Back the home up into a folder of `backups`, named by the time, and return it once it is durable and whole.

    BAK_001 when it can't be made; SYS_002 or SYS_003 when the store can't be used.
    """
    settings.make_folders()
    with _told(settings), _alone(settings.backups_dir):
        _sweep(settings.backups_dir)
        engine = open_engine(settings.store_url)
        try:
            require_current(engine)
            with tidying(settings.logs_dir):  # no file of the log may be closed between snapshot and copy
                return _made(settings, Store(engine, clock), with_keys=with_keys, on_step=on_step)
        finally:
            engine.dispose()


def prune(settings: Settings, plan: BackupPlan, *, dry_run: bool = False) -> list[str]:
    """Remove the backups that `plan` does not keep, and return their names. BAK_001 when one can't be removed."""
    with _told(settings), _alone(settings.backups_dir):
        found = {made: path for path in backups(settings.backups_dir) if (made := made_at(path.name)) is not None}
        kept = plan.kept(found)
        over = [path for made, path in found.items() if made not in kept]
        if not dry_run:
            for path in over:
                # First out of sight: what is half removed must never look like a backup.
                gone = path.rename(path.with_name(_UNFINISHED + path.name))
                shutil.rmtree(gone)
        return [path.name for path in over]


def _made(settings: Settings, store: Store, *, with_keys: bool, on_step: Callable[[str], None]) -> Path:
    bot_id = bot_of_home(store, settings.config_file)
    with pinned(store, bot_id, settings.venue_file) as snapshot:
        finished = unused(settings.backups_dir / snapshot.at.strftime(NAMED))
        unfinished = finished.with_name(_UNFINISHED + finished.name)
        unfinished.mkdir(mode=0o700)
        on_step("store")
        copy_store(snapshot, unfinished, bot_id)
        if snapshot.ledger is not None:
            on_step("ledger")
            copy_file(snapshot.ledger, unfinished / "venue.db")
    on_step("logs")
    _copy_logs(settings.logs_dir, unfinished / "logs", bot_id, upto=snapshot.outbox)
    _copy_folder(settings.config_dir, unfinished / "config")
    if with_keys:
        _copy_folder(settings.keys_dir, unfinished / "keys")
    on_step("manifest")
    manifest = BackupManifest(
        made_at=snapshot.at,
        release=version("botgraph"),
        bot_id=bot_id,
        store_kind=store.engine.dialect.name,
        store_version=HEAD,
        outbox=snapshot.outbox,
        with_keys=with_keys,
        files={str(path.relative_to(unfinished)): entry_of(path) for path in files_in(unfinished)},
    )
    write_manifest(unfinished, manifest)
    sync_tree(unfinished)
    unfinished.rename(finished)
    sync_folder(settings.backups_dir)
    return finished


def _copy_logs(logs: Path, target: Path, bot_id: str, *, upto: int) -> None:
    """The audit log up to the record of that number; application logs are not part of a backup."""
    target.mkdir(mode=0o700)
    (target / ARCHIVE).mkdir(mode=0o700)
    if (logs / LOG_MANIFEST).exists():
        _copy(logs / LOG_MANIFEST, target / LOG_MANIFEST)
    for stem in FILE_STEMS.values():
        for file in all_files(logs, stem):
            copy = target / file.relative_to(logs)
            if file.suffix == ".gz":
                _copy(file, copy)
            elif not _copy_lines(file, copy, bot_id, upto=upto):
                break


def _copy_lines(file: Path, copy: Path, bot_id: str, *, upto: int) -> bool:
    """Copy the lines of a file; False where it was left at one that is not to be copied."""
    copy.touch(mode=0o600)
    with copy.open("wb") as out:
        for raw in complete_lines(file):
            line = orjson.loads(raw)
            if line.get("bot_id") == bot_id and line["outbox"] > upto:
                return False
            out.write(raw + b"\n")
    return True


def _copy_folder(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    for file in sorted(source.iterdir()) if source.is_dir() else ():
        if file.is_file() and not file.name.startswith("."):
            _copy(file, target / file.name)


def _copy(source: Path, target: Path) -> None:
    target.touch(mode=0o600)
    shutil.copyfile(source, target)


def _sweep(folder: Path) -> None:
    """Remove what a killed backup left."""
    for path in folder.glob(_UNFINISHED + "*"):
        shutil.rmtree(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time makes or removes backups: the lock ends with its process."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fault("BAK_001", "Another backup of this home is being made or removed.") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """What the disk or SQLite refuses is told as a fault."""
    try:
        yield
    except OSError as error:
        context = {"folder": str(settings.backups_dir), "errno": error.errno}
        raise Fault("BAK_001", f"A file can't be copied or removed: {error.strerror}.", context=context) from error
    except sqlite3.Error as error:
        context = {"folder": str(settings.backups_dir), "driver": str(error)[:200]}
        raise Fault("BAK_001", "A database can't be copied.", context=context) from error
