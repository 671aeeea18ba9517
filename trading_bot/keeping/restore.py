"""Restore: a backup put back into a home that nobody uses.

First everything is copied beside the home's files and verified, then what is there moves into `replaced-<time>`, then the copies take its
place, the store last. From the first move on the file `restoring` keeps the bot from starting, until a restore has come to its end: so a
kill leaves either the old home or one that says what to do.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.keeping import backup
from trading_bot.keeping.backup_manifest import NAME, BackupManifest, sync_tree, verified
from trading_bot.keeping.backup_times import NAMED, unused
from trading_bot.logs.audit import FILE_STEMS, AuditLog
from trading_bot.logs.files import sync_folder
from trading_bot.settings import Settings
from trading_bot.store import outbox
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.single_bot import held as bot_held
from trading_bot.store.store import Store
from trading_bot.store.versions import HEAD, VERSIONS
from trading_bot.supervision.lock import held as supervisor_held

_STAGED = ".restoring"


def restore(
    settings: Settings,
    folder: Path,
    clock: Clock,
    *,
    replace: bool = False,
    on_step: Callable[[str], None] = lambda step: None,
) -> BackupManifest:
    """Put the backup in `folder` into the home of `settings`, which must be empty unless it is to be replaced.

    Raises BAK_002 for a backup that is not whole, SYS_003 for a store of a newer release, BAK_003 where it can't be put back here; BOT_002
    or BOT_005 where a process runs. Nothing was changed then.
    """
    on_step("verifying")
    manifest = verified(folder)
    _require_known(manifest)
    settings.make_folders()
    with ExitStack() as stack:
        stack.enter_context(_faults(folder))
        _require_nobody(settings, manifest, stack)
        target = sa.make_url(settings.store_url)
        if target.get_backend_name() != manifest.store_kind:
            cause = f"The backup is of a store on {manifest.store_kind}, BOTGRAPH_STORE_URL names {target.get_backend_name()}."
            raise Fault("BAK_003", cause, context={"backup": folder.name})
        if not replace:
            _require_empty(settings, manifest, clock)
        on_step("copying")
        staged = _staged(settings, folder)
        on_step("putting in place")
        if manifest.store_kind == "postgresql":
            _load(settings, staged, manifest, clock)
        _put_in_place(settings, staged, manifest, clock)
    return manifest


def _require_known(manifest: BackupManifest) -> None:
    if manifest.store_version not in VERSIONS:
        cause = (
            f"The backup's store has version {manifest.store_version[:40]}, which is newer than this release's {HEAD}."
        )
        raise Fault("SYS_003", cause, context={"expected": HEAD})
    if manifest.store_kind == "postgresql" and manifest.store_version != HEAD:
        cause = f"The backup's tables have version {manifest.store_version}; restore it with the release {manifest.release}."
        raise Fault("SYS_003", cause, context={"expected": HEAD})


def _require_nobody(settings: Settings, manifest: BackupManifest, stack: ExitStack) -> None:
    """Hold what a supervisor and a bot would hold; a file that any other program has open is in use as well."""
    stack.enter_context(supervisor_held(settings.supervisor_lock))
    engine = open_engine(settings.store_url)
    stack.callback(engine.dispose)
    stack.enter_context(bot_held(engine, manifest.bot_id))
    for file in (_store_file(settings), settings.venue_file):
        if file is not None and file.exists() and file.stat().st_size:
            _require_unused(file)


def _require_unused(file: Path) -> None:
    """SQLite gives its journal up only for the last connection; what stands in it is in the file itself then."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            return  # damaged: one reason more to replace it
        mode = "wal"
    if mode == "wal":
        raise Fault("BAK_003", f"Another program has `{file.name}` open: stop it first.", context={"file": file.name})


def _require_empty(settings: Settings, manifest: BackupManifest, clock: Clock) -> None:
    store_file = _store_file(settings)
    files = [settings.venue_file, settings.config_file, settings.restoring_file]
    logs = [path for stem in FILE_STEMS.values() for path in settings.logs_dir.glob(f"{stem}-*.jsonl*")]
    found = [path.name for path in (*files, *logs) if path.exists()]
    if store_file is None:
        engine = open_engine(settings.store_url)
        bring_up_to_date(engine)
        found += [name for name in Store(engine, clock).bot_ids() if name == manifest.bot_id]
        engine.dispose()
    elif store_file.exists() and store_file.stat().st_size:
        found.append(store_file.name)
    if found:
        cause = f"{settings.home} holds something already, such as `{found[0]}`."
        raise Fault("BAK_003", cause, context={"home": str(settings.home), "found": found[:10]})


def _staged(settings: Settings, folder: Path) -> Path:
    """A durable copy of the backup in the home, verified."""
    staged = settings.home / _STAGED
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(folder, staged)
    staged.chmod(0o700)
    verified(staged)
    (staged / NAME).unlink()
    sync_tree(staged)
    sync_folder(settings.home)
    return staged


def _put_in_place(settings: Settings, staged: Path, manifest: BackupManifest, clock: Clock) -> None:
    """The one part in which the home is neither the old nor the new one."""
    handle = os.open(settings.restoring_file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(handle, f"{manifest.made_at:{NAMED}}\n".encode())
    os.fsync(handle)
    os.close(handle)
    sync_folder(settings.home)
    old = unused(settings.home / f"replaced-{clock.now():{NAMED}}")
    store_file = _store_file(settings)
    databases = [settings.venue_file] if store_file is None else [settings.venue_file, store_file]
    places = [(staged / "logs", settings.logs_dir), (staged / "config", settings.config_dir)]
    if manifest.with_keys:
        places.append((staged / "keys", settings.keys_dir))
    for database in databases:
        for name in (database.name, f"{database.name}-wal", f"{database.name}-shm"):
            _move_away(database.with_name(name), old)
    for _, place in places:
        _move_away(place, old)
    for source, place in places:
        source.rename(place)
    for database in databases:  # the store last
        source = staged / ("venue.db" if database == settings.venue_file else "botgraph.db")
        if source.exists():
            shutil.move(source, database)
            sync_folder(database.parent)
    sync_tree(settings.logs_dir)
    sync_folder(settings.home)
    shutil.rmtree(staged)
    settings.restoring_file.unlink()
    sync_folder(settings.home)


def _move_away(path: Path, old: Path) -> None:
    if path.exists():
        old.mkdir(mode=0o700, exist_ok=True)
        shutil.move(path, old / path.name)


def _load(settings: Settings, staged: Path, manifest: BackupManifest, clock: Clock) -> None:
    """Put the dump of PostgreSQL into the database, in one transaction; what is there of the bot is backed up first."""
    from trading_bot.keeping.snapshot import load  # noqa: PLC0415 - it loads the driver

    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    store = Store(engine, clock)
    if manifest.bot_id in store.bot_ids():
        backup.create(settings, clock)
    # What waits for the log gets numbers that the restored log does not have.
    last = AuditLog(staged / "logs", clock).last_number(manifest.bot_id)
    with store.writing(manifest.bot_id) as w:
        outbox.raise_numbers(w, last)
        load(w.connection, staged / "store", manifest.bot_id)
    engine.dispose()


def _store_file(settings: Settings) -> Path | None:
    """The store's file; null on PostgreSQL."""
    address = sa.make_url(settings.store_url)
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None


@contextmanager
def _faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = f"A file can't be copied or moved: {error.strerror}. Run it again with --replace."
        raise Fault("BAK_003", cause, context={"backup": folder.name, "errno": error.errno}) from error
