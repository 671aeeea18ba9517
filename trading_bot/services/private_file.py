"""Private files: small secrets in the home that are either whole or not there, and that nobody else can ever read."""

import os
import threading
from pathlib import Path

from trading_bot.errors.fault import Fault

LONGEST_SECRET = 4096


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600, over what was there; durable once this returns. SYS_007 when it can't be written."""
    try:
        unfinished = _unfinished(path, text)
        unfinished.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _fault(path, error) from error


def ensure_private(path: Path, text: str) -> str:
    """What the file holds; `text` is written to it first where it does not exist. Of several who try at once, all get the same.

    SYS_007 when it can't be written or read.
    """
    try:
        if not path.exists():
            unfinished = _unfinished(path, text)
            try:
                os.link(unfinished, path)  # unlike a rename it never takes the place of what another has just written
                _sync_folder(path.parent)
            except FileExistsError:
                pass
            finally:
                unfinished.unlink()
        return path.read_text()[:LONGEST_SECRET]
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path, error) from error


def _unfinished(path: Path, text: str) -> Path:
    """`text` in a file beside `path`, on the disk."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return unfinished


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fault(path: Path, error: Exception) -> Fault:
    why = error.strerror if isinstance(error, OSError) else "it is not text"
    return Fault("SYS_007", f"The key file `{path.name}` can't be written: {why}.", context={"file": path.name})
