"""Files: the daily files of one stream, what a crash left at their end, and how they become durable.

A stream's newest file is `<stem>-<day>.jsonl`. An older one may be compressed beside it, `….jsonl.gz`, or in the folder `archive`.
"""

import errno
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from trading_bot.logs.chain import Line, parsed

ARCHIVE = "archive"
"""The folder beside a stream's files for what is old."""
_WINDOW = 1024 * 1024  # bytes looked at from the end: more than one write of stream.py holds, records being near 1 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class TornTail:
    """What was found at the end of a file that is no record, and set aside in `<file>.torn`."""

    file: str
    """Name of the file that it was cut from."""
    offset: int
    """Where it began, in bytes."""
    size: int
    """How much it was, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The end of a file after its repair."""

    last: Line | None
    """Its last record; null when it has none."""
    size: int
    """Its size, in bytes."""
    torn: TornTail | None
    """What was set aside; null when all was well."""


def daily_files(folder: Path, stem: str) -> list[Path]:
    """The files of a stream that are not compressed, oldest first."""
    named = re.compile(re.escape(stem) + r"-\d{4}-\d\d-\d\d\.jsonl")
    return sorted(path for path in folder.glob(f"{stem}-*.jsonl") if named.fullmatch(path.name))


def all_files(folder: Path, stem: str) -> list[Path]:
    """All files of a stream, oldest first, one for each day: of a day that was just being compressed, the one that is not."""
    named = re.compile(re.escape(stem) + r"-\d{4}-\d\d-\d\d\.jsonl\.gz")
    compressed = [*(folder / ARCHIVE).glob(f"{stem}-*.gz"), *folder.glob(f"{stem}-*.gz")]
    by_day = {day_of(path): path for path in compressed if named.fullmatch(path.name)}
    by_day |= {day_of(path): path for path in daily_files(folder, stem)}
    return [by_day[day] for day in sorted(by_day)]


def day_of(file: Path) -> str:
    """The day in a file's name, YYYY-MM-DD."""
    return plain_name(file).removesuffix(".jsonl")[-len("2025-01-06") :]


def plain_name(file: Path) -> str:
    """A file's name before it was compressed."""
    return file.name.removesuffix(".gz")


def complete_lines(file: Path) -> Iterator[bytes]:
    """The lines that end in a newline, without it: what stands behind the last one was never finished.

    OSError also where what is compressed is damaged.
    """
    try:
        with _opened(file) as opened:
            for raw in opened:
                if raw.endswith(b"\n"):
                    yield raw[:-1]
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise OSError(errno.EIO, "the compressed data is damaged", file.name) from None


def _opened(file: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def last_record(file: Path) -> Line | None:
    """The last record of `file`, compressed or not; null when it has none."""
    if file.suffix == ".gz":
        *_, raw = (b"", *complete_lines(file))
        return parsed(raw)
    with file.open("rb") as opened:
        return _end(opened)[1]


def repaired(file: Path) -> Tail:
    """The end of `file`, after what a crash left there was set aside. OSError when the disk refuses."""
    with file.open("r+b") as opened:
        keep, last = _end(opened)
        size = opened.seek(0, os.SEEK_END)
        torn = None
        if keep < size:
            opened.seek(keep)
            _set_aside(file.with_name(file.name + ".torn"), keep, opened.read())
            opened.truncate(keep)
            os.fsync(opened.fileno())
            torn = TornTail(file=file.name, offset=keep, size=size - keep)
    return Tail(last=last, size=keep, torn=torn)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _end(opened: IO[bytes]) -> tuple[int, Line | None]:
    """How much of a file to keep, and the record that it then ends with."""
    size = opened.seek(0, os.SEEK_END)
    window = _WINDOW
    while True:
        start = max(size - window, 0)
        opened.seek(start)
        keep, last = _sound(opened.read(), is_whole=start == 0)
        if last is not None or start == 0:
            return start + keep, last
        window *= 8


def _sound(data: bytes, *, is_whole: bool) -> tuple[int, Line | None]:
    """How much of `data` to keep, and the record that it then ends with.

    Blocks that never reached the disk read as zeros, which no record holds, maybe with sound lines behind them: all of that was written
    at once, and nobody was told that it is durable.
    """
    first = 0 if is_whole else data.find(b"\n") + 1
    hole = data.find(b"\0")
    end = data.rfind(b"\n", 0, hole if hole >= 0 else len(data)) + 1
    while end > first:
        begin = max(data.rfind(b"\n", 0, end - 1) + 1, first)
        last = parsed(data[begin : end - 1])
        if last is not None:
            return end, last
        end = begin
    return end, None


def _set_aside(file: Path, offset: int, data: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, b"%d %s\n" % (offset, data))
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(file.parent)
