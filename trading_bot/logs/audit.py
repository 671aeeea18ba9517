"""The audit log: append-only JSON lines per stream and day, durable, chained by hashes, repaired after a crash.

A line is `{"seq", "ts", "outbox", …the record…, "prev", "hash"}`: its number in the stream (over all days), the wall clock, the record's
number in the store's outbox, and two SHA-256 sums. `hash` is over the line's own bytes without itself, `prev` is the line before's, so a
line that was changed, moved or taken out shows. The day is chosen when a line is written: no file is ever renamed, so none can be lost.

One write and one fdatasync make records durable; what a crash leaves behind (half a line, or blocks of zeros that never reached the disk)
is set aside beside the file and never read as a record. A record whose number the stream already has is not written again, so the outbox
may hand over the same ones as often as it likes.
"""

import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from trading_bot.clock import Clock
from trading_bot.domain.streams import STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.logs.chain import parsed
from trading_bot.logs.files import TornTail, all_files, complete_lines, daily_files, plain_name
from trading_bot.logs.secrets import Secrets
from trading_bot.logs.stream import Entry, Stream
from trading_bot.logs.verification import Verification, verified

# The data model's name (000) for this one stream's files.
FILE_STEMS = {stream: stream for stream in STREAMS} | {"errors": "error_log"}
"""How the files of each stream begin."""


class _One(NamedTuple):
    """A record of one's own number, for `append`."""

    id: int
    stream: str
    record: Mapping[str, Any]


class AuditLog:
    """All streams of one home. Safe to share between threads, and the files between processes of one host."""

    def __init__(self, folder: Path, clock: Clock, secrets: Secrets | None = None) -> None:
        self.secrets = secrets or Secrets()
        self._folder = folder
        self._clock = clock
        self._streams: dict[str, Stream] = {}
        self._alone = threading.Lock()

    def append(self, stream: str, outbox_id: int, record: dict[str, Any]) -> None:
        """Write one record, unless the stream has its number (of the record's `bot_id`), and return when it is durable.

        SYS_005 when it can't be written; nothing of it is in the log then. ValueError for an unknown stream.
        """
        self._append(_stem(stream), (_One(outbox_id, stream, record),))

    def append_all(self, entries: Sequence[Entry]) -> None:
        """The same for several, in the order of their numbers, with one fdatasync for each stream.

        SYS_005 when some could not be written: give the same entries again later, those that are in the log already are left out.
        """
        by_stream: dict[str, list[Entry]] = {}
        for entry in entries:
            by_stream.setdefault(_stem(entry.stream), []).append(entry)
        for stem, its_own in by_stream.items():
            self._append(stem, its_own)

    def take_torn(self) -> tuple[TornTail, ...]:
        """What was set aside since the last time that this was asked: a crash's leftovers, worth telling an operator."""
        with self._alone:
            torn = tuple(tail for stream in self._streams.values() for tail in stream.torn)
            for stream in self._streams.values():
                stream.torn.clear()
        return torn

    def last_number(self, bot_id: str) -> int:
        """The last number of that bot's outbox in any stream; zero for none. SYS_005 when a file can't be read."""
        with self._alone:
            return max(self._last_number(stem, bot_id) for stem in FILE_STEMS.values())

    def verify(self, stream: str) -> Verification:
        """Read the whole stream and compare its sums. An unfinished last line is no record. SYS_005 when a file can't be read."""
        stem = _stem(stream)
        try:
            return verified(self._folder, stem)
        except OSError as error:
            raise _refused(stem, error) from error

    def read(self, stream: str, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """The stream's lines as data, oldest first; from behind number `after` on, files before it are not read.

        SYS_005 when a file can't be read, or a line is no JSON.
        """
        for file, number, raw in self._lines(stream, after):
            line = _data(file, number, raw)
            if line.get("seq", 0) > after or not after:
                yield line

    def last(self, stream: str, count: int) -> list[dict[str, Any]]:
        """The stream's last lines as data, oldest first; files before them are not read. SYS_005 as for `read`."""
        found: deque[dict[str, Any]] = deque(maxlen=count)
        try:
            for file in reversed(all_files(self._folder, _stem(stream))):
                wanted = count - len(found)
                numbered = deque(enumerate(complete_lines(file), start=1), maxlen=wanted)
                found.extendleft(_data(file, number, raw) for number, raw in reversed(numbered))
                if len(found) >= count:
                    break
        except OSError as error:
            raise _refused(_stem(stream), error) from error
        return list(found)

    def bytes_written(self, stream: str) -> int:
        """How large the stream's files are together: it rises with each append."""
        return sum(file.stat().st_size for file in daily_files(self._folder, _stem(stream)))

    def close(self) -> None:
        """Let go of the files."""
        with self._alone:
            for stream in self._streams.values():
                stream.close()

    def _append(self, stem: str, entries: Sequence[Entry]) -> None:
        with self._alone:
            try:
                self._stream(stem).append(entries, self._clock.now)
            except OSError as error:
                raise _refused(stem, error) from error

    def _last_number(self, stem: str, bot_id: str) -> int:
        try:
            return self._stream(stem).last_number(bot_id)
        except OSError as error:
            raise _refused(stem, error) from error

    def _stream(self, stem: str) -> Stream:
        known = self._streams.get(stem)
        if known is None:
            known = self._streams[stem] = Stream(self._folder, stem, self.secrets)
        return known

    def _lines(self, stream: str, after: int) -> Iterator[tuple[Path, int, bytes]]:
        stem = _stem(stream)
        try:
            files = all_files(self._folder, stem)
            while after and len(files) > 1 and _first_seq(files[1]) <= after:
                del files[0]
            for file in files:
                for number, raw in enumerate(complete_lines(file), start=1):
                    yield file, number, raw
        except OSError as error:
            raise _refused(stem, error) from error


def _first_seq(file: Path) -> int:
    """Number of a file's first record; so large that the file before it is read, where it has none."""
    line = parsed(next(complete_lines(file), b""))
    return line.seq if line is not None else sys.maxsize


def _data(file: Path, number: int, raw: bytes) -> dict[str, Any]:
    try:
        line: dict[str, Any] = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Fault("SYS_005", f"Line {number} of {plain_name(file)} is no JSON.") from None
    return line


def _stem(stream: str) -> str:
    try:
        return FILE_STEMS[stream]
    except KeyError:
        msg = f"Expected a stream of {', '.join(STREAMS)}, was {stream}."
        raise ValueError(msg) from None


def _refused(stem: str, error: OSError) -> Fault:
    return Fault(
        "SYS_005",
        f"The log `{stem}` can't be read or written: {error.strerror}.",
        context={"stream": stem, "errno": error.errno},
    )
