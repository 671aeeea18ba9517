"""The lock on a home: one supervisor each, held for as long as its process lives."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from trading_bot.errors.fault import Fault


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds the lock file, which carries our pid; raises Fault BOT_005 with the holder's pid when it is held.

    The file is never removed: a lock on a file that somebody else has just unlinked guards nothing.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            cause = f"The process {pid or 'that holds'} already supervises {path.parent}."
            context = {"pid": int(pid)} if pid.isdigit() else {}
            raise Fault("BOT_005", cause, context=context) from None
        with contextlib.suppress(OSError):  # on a full disk nobody is told who holds it
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
