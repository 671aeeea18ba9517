"""`botgraph backup` over a home with a store, a ledger and a log that are made here."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.terminal.typed_commands import Run
from trading_bot.clock import SystemClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.backups import BackupPlan
from trading_bot.domain.config import BotConfig
from trading_bot.keeping.backup_times import backups
from trading_bot.services.config_file import write_config
from trading_bot.settings import Settings, load_settings
from trading_bot.store import bots
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


@pytest.fixture
def settings(home_with_tables: Path) -> Settings:
    """A home with a bot that was never started."""
    settings = load_settings(home=home_with_tables)
    settings.make_folders()
    store = Store(open_engine(settings.store_url), SystemClock())
    with store.writing("main") as w:
        bots.register_bot(w, name="Desk", mode=TradingMode.PAPER, venue="paper", replay_of=None)
    store.close()
    with sqlite3.connect(settings.venue_file) as ledger:
        ledger.execute("CREATE TABLE state (cash TEXT)")
    ledger.close()
    write_config(settings.config_file, BotConfig(backup=BackupPlan(keep_daily=1, keep_weekly=0, keep_monthly=0)))
    (settings.keys_dir / "admin.key").write_text("bg_secret")
    return settings


@pytest.fixture
def run(typed: Run, home: Path) -> Run:
    return typed


def test_a_backup_is_made_verified_and_put_back(run: Run, settings: Settings, home: Path) -> None:
    code, out, err = run("backup", "create")
    (folder,) = backups(settings.backups_dir)
    assert (code, out, err) == (0, f"{folder}\n", "")
    assert not (folder / "keys").exists()

    code, out, err = run("backup", "verify")
    assert (code, err) == (0, "")
    assert out.startswith(f"{folder.name}  ok  4 files, ")
    assert out.rstrip().endswith("by release 0.1.0")

    code, _, err = run("backup", "restore", folder.name)
    assert (code, err.startswith("BAK_003: The backup can't be restored here")) == (1, True)

    code, out, _ = run("backup", "restore", folder.name, "--replace")
    assert (code, out.endswith("`botgraph up` goes on from there.\n")) == (0, True)
    assert len(list(home.glob("replaced-*"))) == 1
    assert (settings.keys_dir / "admin.key").read_text() == "bg_secret"


def test_keys_come_along_when_they_are_asked_for(run: Run, settings: Settings) -> None:
    run("backup", "create", "--with-keys")

    (folder,) = backups(settings.backups_dir)
    assert (folder / "keys" / "admin.key").read_text() == "bg_secret"
    assert ", with keys, " in run("backup", "verify", folder.name)[1]


def test_a_damaged_backup_is_an_exit_code_and_the_others_are_still_told(run: Run, settings: Settings) -> None:
    run("backup", "create")
    (folder,) = backups(settings.backups_dir)
    shutil.copytree(folder, settings.backups_dir / "20200101T000000Z")
    (folder / "venue.db").write_bytes(b"")

    code, out, err = run("backup", "verify")

    assert code == 1
    assert [line.split()[:2] for line in out.splitlines()] == [["20200101T000000Z", "ok"], [folder.name, "BROKEN"]]
    assert err.startswith("BAK_002: The backup is not whole\n  Cause: `venue.db` differs from the manifest.\n")


def test_old_backups_are_told_and_removed(run: Run, settings: Settings) -> None:
    for name in ("20260301T213000Z", "20260302T213000Z"):
        (settings.backups_dir / name).mkdir()

    assert run("backup", "prune", "--dry-run") == (0, "20260301T213000Z  would be removed\n", "")
    assert run("backup", "prune") == (0, "20260301T213000Z  removed\n", "")
    assert run("backup", "prune") == (0, "", "")
    assert [folder.name for folder in backups(settings.backups_dir)] == ["20260302T213000Z"]


def test_a_backup_that_does_not_exist_is_told(run: Run, settings: Settings) -> None:
    for command in (("backup", "restore", "20200101T000000Z"), ("backup", "verify", "nothing")):
        code, _, err = run(*command)
        assert (code, err.startswith("QRY_005")) == (1, True)


def test_without_a_store_there_is_nothing_to_back_up(run: Run, home: Path) -> None:
    code, _, err = run("backup", "create")

    assert (code, err.startswith("SYS_003")) == (1, True)
