"""The daily work: when the bot starts it, and what its process does."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fakes.set_clock import SetClock
from trading_bot.clock import SystemClock
from trading_bot.domain.backups import BackupPlan
from trading_bot.domain.config import BotConfig
from trading_bot.keeping import daily
from trading_bot.keeping.backup_times import backups
from trading_bot.logs.audit import AuditLog
from trading_bot.settings import Settings
from trading_bot.store import errors
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

ROOT = Path(__file__).resolve().parents[2]


class Counted(SetClock):
    """Ends the day's work after so many minutes."""

    def __init__(self, start: datetime, minutes: int) -> None:
        super().__init__(start)
        self._left = minutes

    async def sleep(self, seconds: float) -> None:
        if self._left == 0:
            raise asyncio.CancelledError
        self._left -= 1
        self.move(seconds)


def started(monkeypatch: pytest.MonkeyPatch, settings: Settings, clock: SetClock, plan: BackupPlan) -> list[str]:
    """What the bot has done, with the time at which it starts it; no process is started."""
    done: list[str] = []

    async def note(settings: Settings, what: str) -> None:
        done.append(f"{clock.now():%d %H:%M} {what}")
        if what == "backup" and not settings.keys_dir.joinpath("broken").exists():
            (settings.backups_dir / f"{clock.now():%Y%m%dT%H%M%SZ}").mkdir()

    monkeypatch.setattr(daily, "_done", note)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(daily.keep(settings, lambda: BotConfig(backup=plan), clock))
    return done


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_logs_are_tidied_each_day_and_a_backup_is_made_at_its_time(
    morning: Settings, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    done = started(monkeypatch, morning, Counted(noon, 2 * 1440), BackupPlan())

    assert done == ["02 12:01 tidy", "02 21:30 backup", "03 00:00 tidy", "03 21:30 backup", "04 00:00 tidy"]


def test_a_backup_that_was_missed_is_made_at_the_next_look(
    morning: Settings, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    (morning.backups_dir / "20260227T213000Z").mkdir()

    assert started(monkeypatch, morning, Counted(noon, 30), BackupPlan(daily_at="08:00")) == ["02 12:01 backup"]


def test_one_that_fails_is_tried_again_after_an_hour(
    morning: Settings, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    (morning.keys_dir / "broken").touch()

    done = started(monkeypatch, morning, Counted(noon, 130), BackupPlan(daily_at="12:10"))

    assert done == ["02 12:01 tidy", "02 12:10 backup", "02 13:10 backup", "02 14:10 backup"]


def test_a_folder_that_can_not_be_read_ends_nothing_and_is_told_by_the_backup(
    morning: Settings, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    def refused(folder: Path) -> datetime:
        raise OSError

    monkeypatch.setattr(daily, "last_made", refused)

    done = started(monkeypatch, morning, Counted(noon, 90), BackupPlan(daily_at="08:00"))
    assert done == ["02 12:01 backup", "02 13:01 backup"]


def test_without_a_time_there_are_no_backups(
    morning: Settings, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    assert started(monkeypatch, morning, Counted(noon, 1000), BackupPlan(daily_at=None)) == [
        "02 12:01 tidy",
        "03 00:00 tidy",
    ]


def test_what_hangs_is_ended_and_the_next_goes_on(morning: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = "import os; print(os.getpid(), file=open('pid', 'w'), flush=True); import signal; signal.pause()"
    monkeypatch.chdir(morning.home)
    monkeypatch.setattr(daily, "ARGV", (sys.executable, "-c", hangs))
    monkeypatch.setattr(daily, "LONGEST", timedelta(seconds=2))

    with capture_logs() as logs:
        asyncio.run(daily._done(morning, "backup"))

    assert [(line["event"], line["what"]) for line in logs] == [("keeping_hung", "backup")]
    with pytest.raises(ProcessLookupError):
        os.kill(int((morning.home / "pid").read_text()), 0)


def keeping(settings: Settings, what: str) -> int:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings.environment()}
    process = subprocess.run(
        [sys.executable, "-m", "trading_bot.keeping", what], env=environment, cwd=settings.home, check=False
    )
    return process.returncode


def stored_errors(settings: Settings) -> list[str]:
    engine = open_engine(settings.store_url)
    with Store(engine, SystemClock()).reading("main") as r:
        found = [error.error_code for error in errors.list_recent_errors(r, 3)]
    engine.dispose()
    return found


def test_its_process_tidies_the_logs_and_makes_a_backup(morning: Settings) -> None:
    (orders,) = morning.logs_dir.glob("orders-*.jsonl")
    old = orders.rename(orders.with_name("orders-2025-01-06.jsonl"))
    log = AuditLog(morning.logs_dir, SystemClock())
    log.append("orders", log.last_number("main") + 1, {"bot_id": "main"})
    log.close()

    assert keeping(morning, "tidy") == 0
    assert not old.exists()
    assert (morning.logs_dir / "archive" / "orders-2025-01-06.jsonl.gz").exists()
    assert log.verify("orders").ok
    assert backups(morning.backups_dir) == []

    assert keeping(morning, "backup") == 0
    assert len(backups(morning.backups_dir)) == 1
    assert '"event": "backed_up"' in (morning.logs_dir / "keeping.log").read_text()


def test_what_fails_is_stored_as_an_error_of_the_bot(morning: Settings) -> None:
    log = AuditLog(morning.logs_dir, SystemClock())
    (orders,) = morning.logs_dir.glob("orders-*.jsonl")
    old = orders.rename(orders.with_name("orders-2025-01-06.jsonl"))
    log.append("orders", log.last_number("main") + 1, {"bot_id": "main"})
    old.write_bytes(old.read_bytes().replace(b"ACCEPTED", b"REJECTED", 1))
    (morning.config_dir / "bot.yaml").unlink()
    morning.backups_dir.rmdir()
    morning.backups_dir.symlink_to("/proc")

    assert keeping(morning, "backup") == 1
    assert stored_errors(morning) == ["BAK_001", "LOG_002"]


def test_logs_that_can_not_be_tidied_are_told(morning: Settings) -> None:
    (orders,) = morning.logs_dir.glob("orders-*.jsonl")
    orders.rename(orders.with_name("orders-2025-01-06.jsonl"))
    log = AuditLog(morning.logs_dir, SystemClock())
    log.append("orders", log.last_number("main") + 1, {"bot_id": "main"})
    (morning.logs_dir / "manifest.jsonl").mkdir()

    assert keeping(morning, "tidy") == 1
    assert stored_errors(morning) == ["LOG_005"]
    assert (morning.logs_dir / "orders-2025-01-06.jsonl").exists()


def test_a_process_that_can_not_be_started_does_not_end_the_bot(
    morning: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily, "ARGV", ("/nowhere/python",))

    with capture_logs() as told:
        asyncio.run(daily._done(morning, "tidy"))

    assert [(line["event"], line["what"]) for line in told] == [("keeping_not_started", "tidy")]


def test_it_ends_with_the_bot(morning: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "ARGV", (sys.executable, "-c", "import time; time.sleep(60)"))

    async def cancelled() -> None:
        task = asyncio.create_task(daily._done(morning, "tidy"))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    before = datetime.now(UTC)
    asyncio.run(cancelled())
    assert (datetime.now(UTC) - before).total_seconds() < 30
