"""Candles: the CSV format of recorded bars, read row by row.

UTF-8, plain or gzip (known by its first bytes), of any size. The first line names the columns timestamp, symbol, open, high, low, close
and volume in any order, others are passed over. Rows are sorted by time; a minute without a row had no trade. A file that can't be read is
DATA_001, a row that can't be true is DATA_002 with file and line in its context.
"""

import csv
import gzip
import hashlib
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, NoReturn, cast

from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.domain.money import parse_decimal
from trading_bot.errors.fault import Fault

COLUMNS = ("timestamp", "symbol", "open", "high", "low", "close", "volume")

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE = 4096
_SHOWN = 60  # characters of a wrong value that go into the context
# Decimal() itself would also take spaces, underscores, digits of other scripts, NaN.
_NUMBER = re.compile(r"[0-9]{1,28}(\.[0-9]{0,28})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
# No market has such a price or volume, and the exchange's products stay exact below them.
_LARGEST = {name: Decimal(10) ** (15 if name == "volume" else 9) for name in COLUMNS[2:]}
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def read_candles(path: Path, *, after: datetime | None = None) -> Iterator[Bar]:
    """The file's bars in its order, from the first one later than `after`; what lies before is not looked at closely.

    DATA_001 and DATA_002 are raised when the place is reached; the bars before it come first.
    """
    lines = _read_lines(path)
    rows = _Rows(path, lines)
    seen: set[str] = set()
    for number, fields in rows:
        moment = rows.moment(number, fields)
        if moment is not rows.previous:
            if rows.previous is not None and moment < rows.previous:
                rows.refuse(number, "its time is earlier than the row before", moment.isoformat())
            if moment != rows.previous:
                seen.clear()
            rows.previous = moment
        if after is not None and moment <= after:
            continue
        bar = rows.bar(number, fields, moment)
        if bar.symbol in seen:
            rows.refuse(number, "the same minute of the same symbol stands twice", bar.symbol)
        seen.add(bar.symbol)
        yield bar


def read_back(path: Path, *, until: datetime, count: int) -> dict[str, tuple[Bar, ...]]:
    """The last `count` bars of each symbol that were over at `until`, oldest first. Only these are looked at closely."""
    rows = _Rows(path, _read_lines(path))
    last = until - BAR_LENGTH
    kept: dict[str, deque[tuple[int, list[str], datetime]]] = {}
    for number, fields in rows:
        rows.previous = moment = rows.moment(number, fields)
        if moment > last:
            break
        kept.setdefault(fields[rows.symbol_at], deque(maxlen=count)).append((number, fields, moment))
    return {symbol: tuple(rows.bar(*row) for row in found) for symbol, found in kept.items()}


def read_symbols(path: Path) -> tuple[str, ...]:
    """Every well-formed symbol in the file, sorted; one pass, which leaves the other columns for later."""
    rows = _Rows(path, _read_lines(path))
    found: set[str] = set()
    strange: set[str] = set()
    try:
        for _, fields in rows:
            symbol = fields[rows.symbol_at]
            if symbol not in found and symbol not in strange:
                (found if _is_symbol(symbol) else strange).add(symbol)
    except Fault as fault:
        if fault.code != "DATA_002":  # a broken row is told of when the market gets there
            raise
    return tuple(sorted(found))


def digest_of_lines(path: Path, lines: int) -> str:
    """SHA-256 of the first `lines` lines as they are after unpacking."""
    digest = hashlib.sha256()
    for _, line in islice(_read_lines(path), lines):
        digest.update(line.rstrip(b"\r\n") + b"\n")
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of the file as it lies there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, f"{error.strerror or 'it can not be read'}") from error


