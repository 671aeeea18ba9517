"""Backups that are put back: into an empty home, over another, and cut short at any moment."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.playing import left_behind, play_bars
from tests.keeping.conftest import settings_of
from tests.keeping.entities import entities
from tests.keeping.soundness import code_of, content, is_sound
from trading_bot.bootstrap import bot_of
from trading_bot.clock import SystemClock
from trading_bot.domain.retention import Retention
from trading_bot.errors.fault import Fault
from trading_bot.keeping.backup import create
from trading_bot.keeping.backup_manifest import read_manifest, write_manifest
from trading_bot.keeping.restore import restore
from trading_bot.logs.tidying import tidy
from trading_bot.settings import Settings
from trading_bot.store.engine import open_engine
from trading_bot.store.single_bot import held as bot_held
from trading_bot.supervision.lock import held as supervisor_held
from trading_bot.venues.paper.ledger import read_ledger

CLOCK = SystemClock()


class Killed(BaseException):
    """Stands in for the end of the process."""


def test_a_restored_home_is_as_it_was(morning: Settings, one_day: Path, tmp_path: Path) -> None:
    morning.first_key_file.write_text("bg_secret_of_the_first_key")
    tidy(morning.logs_dir, Retention(), CLOCK.now())
    folder = create(morning, CLOCK)
    other = settings_of(tmp_path / "other", one_day)

    manifest = restore(other, folder, CLOCK)

    assert (manifest.bot_id, manifest.store_kind, manifest.with_keys) == ("main", "sqlite", False)
    assert entities(other.store_url) == entities(morning.store_url)
    assert left_behind(other.store_url) == left_behind(morning.store_url)
    assert read_ledger(other.venue_file) == read_ledger(morning.venue_file)
    assert is_sound(other)
    assert other.config_file.read_bytes() == morning.config_file.read_bytes()
    assert not other.first_key_file.exists()
    assert not any(b"bg_secret" in data for data in content(folder).values())
    for path in (folder, *folder.rglob("*"), other.logs_dir, other.venue_file):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not other.restoring_file.exists()
    play_bars(other, 10)


def test_a_home_that_holds_something_is_refused_and_kept_beside_when_it_is_replaced(
    morning: Settings, one_day: Path
) -> None:
    folder = create(morning, CLOCK)
    then = entities(morning.store_url)
    play_bars(morning, 60)
    now, log_before = entities(morning.store_url), content(morning.logs_dir)

    with pytest.raises(Fault) as refusal:
        restore(morning, folder, CLOCK)
    assert (refusal.value.code, refusal.value.cause) == (
        "BAK_003",
        f"{morning.home} holds something already, such as `venue.db`.",
    )
    assert entities(morning.store_url) == now

    restore(morning, folder, CLOCK, replace=True)

    assert entities(morning.store_url) == then
    (old,) = morning.home.glob("replaced-*")
    assert entities(f"sqlite:///{old / 'botgraph.db'}") == now
    assert {name: data for name, data in content(old / "logs").items() if ".lock" not in name} == {
        name: data for name, data in log_before.items() if ".lock" not in name
    }
    assert is_sound(morning)
    play_bars(morning, 10)


def test_a_home_in_use_is_refused(morning: Settings) -> None:
    folder = create(morning, CLOCK)

    with supervisor_held(morning.supervisor_lock):
        assert code_of(lambda: restore(morning, folder, CLOCK, replace=True)) == "BOT_005"
    engine = open_engine(morning.store_url)
    with bot_held(engine, "main"):
        assert code_of(lambda: restore(morning, folder, CLOCK, replace=True)) == "BOT_002"
    with engine.connect():
        assert code_of(lambda: restore(morning, folder, CLOCK, replace=True)) == "BAK_003"
    engine.dispose()
    assert list(morning.home.glob("replaced-*")) == []
    restore(morning, folder, CLOCK, replace=True)


def test_a_backup_of_a_newer_release_or_another_kind_of_store_is_refused(
    morning: Settings, one_day: Path, tmp_path: Path, postgres_url: str
) -> None:
    folder = create(morning, CLOCK)
    other = settings_of(tmp_path / "other", one_day, postgres_url)
    assert code_of(lambda: restore(other, folder, CLOCK)) == "BAK_003"

    write_manifest(folder, replace(read_manifest(folder), store_version="9999"))
    assert code_of(lambda: restore(settings_of(tmp_path / "third", one_day), folder, CLOCK)) == "SYS_003"
    assert not (tmp_path / "third" / "botgraph.db").exists()


def test_a_kill_at_any_moment_of_a_restore_leaves_the_old_home_or_one_that_says_so(
    morning: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_day: Path
) -> None:
    folder = create(morning, CLOCK)
    then = entities(morning.store_url)
    play_bars(morning, 30)
    now = entities(morning.store_url)
    cut_short = 0
    for moment in range(1, 60):
        home = tmp_path / f"home-{moment}"
        shutil.copytree(morning.home, home)
        settings = settings_of(home, one_day)
        with monkeypatch.context() as patched:
            left = moment

            def around(original: Callable[..., Any]) -> Callable[..., Any]:
                def called(*arguments: Any, **named: Any) -> Any:
                    nonlocal left
                    left -= 1
                    if left == 0:
                        raise Killed
                    return original(*arguments, **named)

                return called

            for owner, name in (
                (shutil, "move"),
                (Path, "rename"),
                (Path, "unlink"),
                (shutil, "rmtree"),
                (shutil, "copytree"),
            ):
                patched.setattr(owner, name, around(getattr(owner, name)))
            try:
                restore(settings, folder, CLOCK, replace=True)
            except Killed:
                pass
            else:
                assert cut_short > 5
                return
        if settings.restoring_file.exists():
            cut_short += 1
            assert starts(settings) == "BAK_003"
        else:
            assert entities(settings.store_url) in (now, then)
        restore(settings, folder, CLOCK, replace=True)
        assert entities(settings.store_url) == then
        assert is_sound(settings)
    pytest.fail("the restore never came to its end")


def starts(settings: Settings) -> str | None:
    async def start() -> None:
        async with bot_of(settings):
            pass

    try:
        asyncio.run(start())
    except Fault as fault:
        return fault.code
    return None
