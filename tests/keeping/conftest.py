"""A home that was traded for a while and left as it was, made once and copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.fakes.playing import first_days, play_bars, replay_settings
from trading_bot.settings import Settings


@pytest.fixture(scope="session")
def one_day(tmp_path_factory: pytest.TempPathFactory, candles_us: Path) -> Path:
    """The first recorded day, as a file."""
    return first_days(candles_us, 1, tmp_path_factory.mktemp("candles") / "day.csv")


@pytest.fixture(scope="session")
def morning_once(tmp_path_factory: pytest.TempPathFactory, one_day: Path) -> Path:
    home = tmp_path_factory.mktemp("morning")
    play_bars(replay_settings(home, one_day, f"sqlite:///{home / 'botgraph.db'}"), 330)
    return home


@pytest.fixture
def morning(morning_once: Path, home: Path, one_day: Path) -> Settings:
    """A home after two hours of trading, on SQLite."""
    shutil.copytree(morning_once, home, dirs_exist_ok=True)
    return replay_settings(home, one_day, f"sqlite:///{home / 'botgraph.db'}")


def settings_of(home: Path, candles: Path, store_url: str | None = None) -> Settings:
    """Another home of the same market."""
    home.mkdir(exist_ok=True)
    return replay_settings(home, candles, store_url or f"sqlite:///{home / 'botgraph.db'}")
