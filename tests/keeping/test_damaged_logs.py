"""Logs of a traded home that are cut or changed at any byte: the bot starts, says so under a code, and goes on with a sound chain."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.playing import play_bars
from tests.fakes.set_clock import SetClock
from tests.keeping.entities import entities
from trading_bot.clock import SystemClock
from trading_bot.domain.streams import STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.keeping.rebuild import rebuild
from trading_bot.logs.audit import AuditLog
from trading_bot.settings import Settings
from trading_bot.store import errors
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


def error_codes(home: Settings) -> set[str]:
    engine = open_engine(home.store_url)
    with Store(engine, SystemClock()).reading("main") as r:
        found = {error.error_code for error in errors.list_recent_errors(r, 50)}
    engine.dispose()
    return found


def all_verify(home: Settings) -> bool:
    log = AuditLog(home.logs_dir, SystemClock())
    return all(log.verify(stream).ok for stream in STREAMS)


@pytest.mark.parametrize("seed", range(6))
def test_a_home_whose_logs_were_cut_anywhere_says_so_and_trades_on(morning: Settings, seed: int) -> None:
    chance = random.Random(seed)
    last = AuditLog(morning.logs_dir, SystemClock()).last_number("main")
    before = entities(morning.store_url)
    for file in sorted(morning.logs_dir.glob("*.jsonl")):
        data = file.read_bytes()
        file.write_bytes(data[: chance.randrange(len(data))])

    play_bars(morning, 5)

    assert all_verify(morning)
    assert "LOG_002" in error_codes(morning)
    assert AuditLog(morning.logs_dir, SystemClock()).last_number("main") > last
    after = entities(morning.store_url)
    assert {fill.id for fill in before["fills"]} <= {fill.id for fill in after["fills"]}
    assert before["trades"] == [trade for trade in after["trades"] if trade in before["trades"]]


def test_a_home_without_its_logs_says_so_and_trades_on(morning: Settings) -> None:
    for file in morning.logs_dir.iterdir():
        file.unlink()

    play_bars(morning, 5)

    assert (all_verify(morning), "LOG_002" in error_codes(morning)) == (True, True)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_log_with_any_byte_changed_is_never_taken_for_a_sound_one(morning_once: Path, data: st.DataObject) -> None:
    """Verification names the file; and nothing is made again from it."""
    files = sorted((morning_once / "logs").glob("*.jsonl"))
    file = data.draw(st.sampled_from(files), label="file")
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 2), label="byte")
    flipped = data.draw(st.integers(1, 255), label="bits")
    try:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ flipped]) + whole[at + 1 :])
        stem = file.name.rsplit("-", 3)[0]
        stream = {"error_log": "errors"}.get(stem, stem)
        found = AuditLog(morning_once / "logs", SetClock()).verify(stream)
    finally:
        file.write_bytes(whole)

    assert not found.ok
    assert found.broken_at is not None
    assert found.broken_at.startswith(f"{file.name}:")
    assert found.records == whole[:at].count(b"\n")


def test_nothing_is_made_from_a_log_that_was_changed(morning: Settings, sqlite_url: str) -> None:
    file = max(morning.logs_dir.glob("plans-*.jsonl"))
    file.write_bytes(file.read_bytes().replace(b'"version":1', b'"version":2', 1))
    store = Store(open_engine(sqlite_url), SystemClock())

    with pytest.raises(Fault) as refusal:
        rebuild(AuditLog(morning.logs_dir, SystemClock()), store)

    assert (refusal.value.code, store.bot_ids()) == ("LOG_002", ())
    store.close()
