import gzip
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.domain.retention import Fate, Retention
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.files import all_files
from trading_bot.logs.tidying import Tidied, tidy
from trading_bot.logs.verification import Verification

DAY = 24 * 3600.0
FOUR_DAYS = ["orders-2025-01-06.jsonl", "orders-2025-01-07.jsonl", "orders-2025-01-08.jsonl", "orders-2025-01-09.jsonl"]


class Row(NamedTuple):
    """One record of an outbox."""

    id: int
    stream: str

    @property
    def record(self) -> dict[str, Any]:
        return {"bot_id": "main", "note": "x" * 50}


class Killed(BaseException):
    """Stands in for the end of the process."""


@pytest.fixture
def four_days(log: AuditLog, clock: SetClock) -> AuditLog:
    """Three records of `orders` on each of four days; the clock stands on the last one."""
    write_days(log, clock, "orders", 4)
    return log


def write_days(log: AuditLog, clock: SetClock, stream: str, days: int, *, first: int = 1, apart: float = DAY) -> None:
    for day in range(days):
        if day:
            clock.move(apart)
        log.append_all([Row(first + 3 * day + n, stream) for n in range(3)])


def names(folder: Path, stem: str = "orders") -> list[str]:
    return [str(path.relative_to(folder)) for path in all_files(folder, stem)]


def sound(records: int, removed: int = 0) -> Verification:
    return Verification(ok=True, records=records, broken_at=None, removed=removed)


def test_past_days_are_compressed_and_still_read_and_verified(
    four_days: AuditLog, folder: Path, clock: SetClock
) -> None:
    before = list(four_days.read("orders"))

    done = tidy(folder, Retention(), clock.now())

    assert done == Tidied(compressed=FOUR_DAYS[:3])
    assert names(folder) == [*(f"{name}.gz" for name in FOUR_DAYS[:3]), FOUR_DAYS[3]]
    assert list(four_days.read("orders")) == before
    assert four_days.verify("orders") == sound(12)
    assert (folder / f"{FOUR_DAYS[0]}.gz").stat().st_mode & 0o777 == 0o600
    assert tidy(folder, Retention(), clock.now()) == Tidied()


def test_the_chain_goes_on_behind_compressed_files(four_days: AuditLog, folder: Path, clock: SetClock) -> None:
    tidy(folder, Retention(), clock.now())
    clock.move(DAY)
    four_days.append("orders", 13, {"bot_id": "main"})
    later = AuditLog(folder, clock)
    later.append("orders", 12, {"bot_id": "main"})
    later.append("orders", 14, {"bot_id": "main"})
    later.append("orders", 1, {"bot_id": "other"})
    later.append("orders", 14, {"bot_id": "main"})

    assert [line["seq"] for line in later.read("orders")] == list(range(1, 16))
    assert later.verify("orders") == sound(15)
    assert (later.last_number("main"), later.last_number("other"), later.last_number("nobody")) == (14, 1, 0)


def test_a_day_that_is_all_torn_goes_on_behind_compressed_files(
    four_days: AuditLog, folder: Path, clock: SetClock
) -> None:
    four_days.close()
    (folder / FOUR_DAYS[3]).write_bytes(b'{"seq":10')
    tidy(folder, Retention(), clock.now())

    again = AuditLog(folder, clock)
    again.append("orders", 9, {"bot_id": "main"})
    again.append("orders", 10, {"bot_id": "main"})

    assert again.verify("orders") == sound(10)


def test_old_files_are_archived_and_the_oldest_removed_without_a_gap(
    log: AuditLog, folder: Path, clock: SetClock
) -> None:
    write_days(log, clock, "trades", 4, apart=60 * DAY)
    kept = Retention(hot_days=90, archive_days=150)

    done = tidy(folder, kept, clock.now())

    assert (done.compressed, done.archived, done.removed) == (
        ["trades-2025-01-06.jsonl", "trades-2025-03-07.jsonl", "trades-2025-05-06.jsonl"],
        ["trades-2025-03-07.jsonl"],
        ["trades-2025-01-06.jsonl"],
    )
    assert names(folder, "trades") == [
        "archive/trades-2025-03-07.jsonl.gz",
        "trades-2025-05-06.jsonl.gz",
        "trades-2025-07-05.jsonl",
    ]
    assert log.verify("trades") == sound(9, removed=3)
    assert [line["seq"] for line in log.read("trades")] == list(range(4, 13))


