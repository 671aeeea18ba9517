"""The log files that the children's output is appended to, kept within a size."""

import os
import shutil
from pathlib import Path

LAST_BYTES = 4_096


def bound(path: Path, *, limit: int) -> bool:
    """Turn the file over into `<name>.1` when it is larger than `limit` bytes; says whether it was.

    It is copied and cut, not renamed: the child that appends to it keeps its descriptor, and outlives the supervisor.
    """
    try:
        if path.stat().st_size <= limit:
            return False
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)
    except OSError:  # a full disk must not end the supervisor; the next turn tries again
        return False
    return True


def tail(path: Path, *, since: int) -> str:
    """What was written after byte `since`, at most the last 4,096 bytes of it."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(since if since <= size else 0, size - LAST_BYTES))
            return file.read(LAST_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""


def last_line(path: Path, *, since: int) -> str:
    """The last line written after byte `since`; empty where there is none."""
    return tail(path, since=since).rpartition("\n")[2].strip()
