"""Backups of homes that were traded, on recorded candles: made while the bot runs, damaged, cleared away."""

import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.fakes.fork_server import ForkServer
from tests.fakes.playing import left_behind, play_bars, replay_settings
from tests.fakes.standing_clock import StandingClock
from tests.keeping.conftest import settings_of
from tests.keeping.soundness import code_of, content, is_sound
from trading_bot.clock import SystemClock
from trading_bot.domain.backups import BackupPlan
from trading_bot.keeping.backup import create, prune
from trading_bot.keeping.backup_manifest import BackupManifest, verified
from trading_bot.keeping.backup_times import backups, last_made
from trading_bot.keeping.restore import restore
from trading_bot.logs.audit import AuditLog
from trading_bot.settings import Settings
from trading_bot.store.engine import open_engine
from trading_bot.store.tables import metadata
from trading_bot.venues.paper.ledger import read_ledger

CLOCK = SystemClock()
PATIENCE_SECONDS = 100.0


def test_keys_are_backed_up_only_when_they_are_asked_for(morning: Settings, one_day: Path, tmp_path: Path) -> None:
    morning.first_key_file.write_text("bg_first_key")
    folder = create(morning, CLOCK, with_keys=True)
    other = settings_of(tmp_path / "other", one_day)

    restore(other, folder, CLOCK)

    assert other.first_key_file.read_text() == "bg_first_key"


def test_backups_of_a_running_bot_lead_to_the_same_books(
    home: Path, one_day: Path, tmp_path: Path, store_url: str
) -> None:
    """Three backups are taken while the bot trades; each is sound, and played on from the last all ends as without one."""
    fast = replay_settings(home, one_day, store_url)
    slow = fast.model_copy(update={"speed": 20 * 60.0})  # twenty bars a second: it can't reach its end meanwhile
    with ForkServer() as forks:
        made = []
        for bars in (150, 70, 140):
            play_bars(fast, bars)
            bot = forks.start(0, slow.environment())
            wait_for_a_bar(slow)
            made.append(create(slow, CLOCK))
            wait_for_a_bar(slow)
            assert bot.poll() is None
            bot.kill()
            bot.wait(PATIENCE_SECONDS)
        assert forks.start(0, fast.environment()).wait(PATIENCE_SECONDS) == 0
        whole = left_behind(store_url)
        if store_url.startswith("sqlite"):
            other = settings_of(tmp_path / "other", one_day)
        else:
            other = settings_of(tmp_path / "other", one_day, store_url)
            empty_of_the_bot(store_url)
        for folder in made:
            restore(other, folder, CLOCK, replace=True)
            assert is_sound(other)
        assert forks.start(0, other.environment()).wait(PATIENCE_SECONDS) == 0
    assert left_behind(other.store_url) == whole
    assert is_sound(other)
    assert "LOG_003" not in {line["error_code"] for line in AuditLog(other.logs_dir, CLOCK).read("errors")}


def wait_for_a_bar(settings: Settings) -> None:
    """Wait until the exchange has moved on."""
    before = read_ledger(settings.venue_file).clock
    for _ in range(int(PATIENCE_SECONDS * 100)):
        if read_ledger(settings.venue_file).clock > before:
            return
        time.sleep(0.01)
    pytest.fail("the bot did not trade on")


def test_backups_of_one_second_stand_beside_each_other_in_their_order(morning: Settings) -> None:
    clock = StandingClock(datetime(2026, 3, 1, 21, 30, 5, 700_000, tzinfo=UTC))

    made = [create(morning, clock) for _ in range(3)]

    assert [folder.name for folder in made] == ["20260301T213005Z", "20260301T213005Z-2", "20260301T213005Z-3"]
    assert backups(morning.backups_dir) == made
    assert [verified(folder).made_at for folder in made] == [clock.moment] * 3
    assert last_made(morning.backups_dir) == datetime(2026, 3, 1, 21, 30, 5, 2, tzinfo=UTC)
    assert prune(morning, BackupPlan()) == ["20260301T213005Z", "20260301T213005Z-2"]
    assert backups(morning.backups_dir) == [made[2]]


def test_the_eleventh_backup_of_a_second_follows_the_tenth(tmp_path: Path) -> None:
    for number in ("", "-2", "-10", "-11"):
        (tmp_path / f"20260301T213005Z{number}").mkdir()
    for name in ("20260301T213005Z-0", "20260301T213005Z-x", "20261301T213005Z", "20260301T213005Z-2-2"):
        (tmp_path / name).mkdir()

    assert [path.name[16:] for path in backups(tmp_path)] == ["", "-2", "-10", "-11"]