def test_each_stream_has_its_own_age() -> None:
    kept = Retention()

    assert [kept.fate("trades", age_days=days) for days in (90, 91, 2_557, 2_558)] == [
        Fate.KEEP,
        Fate.ARCHIVE,
        Fate.ARCHIVE,
        Fate.REMOVE,
    ]
    assert [kept.fate("performance-alerts", age_days=days) for days in (365, 366)] == [Fate.ARCHIVE, Fate.REMOVE]
    assert kept.fate("risk-management", age_days=36_000) is Fate.ARCHIVE
    assert replace(kept, risk_days=400).fate("risk-management", age_days=401) is Fate.REMOVE


@pytest.mark.parametrize(
    ("field", "value"),
    [("hot_days", 0), ("archive_days", 36_501), ("alerts_days", 0), ("risk_days", 0), ("application_days", 0)],
)
def test_an_age_outside_of_its_range_is_refused(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"retention.{field}"):
        Retention(**{field: value})


def test_the_newest_file_stays_whatever_its_age(log: AuditLog, folder: Path, clock: SetClock) -> None:
    write_days(log, clock, "performance-alerts", 2)
    clock.move(3000 * DAY)

    done = tidy(folder, Retention(), clock.now())

    assert done.removed == ["performance-alerts-2025-01-06.jsonl"]
    assert names(folder, "performance-alerts") == ["performance-alerts-2025-01-07.jsonl"]
    log.append("performance-alerts", 7, {"bot_id": "main"})
    assert log.verify("performance-alerts") == sound(4, removed=3)


