"""`botgraph config` over a store that a bot was started on: shown, planned, listed and compared."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.config.changing import Operator, begun
from tests.terminal.typed_commands import Run
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.services.config_fields import schema_bytes
from trading_bot.services.config_file import render, write_config
from trading_bot.services.configuration import config_values
from trading_bot.store import config_changes
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


@pytest.fixture
def run(typed: Run, home: Path) -> Run:
    return partial(typed, "config")


@pytest.fixture
def operator(home_with_tables: Path) -> Operator:
    """A bot that took on version 2, which allows three plans."""
    store = Store(open_engine(f"sqlite:///{home_with_tables / 'botgraph.db'}"), SystemClock())
    begun(store)
    made = Operator(store, SystemClock())
    version = made.apply({"risk": {"max_open_positions": 3}})
    with store.writing("main") as w:
        config_changes.save_change(w, replace(made.change(version), status=AdoptionStatus.ADOPTED, at=w.now))
    return made


def test_a_version_is_shown_as_yaml_or_json(operator: Operator, run: Run) -> None:
    code, latest, _ = run("show")
    _, first, _ = run("show", "1")
    _, raw, _ = run("show", "1", "--json")

    assert code == 0
    assert latest.startswith("# Version 2, ADOPTED, ")
    assert "  max_open_positions: 3\n" in latest
    assert "  max_open_positions: 10\n" in first
    assert latest.split("\n", 1)[1] == render(BotConfig()).split("\n", 3)[3].replace("positions: 10", "positions: 3")
    assert json.loads(raw) == config_values(BotConfig())


def test_a_version_that_does_not_exist_is_told(operator: Operator, run: Run) -> None:
    for command in (("show", "9"), ("diff", "1", "9")):
        code, _, err = run(*command)
        assert code == 1
        assert "The bot has no version 9 of its configuration." in err


def test_a_valid_plan_is_told_in_lines_and_writes_nothing(operator: Operator, run: Run) -> None:
    code, out, err = run("plan", "--patch", '{"risk": {"max_open_positions": 5}, "name": "Desk"}')

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        'name: "BotGraph" -> "Desk"',
        "risk.max_open_positions: 3 -> 5",
        "Risk HIGH.",
        "risk.max_open_positions is loosened from 3 to 5.",
        "The new limits hold for entries from the next bar on; exits are never refused, open plans keep their stops.",
        "The rest holds from the next bar on.",
    ]
    assert operator.change().version == 2


def test_a_plan_that_is_not_valid_ends_with_one_and_all_that_is_wrong(operator: Operator, run: Run) -> None:
    code, out, err = run("plan", "--patch", '{"risk": {"max_open_positions": 500}, "mode": "live"}')

    assert (code, out) == (1, "")
    assert "Expected `mode` to be one of PAPER, LIVE." in err
    assert "Expected `risk.max_open_positions` to be a whole number from 1 to 100 (plans)." in err


def test_a_patch_may_stand_in_a_file(operator: Operator, run: Run, tmp_path: Path) -> None:
    (tmp_path / "patch.json").write_text('{"name": "Desk"}')

    assert run("plan", "--patch", f"@{tmp_path / 'patch.json'}")[1].startswith('name: "BotGraph" -> "Desk"\n')
    assert "The patch can't be read" in run("plan", "--patch", "@nothing.json")[2]
    assert "The patch is not JSON" in run("plan", "--patch", "{name: x}")[2]


def test_without_a_patch_the_edited_file_is_planned(operator: Operator, run: Run, home: Path) -> None:
    assert "There is no config/bot.yaml in this home." in run("plan")[2]
    write_config(home / "config" / "bot.yaml", replace(BotConfig(), name="By hand"))

    code, out, _ = run("plan")

    assert code == 0
    assert out.splitlines()[:2] == ['name: "BotGraph" -> "By hand"', "risk.max_open_positions: 3 -> 10"]


def test_history_has_a_line_for_each_version(operator: Operator, run: Run) -> None:
    code, out, _ = run("history", "-n", "5")
    newest, oldest = out.splitlines()

    assert code == 0
    assert newest.startswith("   2  ")
    assert newest.endswith("ADOPTED  P&L 0, errors 0, 1 changed, by k-1: a test wants it")
    assert oldest.endswith("ADOPTED  P&L 0, errors 0, 0 changed, by first start: imported")


def test_what_differs_between_versions_is_a_line_each(operator: Operator, run: Run) -> None:
    assert run("diff", "1", "2") == (0, "risk.max_open_positions: 10 -> 3\n", "")
    assert run("diff", "2", "2") == (0, "", "")


def test_the_schema_can_be_printed_written_and_compared(run: Run, tmp_path: Path) -> None:
    assert run("schema") == (0, schema_bytes().decode(), "")
    assert run("schema", "--out", str(tmp_path / "s.json"))[0] == 0
    assert (tmp_path / "s.json").read_bytes() == schema_bytes()
    assert run("schema", "--check") == (0, "", "")


@pytest.mark.usefixtures("home_with_tables")
def test_a_home_without_a_bot_is_told(run: Run) -> None:
    assert "No bot has been started in this home yet." in run("show")[2]