def empty_of_the_bot(store_url: str) -> None:
    engine = open_engine(store_url)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    engine.dispose()


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        lambda f: flip(f / "botgraph.db", 5000),
        lambda f: flip(f / "venue.db", 100),
        lambda f: os.truncate(f / "botgraph.db", 4096),
        lambda f: os.truncate(f / "config" / "bot.yaml", 0),
        lambda f: (f / "venue.db").unlink(),
        lambda f: (f / "logs" / "foreign.jsonl").write_text("{}\n"),
        lambda f: (f / "manifest.json").unlink(),
        lambda f: flip(f / "manifest.json", 30),
        lambda f: os.truncate(f / "manifest.json", 200),
        lambda f: (f / "manifest.json").write_text("[]"),
    ],
    ids=["bit", "ledger", "cut", "emptied", "missing", "foreign", "none", "manifest", "half", "list"],
)
def test_a_backup_that_is_not_whole_is_refused_and_nothing_changes(
    morning: Settings, one_day: Path, tmp_path: Path, harm: Callable[[Path], Any]
) -> None:
    folder = create(morning, CLOCK)
    other = settings_of(tmp_path / "other", one_day)
    before = content(other.home)

    harm(folder)

    assert code_of(lambda: verified(folder)) == "BAK_002"
    assert code_of(lambda: restore(other, folder, CLOCK)) == "BAK_002"
    assert content(other.home) == before


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: stands in for a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_no_half_backup(morning: Settings) -> None:
    with full_disk(200_000):
        assert code_of(lambda: create(morning, CLOCK)) in {"BAK_001", "SYS_002"}
    assert backups(morning.backups_dir) == []

    folder = create(morning, CLOCK)
    assert backups(morning.backups_dir) == [folder]
    assert [path.name for path in morning.backups_dir.iterdir() if path.is_dir()] == [folder.name]


def test_a_damaged_store_makes_no_backup(morning: Settings) -> None:
    with sqlite3.connect(morning.home / "botgraph.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray((morning.home / "botgraph.db").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20_000] = b"\xff" * 20_000
    (morning.home / "botgraph.db").write_bytes(data)

    assert code_of(lambda: create(morning, CLOCK)) in {"BAK_001", "SYS_002"}
    assert backups(morning.backups_dir) == []


def test_the_log_of_a_backup_ends_where_its_store_does(morning: Settings, one_day: Path, tmp_path: Path) -> None:
    """Records that are appended between snapshot and copy are not part of the backup."""
    log = AuditLog(morning.logs_dir, CLOCK)
    last = log.last_number("main")
    steps: list[str] = []

    def on_step(step: str) -> None:
        steps.append(step)
        if step == "logs":
            for number in range(last + 1_000, last + 1_010):
                log.append("orders", number, {"bot_id": "main", "entity": "order"})

    folder = create(morning, CLOCK, on_step=on_step)
    other = settings_of(tmp_path / "other", one_day)
    restore(other, folder, CLOCK)

    assert steps == ["store", "ledger", "logs", "manifest"]
    assert AuditLog(other.logs_dir, CLOCK).last_number("main") == last
    assert is_sound(other)


def fake_backups(folder: Path, days: int) -> list[str]:
    names = [f"{datetime(2026, 3, 2, 21, 30, tzinfo=UTC) - timedelta(days=day):%Y%m%dT%H%M%SZ}" for day in range(days)]
    for name in names:
        (folder / name).mkdir()
        (folder / name / "botgraph.db").write_text("x")
    return names


def test_old_backups_are_removed_and_nothing_else(morning: Settings) -> None:
    names = fake_backups(morning.backups_dir, 60)
    (morning.backups_dir / "notes").mkdir()
    (morning.backups_dir / "20260301T000000Z.txt").write_text("mine")

    would = prune(morning, BackupPlan(), dry_run=True)
    assert len(backups(morning.backups_dir)) == 60
    removed = prune(morning, BackupPlan())

    assert would == removed
    kept = sorted(path.name for path in backups(morning.backups_dir))
    assert kept == sorted(set(names) - set(removed))
    assert kept == sorted([*names[:7], names[8], names[15], names[30]])
    assert sorted(path.name for path in morning.backups_dir.iterdir() if not path.name.startswith(".")) == sorted(
        [*kept, "notes", "20260301T000000Z.txt"]
    )
    assert last_made(morning.backups_dir) == datetime(2026, 3, 2, 21, 30, tzinfo=UTC)


def test_what_a_killed_backup_left_is_no_backup_and_goes_with_the_next(morning: Settings) -> None:
    (morning.backups_dir / ".unfinished-20260301T000000Z").mkdir()
    assert backups(morning.backups_dir) == []

    folder = create(morning, CLOCK)

    assert [path.name for path in morning.backups_dir.iterdir() if path.is_dir()] == [folder.name]


def test_a_home_without_a_store_is_not_backed_up(home: Path, one_day: Path) -> None:
    assert code_of(lambda: create(settings_of(home, one_day), CLOCK)) == "SYS_003"


def test_the_manifest_names_every_file_with_its_sum(morning: Settings) -> None:
    folder = create(morning, CLOCK)
    told = orjson.loads((folder / "manifest.json").read_bytes())

    assert {"botgraph.db", "venue.db", "config/bot.yaml"} <= told["files"].keys()
    assert all(len(entry["sha256"]) == 64 and entry["size"] >= 0 for entry in told["files"].values())
    assert isinstance(verified(folder), BackupManifest)
