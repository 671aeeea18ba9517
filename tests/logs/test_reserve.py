import os
from pathlib import Path

import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.logs import reserve as reserving
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.reserve import AHEAD, reserve

BLOCK = 512  # of st_blocks


def test_blocks_are_reserved_and_nobody_who_reads_the_file_sees_them(tmp_path: Path) -> None:
    file = tmp_path / "log"
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.write(handle, b"one\n")
    reserve(handle, 4)
    os.write(handle, b"two\n")
    found = os.fstat(handle)
    os.close(handle)

    assert file.read_bytes() == b"one\ntwo\n"
    if found.st_blocks * BLOCK < AHEAD:
        pytest.skip("this file system reserves nothing")
    assert (found.st_size, found.st_blocks * BLOCK >= AHEAD) == (8, True)


def test_a_system_that_can_not_reserve_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reserving, "_fallocate", lambda: None)
    log = AuditLog(folder, SetClock())
    log.append("orders", 1, {"bot_id": "main"})

    assert log.verify("orders").records == 1


def test_a_log_goes_on_beyond_what_was_reserved(folder: Path) -> None:
    log = AuditLog(folder, SetClock())
    for number in range(1, 6):
        log.append("orders", number, {"bot_id": "main", "note": "x" * (AHEAD // 2)})
    log.close()

    (file,) = folder.glob("orders-*.jsonl")
    assert log.verify("orders").records == 5
    assert file.stat().st_size > 2 * AHEAD
    assert not file.read_bytes().count(b"\0")
