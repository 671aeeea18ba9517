"""One bot per store: a lock held for life, so that a second start is refused.

On SQLite it is a lock on a file beside the database; on PostgreSQL an advisory lock on a connection of its own. Both end with the process,
however it ends. The generation fence of every write (see transaction.py) holds even where a lock was lost.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from trading_bot.errors.fault import Fault


@contextmanager
def held(engine: sa.Engine, bot_id: str) -> Iterator[None]:
    """Hold the lock of this bot. BOT_002 when another process holds it, with its pid where it is known."""
    if engine.url.get_backend_name() == "sqlite":
        with _file_held(Path(f"{engine.url.database}.{bot_id}.lock"), bot_id):
            yield
    else:
        with _advisory_held(engine, bot_id):
            yield


@contextmanager
def _file_held(path: Path, bot_id: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(bot_id, os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()) from None
        with suppress(OSError):  # on a full disk nobody is told who holds it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _advisory_held(engine: sa.Engine, bot_id: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"botgraph/{bot_id}".encode()).digest()[:8], "big", signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            raise _taken(bot_id, "")
        try:
            yield
        finally:
            connection.invalidate()  # the lock ends with the session, so the session must not go back to the pool


def _taken(bot_id: str, pid: str) -> Fault:
    holder = f"process {pid}" if pid else "another process"
    return Fault(
        "BOT_002", f"The lock of bot `{bot_id}` is held by {holder}.", context={"bot_id": bot_id, "pid": pid or None}
    )