class _Rows:
    """The rows of one file, split into fields; knows where each column stands."""

    def __init__(self, path: Path, lines: Iterator[tuple[int, bytes]]) -> None:
        self.previous: datetime | None = None
        self._path = path
        self._lines = lines
        header = self._header()
        self._width = len(header)
        places = [header.index(name) for name in COLUMNS]
        self.time_at, self.symbol_at = places[0], places[1]
        self._numbers_at = tuple(zip(COLUMNS[2:], places[2:], strict=True))
        self._time_text = ""
        self._symbols: set[str] = set()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for number, line in self._lines:
            if len(line) > _LONGEST_LINE:
                self.refuse(number, f"it is longer than {_LONGEST_LINE} bytes", "")
            try:
                text = line.decode().rstrip("\r\n")
            except UnicodeDecodeError:
                self.refuse(number, "it is not UTF-8", "")
            if not text:
                continue
            fields = text.split(",") if '"' not in text else self._quoted(number, text)
            if len(fields) != self._width:
                self.refuse(number, f"it has {len(fields)} columns and the header {self._width}", text)
            yield number, fields

    def moment(self, number: int, fields: list[str]) -> datetime:
        """When the row's minute began; the very object of the row before where that has the same text."""
        text = fields[self.time_at]
        if text == self._time_text and self.previous is not None:
            return self.previous
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:  # without a zone, astimezone() would take it for this machine's
                moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.refuse(number, "`timestamp` is no ISO 8601 time", text)
        if moment.tzinfo is None:
            self.refuse(number, "`timestamp` has no time zone; end it with Z for UTC", text)
        if moment.second or moment.microsecond or not _EARLIEST <= moment < _LATEST:
            self.refuse(number, f"`timestamp` is no whole minute of {_EARLIEST.year} to {_LATEST.year - 1}", text)
        self._time_text = text
        return moment

    def bar(self, number: int, fields: list[str], moment: datetime) -> Bar:
        """The row's bar."""
        symbol = fields[self.symbol_at]
        if symbol not in self._symbols:
            if not _is_symbol(symbol):
                self.refuse(number, "`symbol` is neither one to five capital letters nor a pair", symbol, moment)
            self._symbols.add(symbol)
        values: list[Decimal] = []
        for name, place in self._numbers_at:
            text = fields[place]
            if _NUMBER.fullmatch(text) is None:
                self.refuse(number, f"`{name}` is not a decimal number", text, moment)
            value = self._decimal(number, name, text, moment)
            values.append(value)
        try:
            return Bar(
                symbol=symbol,
                timestamp=moment,
                open=values[0],
                high=values[1],
                low=values[2],
                close=values[3],
                volume=values[4],
            )
        except ValueError:
            self.refuse(
                number, "low is not above 0 and at most open and close, or high is below them", str(fields), moment
            )

    def refuse(self, number: int, cause: str, value: str, moment: datetime | None = None) -> NoReturn:
        """Raise DATA_002 for line `number`; `moment` is the row's time, where that much can be read."""
        context = {"file": self._path.name, "line": number, "value": value[:_SHOWN]}
        if moment is not None:
            context["timestamp"] = moment.isoformat()
        raise Fault("DATA_002", f"Line {number} of {self._path.name[:_SHOWN]}: {cause}.", context=context)

    def _quoted(self, number: int, text: str) -> list[str]:
        try:
            return next(csv.reader([text]))
        except csv.Error:
            self.refuse(number, "its quotes do not end", text)

    def _decimal(self, number: int, name: str, text: str, moment: datetime) -> Decimal:
        try:
            value = parse_decimal(text)
        except ValueError:
            self.refuse(number, f"`{name}` has too many digits", text, moment)
        if value > _LARGEST[name]:
            self.refuse(number, f"`{name}` is above {_LARGEST[name]}", text, moment)
        return value

    def _header(self) -> list[str]:
        line = next(self._lines, (1, b""))[1].removeprefix(_BYTE_ORDER_MARK)
        header = [name.strip().lower() for name in line.decode(errors="replace").strip().replace('"', "").split(",")]
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            raise _unreadable(self._path, f"its first line does not name {', '.join(missing)}")
        return header


def _read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered lines with their ends; one that is too long comes cut, one byte longer than allowed."""
    number = 0
    try:
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            if cast("bytes", file.peek(2)).startswith(_GZIP):  # type: ignore[attr-defined] # a BufferedReader has it
                file = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file)))
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _unreadable(path, f"its gzip data breaks off or is damaged after line {number}") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or "it can not be read") from error


def _unreadable(path: Path, cause: str) -> Fault:
    return Fault("DATA_001", f"{path.name[:_SHOWN]}: {cause}.", context={"file": path.name})


def _is_symbol(text: str) -> bool:
    try:
        instrument(text)
    except ValueError:
        return False
    return True
