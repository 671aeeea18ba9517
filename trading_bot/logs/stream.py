"""Stream: one stream of the audit log, appended to by one writer at a time, of whichever process."""

import fcntl
import mmap
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from trading_bot.logs.chain import GENESIS, chained, parsed, stamp
from trading_bot.logs.files import (
    Tail,
    TornTail,
    all_files,
    complete_lines,
    daily_files,
    day_of,
    last_record,
    repaired,
    sync_folder,
)
from trading_bot.logs.reserve import AHEAD, reserve
from trading_bot.logs.secrets import Secrets

_DAY = len("2025-01-06")
_SECOND = len("2025-01-06T17:00:00")
_BATCH = 200  # records of one write and one fdatasync


class Entry(Protocol):
    """One record of the store's outbox."""

    @property
    def id(self) -> int:
        """Number in the outbox, rising for each bot."""
        ...

    @property
    def stream(self) -> str:
        """The stream that it belongs to."""
        ...

    @property
    def record(self) -> Mapping[str, Any]:
        """JSON data, with the bot's id as `bot_id`."""
        ...


class Stream:
    """The writer of one stream. Not safe to share between threads; any number of processes may have their own."""

    def __init__(self, folder: Path, stem: str, secrets: Secrets) -> None:
        self._folder = folder
        self._secrets = secrets
        self._stem = stem
        self._lock: int | None = None
        self._newest: mmap.mmap | None = None  # the lock file's content: to look at it costs no call
        self._file: int | None = None
        self._day = b""
        self._looked_at = b""  # the second in which it was seen that the file is still there
        self._end = 0
        self._reserved = 0  # up to where the open file has blocks already
        self._seq = 0
        self._hash = GENESIS
        self._numbers: dict[str, int] = {}  # by bot, the last number of its outbox that the stream has
        self.torn: list[TornTail] = []

    def append(self, entries: Sequence[Entry], now: Callable[[], datetime]) -> None:
        """Write the entries that the stream does not have yet, and return when they are durable.

        OSError when that failed: what had become durable before stays, the rest is not there, and the same entries may be given again.
        """
        try:
            lock = self._lock if self._lock is not None else self._opened_lock()
            fcntl.flock(lock, fcntl.LOCK_EX)
            at = stamp(now())  # under the lock, so that no line is older than the one before it
            file = self._file if self._is_current(at) else self._opened(at[:_DAY].decode())
            if len(entries) <= _BATCH:
                self._write(file, entries, at)
            else:
                for start in range(0, len(entries), _BATCH):
                    self._write(file, entries[start : start + _BATCH], at)
            fcntl.flock(lock, fcntl.LOCK_UN)
        except BaseException:
            self.close()  # lets go of the lock, and of what may be wrong now: the next append looks at the files again
            raise

    def close(self) -> None:
        """Let go of the files."""
        for handle in (self._file, self._lock):
            if handle is not None:
                os.close(handle)
        if self._newest is not None:
            self._newest.close()
        self._file = self._lock = self._newest = None

    def last_number(self, bot_id: str) -> int:
        """The last number of that bot's outbox that the stream has; zero for none. OSError when that can't be read."""
        return self._numbers.get(bot_id) or self._last_number(bot_id)

    def _opened_lock(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._folder / f".{self._stem}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._lock).st_size < _DAY:
            os.ftruncate(self._lock, _DAY)
        self._newest = mmap.mmap(self._lock, _DAY)
        return self._lock

    def _is_current(self, at: bytes) -> bool:
        """Whether the open file is still the newest one, ends where we left it, and has not been moved away within this second.

        The lock file names the newest day, so that a writer whose clock was set back does not go on in an older file.
        """
        if self._file is None or self._newest is None or self._newest[:] != self._day or at[:_DAY] > self._day:
            return False
        if at[:_SECOND] != self._looked_at:
            self._looked_at = at[:_SECOND]
            if not os.fstat(self._file).st_nlink:
                return False
        return os.lseek(self._file, 0, os.SEEK_END) == self._end

    def _opened(self, today: str) -> int:
        """The newest file, open, with its last record known."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        files = daily_files(self._folder, self._stem)
        tails = list(self._tails(files))
        last = tails[-1].last if tails else None
        if last is None:
            older = reversed(all_files(self._folder, self._stem))
            last = next((found for file in older if (found := last_record(file)) is not None), None)
        self._seq, self._hash = (last.seq, last.hash) if last else (0, GENESIS)
        self._numbers = {last.bot_id: last.outbox} if last else {}
        if files and day_of(files[-1]) >= today:
            path, self._end = files[-1], tails[0].size
        else:
            path, self._end = self._folder / f"{self._stem}-{today}.jsonl", 0
        self._day = day_of(path).encode()
        self._looked_at = b""
        self._reserved = 0
        is_new = not path.exists()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if is_new:
            sync_folder(self._folder)
        if self._newest is not None:
            self._newest[:] = self._day
        return self._file

    def _tails(self, files: Sequence[Path]) -> Iterator[Tail]:
        """The repaired ends of the files, newest first, up to one that has a record."""
        for file in reversed(files):
            tail = repaired(file)
            if tail.torn is not None:
                self.torn.append(tail.torn)
            yield tail
            if tail.last is not None:
                return

    def _write(self, file: int | None, batch: Sequence[Entry], at: bytes) -> None:
        """Write what of `batch` is new. When this fails everything remembered is forgotten, so it may be changed as it goes."""
        lines = []
        for entry in batch:
            number, record = entry.id, entry.record
            bot_id = record.get("bot_id", "")
            last = self._numbers.get(bot_id)
            if last is None:
                last = self._numbers[bot_id] = self._last_number(bot_id)
            if number <= last:
                continue
            self._seq += 1
            line, self._hash = chained(record, self._seq, at, number, self._hash, self._secrets)
            lines.append(line)
            self._numbers[bot_id] = number
        if lines and file is not None:
            data = lines[0] if len(lines) == 1 else b"".join(lines)
            if self._end >= self._reserved:
                reserve(file, self._end)
                self._reserved = self._end + AHEAD
            _append_durably(file, data, self._end)
            self._end += len(data)

    def _last_number(self, bot_id: str) -> int:
        """The last number of the bot that the stream has; reads the stream once for a bot that did not write its last record."""
        for file in reversed(all_files(self._folder, self._stem)):
            last = last_record(file)
            if last is not None and last.bot_id == bot_id:
                return last.outbox
            found = [line.outbox for raw in complete_lines(file) if (line := parsed(raw)) and line.bot_id == bot_id]
            if found:
                return found[-1]
        return 0


def _append_durably(file: int, data: bytes, end: int) -> None:
    try:
        written = os.write(file, data)
        while written < len(data):  # after a short write the next one says why: the disk is full, a limit is reached
            written += os.write(file, data[written:])
        os.fdatasync(file)
    except OSError:
        with suppress(OSError):  # what can't be cut off now is set aside by the next append
            os.ftruncate(file, end)
        raise
