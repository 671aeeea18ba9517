"""`botgraph audit` and `botgraph store` over a log that is written here line by line."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from graph.doors.terminal import audit
from tests.domain.samples import sample_fill, sample_order, sample_plan
from tests.terminal.typed_commands import Run
from trading_bot.clock import SystemClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.books import Books
from trading_bot.domain.orders import Side
from trading_bot.domain.records import record_of
from trading_bot.logs.audit import AuditLog
from trading_bot.services.records import fill_record, order_record
from trading_bot.store import plans
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

BOOKS = Books(bot_version="1.0.0", mode=TradingMode.PAPER)


@pytest.fixture
def run(typed: Run, home: Path) -> Run:
    return typed


@pytest.fixture
def log(home: Path) -> AuditLog:
    """A plan whose purchase of 10 for 100.00 was sold for 130.00, with a fee each time."""
    written = AuditLog(home / "logs", SystemClock())
    bought = replace(
        sample_fill(), id="f1", action=Side.BUY, quantity=Decimal(10), value=Decimal("100.00"), fee=Decimal("1.00")
    )
    sold = replace(bought, id="f2", action=Side.SELL, value=Decimal("130.00"), price=Decimal(13), fee=Decimal("0.50"))
    records = [
        ("plans", record_of(sample_plan())),
        ("orders", order_record(sample_order())),
        ("orders", fill_record(bought, BOOKS)),
        ("orders", fill_record(sold, BOOKS)),
    ]
    for number, (stream, record) in enumerate(records, start=1):
        full = {"recorded_at": "2026-03-02T15:00:00Z", **record, "bot_id": "main"}
        written.append(stream, number, full)
    return written


def file_of(home: Path, stem: str) -> Path:
    (file,) = (home / "logs").glob(f"{stem}-*.jsonl")
    return file


def test_a_sound_log_is_told_stream_by_stream(run: Run, log: AuditLog) -> None:
    code, out, err = run("audit", "verify")

    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        "orders                          3 records  ok",
        "plans                           1 records  ok",
        "sessions                        0 records  ok",
    ]
    assert len(out.splitlines()) == 11
    assert run("audit", "verify", "plans")[:2] == (0, "plans                           1 records  ok\n")


def test_a_broken_log_is_an_exit_code_with_file_and_line(run: Run, log: AuditLog, home: Path) -> None:
    file = file_of(home, "orders")
    file.write_bytes(file.read_bytes().replace(b'"130.00"', b'"131.00"'))
    code, out, err = run("audit", "verify")

    assert code == 1
    assert f"orders                          2 records  BROKEN at {file.name}:3\n" in out
    assert err.startswith(
        f"LOG_002: The audit log is not as it was written\n  Cause: {file.name}:3 is not as it was written;"
    )
    assert run("audit", "verify", "plans")[0] == 0


def test_the_last_lines_are_printed_as_json(run: Run, log: AuditLog) -> None:
    code, out, _ = run("audit", "tail", "orders", "-n", "2")

    assert code == 0
    assert [json.loads(line)["seq"] for line in out.splitlines()] == [2, 3]
    assert len(run("audit", "tail", "orders")[1].splitlines()) == 3
    assert run("audit", "tail", "orders", "--lines", "0")[1] == ""
    assert run("audit", "tail", "sessions")[1] == ""


def test_following_prints_each_new_line_once(log: AuditLog, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class LookedEnoughError(Exception):
        pass

    class Looked(SystemClock):
        """Appends before the second look and the third, and ends at the fourth."""

        looks = 0

        async def sleep(self, seconds: float) -> None:
            self.looks += 1
            if self.looks == 3:
                raise LookedEnoughError
            log.append("orders", 10 * self.looks, {"bot_id": "main", "n": self.looks})

    size = log.bytes_written("orders")
    log.append("orders", 9, {"bot_id": "main", "n": 0})  # between what was printed and the first look
    with pytest.raises(LookedEnoughError):
        asyncio.run(audit._print_new(log, "orders", Looked(), after=3, size=size))

    assert [json.loads(line)["n"] for line in capsys.readouterr().out.splitlines()] == [0, 1, 2]


def test_an_unknown_stream_is_refused_with_those_there_are(run: Run, home: Path) -> None:
    code, _, err = run("audit", "tail", "gossip")

    assert (code, "expected one of orders, plans," in err) == (2, True)


def test_sales_are_exported_with_totals(run: Run, log: AuditLog, tmp_path: Path) -> None:
    code, out, _ = run("audit", "export", "--csv")
    header, sale, totals = csv.reader(io.StringIO(out))

    assert code == 0
    assert ",".join(header) == "bot,symbol,quantity,acquired,sold,proceeds,cost,fees,gain,purchase_fill,sale_fill,trade"
    fill = sample_fill()
    at = f"{fill.timestamp:%Y-%m-%dT%H:%M:%SZ}"
    assert sale == ["main", fill.symbol, "10", at, at, "130.00", "100.00", "1.50", "28.50", "f1", "f2", fill.trade_id]
    assert totals == ["TOTAL", "", "", "", "", "130.00", "100.00", "1.50", "28.50", "", "", ""]
    file = tmp_path / "sales.csv"
    told = run("audit", "export", str(file), "--csv", "--year", str(fill.timestamp.year))
    assert told == (0, f"1 rows, gain 28.50: {file}\n", "")
    assert file.read_text() == out
    assert run("audit", "export", "--csv", "--year", "1999")[1].count("\n") == 2


def test_an_export_of_a_broken_log_or_without_a_format_is_refused(run: Run, log: AuditLog, home: Path) -> None:
    assert run("audit", "export")[2].startswith("QRY_004")
    file = file_of(home, "orders")
    file.write_bytes(file.read_bytes().replace(b'"130.00"', b'"131.00"'))

    code, out, err = run("audit", "export", "--csv")
    assert (code, out, err.startswith("LOG_002")) == (1, "", True)


def test_an_export_to_a_place_that_can_not_be_written_is_told(run: Run, log: AuditLog, tmp_path: Path) -> None:
    code, _, err = run("audit", "export", "--csv", str(tmp_path / "missing" / "sales.csv"))

    assert (code, err.startswith("SYS_007")) == (1, True)


def test_the_store_is_made_again_where_there_is_none(run: Run, log: AuditLog, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'again.db'}"
    code, out, _ = run("store", "rebuild", "--into", url)

    assert code == 0
    assert out.startswith("main: 0 sessions, 1 plans, 1 orders, 2 fills, ")
    engine = open_engine(url)
    with Store(engine, SystemClock()).reading("main") as r:
        assert plans.find_plan(r, sample_plan().id) == sample_plan()
    engine.dispose()
    refused = run("store", "rebuild", "--into", url)
    assert (refused[0], refused[2].startswith("LOG_004: The store is not empty")) == (1, True)


def test_an_empty_log_is_told(run: Run, home: Path) -> None:
    assert run("store", "rebuild") == (0, "The audit log is empty: nothing was made.\n", "")
