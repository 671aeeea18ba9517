"""The candle format, row by row: what is taken, what is refused, and where."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trading_bot.errors.fault import Fault
from trading_bot.venues.feeds.candles import read_candles, read_symbols
from trading_bot.venues.feeds.replay import ReplayFeed

HEADER = "timestamp,symbol,open,high,low,close,volume"
GOOD = "2025-01-06T14:30:00Z,ACME,100,101,99,100.5,1200"
NEXT = "2025-01-06T14:31:00Z,ACME,100,101,99,100.5,1200"


def write(path: Path, *lines: str | bytes, end: bytes = b"\n") -> Path:
    path.write_bytes(end.join(line.encode() if isinstance(line, str) else line for line in lines) + end)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bars.csv"


def test_a_row_is_read_to_the_last_digit(file: Path) -> None:
    (bar,) = read_candles(write(file, HEADER, "2018-04-04T00:00:00Z,BTC/USD,7424.91,7424.910,7422,7422,7.14319709"))

    assert (bar.symbol, bar.timestamp) == ("BTC/USD", datetime(2018, 4, 4, tzinfo=UTC))
    assert [str(n) for n in (bar.open, bar.high, bar.low, bar.close, bar.volume)] == [
        "7424.91",
        "7424.910",
        "7422",
        "7422",
        "7.14319709",
    ]
    assert bar.timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    "row",
    [
        GOOD,
        "2025-01-06T14:30Z,ACME,100,101,99,100.5,1200",
        "2025-01-06 14:30:00+00:00,ACME,100,101,99,100.5,1200",
        "2025-01-06T09:30:00-05:00,ACME,100,101,99,100.5,1200",
        '"2025-01-06T14:30:00Z","ACME","100","101","99","100.5","1200"',
        "2025-01-06T14:30:00Z,ACME,1e2,101,99,100.5,1.2e3",
    ],
)
def test_common_spellings_of_the_same_row_are_the_same_bar(file: Path, row: str) -> None:
    (expected,) = read_candles(write(file, HEADER, GOOD))

    assert list(read_candles(write(file, HEADER, row))) == [expected]


def test_columns_are_found_by_name_and_others_are_passed_over(file: Path) -> None:
    write(
        file, "Volume,close,trades,low,high,open,symbol,Timestamp", "1200,100.5,17,99,101,100,ACME,2025-01-06T14:30:00Z"
    )
    (bar,) = read_candles(file)

    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == tuple(
        map(Decimal, ("100", "101", "99", "100.5", "1200"))
    )


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + "\r\n" + GOOD + "\r\n" + NEXT + "\r\n").encode(),
        b"\xef\xbb\xbf" + (HEADER + "\n" + GOOD + "\n" + NEXT).encode(),
        (HEADER + "\n" + GOOD + "\n\n" + NEXT + "\n\n").encode(),
        gzip.compress((HEADER + "\n" + GOOD + "\n" + NEXT + "\n").encode()),
        gzip.compress((HEADER + "\n").encode()) + gzip.compress((GOOD + "\n" + NEXT + "\n").encode()),
    ],
    ids=["windows", "byte-order-mark", "blank-lines", "gzip", "two-gzip-members"],
)
def test_files_as_they_come_are_read(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    assert [bar.timestamp.minute for bar in read_candles(file)] == [30, 31]


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "no number": ("2025-01-06T14:31:00Z,ACME,100,1o1,99,100,5", "`high` is not a decimal number"),
    "empty number": ("2025-01-06T14:31:00Z,ACME,,101,99,100,5", "`open` is not a decimal number"),
    "not a number": ("2025-01-06T14:31:00Z,ACME,NaN,101,99,100,5", "`open` is not a decimal number"),
    "infinite": ("2025-01-06T14:31:00Z,ACME,100,Infinity,99,100,5", "`high` is not a decimal number"),
    "underscores": ("2025-01-06T14:31:00Z,ACME,1_00,101,99,100,5", "`open` is not a decimal number"),
    "other digits": ("2025-01-06T14:31:00Z,ACME,١٠٠,101,99,100,5", "`open` is not a decimal number"),
    "space": ("2025-01-06T14:31:00Z,ACME, 100,101,99,100,5", "`open` is not a decimal number"),
    "negative price": ("2025-01-06T14:31:00Z,ACME,100,101,-99,100,5", "`low` is not a decimal number"),
    "negative volume": ("2025-01-06T14:31:00Z,ACME,100,101,99,100,-5", "`volume` is not a decimal number"),
    "too many digits": (f"2025-01-06T14:31:00Z,ACME,100,101,99,100,1.{'1' * 28}", "`volume` has too many digits"),
    "too large": ("2025-01-06T14:31:00Z,ACME,100,1000000001,99,100,5", "`high` is above 1000000000"),
    "zero price": ("2025-01-06T14:31:00Z,ACME,0,101,0,100,5", "low is not above 0"),
    "low above high": ("2025-01-06T14:31:00Z,ACME,100,99,101,100,5", "low is not above 0 and at most open and close"),
    "close above high": ("2025-01-06T14:31:00Z,ACME,100,101,99,102,5", "or high is below them"),
    "no time": ("yesterday,ACME,100,101,99,100,5", "`timestamp` is no ISO 8601 time"),
    "no zone": ("2025-01-06T14:31:00,ACME,100,101,99,100,5", "`timestamp` has no time zone"),
    "seconds": ("2025-01-06T14:31:30Z,ACME,100,101,99,100,5", "`timestamp` is no whole minute of 1900 to 2199"),
    "other century": ("9999-12-31T23:59:00Z,ACME,100,101,99,100,5", "`timestamp` is no whole minute of 1900 to 2199"),
    "first year": ("0001-01-01T00:00:00+14:00,ACME,100,101,99,100,5", "`timestamp`"),
    "earlier": ("2025-01-06T14:29:00Z,ACME,100,101,99,100,5", "its time is earlier than the row before"),
    "twice": ("2025-01-06T14:30:00Z,ACME,100,101,99,100,5", "the same minute of the same symbol stands twice"),
    "lower case": ("2025-01-06T14:31:00Z,acme,100,101,99,100,5", "`symbol` is neither"),
    "no symbol": ("2025-01-06T14:31:00Z,,100,101,99,100,5", "`symbol` is neither"),
    "too few columns": ("2025-01-06T14:31:00Z,ACME,100,101,99,100", "it has 6 columns and the header 7"),
    "too many columns": ("2025-01-06T14:31:00Z,ACME,100,101,99,100,5,6", "it has 8 columns and the header 7"),
    "torn": ("2025-01-06T14:31:00Z,AC", "it has 2 columns and the header 7"),
    "not UTF-8": (b"2025-01-06T14:31:00Z,ACM\xff,100,101,99,100,5", "it is not UTF-8"),
    "too long": ("2025-01-06T14:31:00Z,ACME,100,101,99,100,5" + " " * 5000, "it is longer than 4096 bytes"),
    "zero byte": ("2025-01-06T14:31:00Z,ACME,100,101\0,99,100,5", "`high` is not a decimal number"),
    "open quote": ('2025-01-06T14:31:00Z,"ACME,100,101,99,100,5', "it has 2 columns"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_row_is_a_fault_with_file_and_line(file: Path, case: str) -> None:
    row, cause = BROKEN[case]
    write(file, HEADER, GOOD, row, "2025-01-06T14:32:00Z,ACME,100,101,99,100,5")
    rows = read_candles(file)

    assert next(rows).timestamp == datetime(2025, 1, 6, 14, 30, tzinfo=UTC)
    with pytest.raises(Fault) as caught:
        next(rows)
    assert caught.value.code == "DATA_002"
    assert (caught.value.context["file"], caught.value.context["line"]) == ("bars.csv", 3)
    assert caught.value.cause.startswith("Line 3 of bars.csv: ")
    assert cause in caught.value.cause
    assert len(caught.value.cause.encode()) <= 160


def test_the_fault_names_the_value_and_not_the_folder(file: Path) -> None:
    with pytest.raises(Fault) as caught:
        list(read_candles(write(file, HEADER, GOOD.replace("101", "x" * 300))))

    assert caught.value.context["value"] == "x" * 60
    assert str(file.parent) not in repr(caught.value.context) + caught.value.cause


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(Fault) as caught:
            ReplayFeed(path)
        assert (caught.value.code, caught.value.context) == ("DATA_001", {"file": path.name})


@pytest.mark.parametrize(
    "first", ["", "time,symbol,open", GOOD, HEADER.replace("volume", "vol"), HEADER.replace(",", ";"), "\0\1\2"]
)
def test_a_file_that_does_not_name_its_columns_is_a_fault(file: Path, first: str) -> None:
    write(file, first, GOOD)

    with pytest.raises(Fault, match=r"DATA_001: bars.csv: its first line does not name"):
        list(read_candles(file))


def test_a_truncated_gzip_file_gives_what_is_whole_and_then_a_fault(file: Path) -> None:
    rows = [
        f"2025-01-06T{14 + i // 60}:{i % 60:02}:00Z,ACME,100,101,99,100.{i * 7919 % 1000:03},{i * 104729 % 99991}"
        for i in range(300)
    ]
    packed = gzip.compress("\n".join([HEADER, *rows, ""]).encode())
    file.write_bytes(packed[: len(packed) // 2])
    seen: list[datetime] = []

    with pytest.raises(Fault, match=r"DATA_001: bars.csv: its gzip data breaks off or is damaged after line \d+"):
        seen.extend(bar.timestamp for bar in read_candles(file))
    assert 20 < len(seen) < 280
    with pytest.raises(Fault, match="DATA_001"):
        read_symbols(file)


def test_a_damaged_gzip_file_is_a_fault(file: Path) -> None:
    packed = bytearray(gzip.compress((HEADER + "\n" + "\n".join([GOOD] * 100)).encode()))
    packed[-6] ^= 0xFF
    file.write_bytes(packed)

    with pytest.raises(Fault, match=r"DATA_00[12]"):
        list(read_candles(file))
    with pytest.raises(Fault, match="DATA_001"):
        read_symbols(file)


def test_symbols_are_collected_in_one_pass_up_to_a_broken_row(file: Path) -> None:
    write(
        file,
        HEADER,
        GOOD,
        NEXT.replace("ACME", "BTC/USD"),
        NEXT.replace("ACME", "no symbol"),
        NEXT.replace("ACME", "Z"),
    )

    assert read_symbols(file) == ("ACME", "BTC/USD", "Z")
