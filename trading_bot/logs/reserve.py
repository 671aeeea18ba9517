"""Reserve: blocks of the disk that a log file gets before it needs them.

An append that needs no new block is synced faster, and still works for a while once the disk is full. The file's size and content stay as
they are: nobody who reads it sees anything. The standard library can only reserve by making a file longer, hence the call to libc.
"""

import ctypes
from collections.abc import Callable
from functools import cache

AHEAD = 1024 * 1024
"""Bytes that are reserved at once: a thousand records."""
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE of linux/falloc.h


def reserve(file: int, begin: int) -> None:
    """Reserve blocks from `begin` on. Where the system, the disk or a limit refuses, the file simply has none: that is no fault."""
    call = _fallocate()
    if call is not None:
        call(file, _KEEP_SIZE, begin, AHEAD)


@cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    """The system's call; null on one that has none."""
    try:
        call = ctypes.CDLL(None).fallocate
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)
    return call