def _swap(folder: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    file = folder / f"{name}.gz"
    lines = gzip.decompress(file.read_bytes()).splitlines()
    file.write_bytes(gzip.compress(b"".join(line + b"\n" for line in change(lines))))


@pytest.mark.parametrize(
    ("harm", "records", "broken_at"),
    [
        (lambda f: _swap(f, FOUR_DAYS[1], lambda lines: lines[:2]), 5, f"{FOUR_DAYS[1]}:3"),
        (lambda f: _swap(f, FOUR_DAYS[0], lambda lines: lines[1:]), 0, f"{FOUR_DAYS[0]}:1"),
        (
            lambda f: _swap(f, FOUR_DAYS[2], lambda lines: [lines[0].replace(b"xxx", b"xyx"), *lines[1:]]),
            6,
            f"{FOUR_DAYS[2]}:1",
        ),
        (lambda f: (f / f"{FOUR_DAYS[1]}.gz").unlink(), 3, f"{FOUR_DAYS[1]}:1"),
        (lambda f: os.truncate(f / f"{FOUR_DAYS[1]}.gz", 60), 3, f"{FOUR_DAYS[1]}:1"),
        (lambda f: (f / f"{FOUR_DAYS[1]}.gz").write_bytes(b"no gzip"), 3, f"{FOUR_DAYS[1]}:1"),
        (lambda f: (f / "manifest.jsonl").unlink() or (f / f"{FOUR_DAYS[0]}.gz").unlink(), 0, f"{FOUR_DAYS[1]}:1"),
        (
            lambda f: (f / "manifest.jsonl").write_bytes(
                (f / "manifest.jsonl").read_bytes().replace(b'"count":3', b'"count":2')
            ),
            0,
            "manifest.jsonl:1",
        ),
    ],
    ids=["cut", "headless", "digit", "gone", "truncated", "foreign", "no manifest", "manifest"],
)
def test_a_change_of_old_files_or_of_the_manifest_shows_at_its_line(
    four_days: AuditLog, folder: Path, clock: SetClock, *, harm: Callable[[Path], Any], records: int, broken_at: str
) -> None:
    tidy(folder, Retention(), clock.now())

    harm(folder)

    assert four_days.verify("orders") == Verification(ok=False, records=records, broken_at=broken_at)


def test_a_file_that_was_changed_before_is_told_and_left_as_it_is(
    four_days: AuditLog, folder: Path, clock: SetClock
) -> None:
    file = folder / FOUR_DAYS[1]
    harmed = file.read_bytes().replace(b"xxx", b"xyx", 1)
    file.write_bytes(harmed)

    done = tidy(folder, Retention(hot_days=1, archive_days=1), clock.now())

    assert (done.broken, done.removed) == ([f"{FOUR_DAYS[1]}:1"], [FOUR_DAYS[0]])
    assert file.read_bytes() == harmed
    assert four_days.verify("orders") == Verification(ok=False, records=0, broken_at=f"{FOUR_DAYS[1]}:1", removed=3)


def test_a_kill_at_any_moment_of_tidying_loses_nothing(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call that changes the disk is the last one once, before and after it; the next tidying ends what that one began."""
    retention = Retention(hot_days=1, archive_days=2)
    for moment in range(1, 200):
        folder = tmp_path / str(moment)
        its_clock = SetClock()
        log = AuditLog(folder, its_clock)
        write_days(log, its_clock, "orders", 4)
        lines = list(log.read("orders"))
        log.close()
        with monkeypatch.context() as patched:
            countdown = _Countdown(moment)
            for owner, name in ((os, "fsync"), (os, "write"), (Path, "replace"), (Path, "unlink")):
                patched.setattr(owner, name, countdown.around(getattr(owner, name)))
            try:
                tidy(folder, retention, its_clock.now())
            except Killed:
                pass
            else:
                assert moment > 20
                return
        after = AuditLog(folder, its_clock)
        seen = after.verify("orders")
        assert (seen.ok, seen.records + seen.removed) == (True, 12)
        tidy(folder, retention, its_clock.now())
        assert after.verify("orders") == sound(9, removed=3)
        assert list(after.read("orders")) == lines[3:]
        assert list(folder.glob("*.tmp")) == []
    pytest.fail("the tidying never came to its end")


class _Countdown:
    """Ends the process at the n-th moment: before a call, or after it."""

    def __init__(self, moments: int) -> None:
        self._left = moments

    def around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            self._reach()
            result = original(*arguments, **named)
            self._reach()
            return result

        return called

    def _reach(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


def test_application_logs_are_removed_once_they_are_old(log: AuditLog, folder: Path, clock: SetClock) -> None:
    log.append("orders", 1, {"bot_id": "main"})
    ages = {"api.log": 1, "api.log.1": 29, "api.log.2": 31, "bot.out.log": 40, "trading_bot.log": 0}
    for name, days in ages.items():
        (folder / name).write_text("{}\n")
        then = (clock.now() - timedelta(days=days)).timestamp()
        os.utime(folder / name, (then, then))

    done = tidy(folder, Retention(), clock.now())

    assert done.removed == ["api.log.2", "bot.out.log"]
    assert sorted(path.name for path in folder.glob("*.log*")) == ["api.log", "api.log.1", "trading_bot.log"]


def test_the_manifest_says_what_each_file_held(four_days: AuditLog, folder: Path, clock: SetClock) -> None:
    tidy(folder, Retention(), clock.now())

    first = orjson.loads((folder / "manifest.jsonl").read_bytes().splitlines()[0])
    lines = [line for line in four_days.read("orders") if line["seq"] <= 3]
    assert {name: first[name] for name in ("event", "file", "first_seq", "last_seq", "count", "before")} == {
        "event": "sealed",
        "file": FOUR_DAYS[0],
        "first_seq": 1,
        "last_seq": 3,
        "count": 3,
        "before": "0" * 64,
    }
    assert first["last_hash"] == lines[-1]["hash"]
