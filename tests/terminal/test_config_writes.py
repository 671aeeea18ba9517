"""`botgraph config apply` and `rollback`, with a bot that runs, one that refuses, and none."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
import typer

from graph.doors.terminal import config_writes
from tests.config.changing import Operator
from tests.fakes.scripted import bar
from tests.fakes.scripted_bot import scripted_bot
from tests.terminal.typed_commands import Run, asked
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.settings import load_settings

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(300)]


@pytest.fixture
def run(typed: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(home)
    return partial(typed, "config")


async def test_an_edited_file_is_applied_and_an_older_version_is_put_back(home: Path, run: Run) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator, path = Operator(bot.bot.store, bot.clock), load_settings(home=home).config_file
        path.write_text(path.read_text().replace("max_open_positions: 10", "max_open_positions: 4"))

        code, out, _ = await asked(bot, run, "apply", "--reason", "less at risk", "--watch", "0")
        assert (code, out.splitlines()[-1]) == (0, "Version 2 is adopted.")
        assert "risk.max_open_positions" in out
        assert (bot.bot.config.risk.max_open_positions, operator.change(2).reason) == (4, "less at risk")

        assert await asked(bot, run, "apply") == (0, "There is nothing to change.\n", "")
        code, out, _ = await asked(bot, run, "rollback", "1", "--yes")
        assert (code, out.splitlines()[-1]) == (0, "Version 3 is adopted.")
        assert operator.values(3) == operator.values(1)


async def test_a_patch_is_applied_and_watched_and_one_that_is_not_valid_is_not(home: Path, run: Run) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        code, _, err = await asked(bot, run, "apply", "--patch", '{"risk": {"max_open_positions": 500}}')
        assert (code, "CFG_001" in err) == (1, True)
        code, out, _ = await asked(bot, run, "apply", "--patch", '{"name": "Other"}')

        assert (code, out.splitlines()[-1]) == (0, "Version 2 is adopted. It is watched for 60 s.")
        assert bot.bot.config.name == "Other"


async def test_what_loosens_a_limit_is_asked_about_first(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[str] = []

    def no(text: str, *, abort: bool) -> bool:
        asked_for.append(f"{text} {abort}")
        raise SystemExit(1)

    monkeypatch.setattr(typer, "confirm", no)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        code, out, _ = await asked(bot, run, "apply", "--patch", '{"risk": {"max_open_positions": 20}}')

        assert (code, asked_for) == (1, ["Go on? True"])
        assert "HIGH" in out
        assert Operator(bot.bot.store, bot.clock).change().version == 1


async def test_without_a_bot_the_version_waits_for_one(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_writes, "PATIENCE_SECONDS", 0.2)
    async with scripted_bot(home, CALM) as bot:
        await bot.bar()
        operator = Operator(bot.bot.store, bot.clock)
        code, _, err = await asyncio.to_thread(run, "apply", "--patch", '{"name": "Later"}')

        assert (code, err.startswith("Version 2 is written; no bot has taken it on within 0 s.")) == (3, True)
        assert operator.change().status is AdoptionStatus.PENDING
