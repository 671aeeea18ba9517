"""`botgraph workflow lint`: file, line, cause and remedy, and an exit code for whoever asks in a script."""

from functools import partial
from pathlib import Path

import pytest

from tests.terminal.conftest import typed  # noqa: F401 - the fixture
from tests.terminal.typed_commands import Run
from tests.workflows.definitions import VALID, defined, text_of


@pytest.fixture
def lint(typed: Run, home: Path) -> Run:  # noqa: F811 - the fixture
    return partial(typed, "workflow", "lint")


def test_a_home_without_own_workflows_has_a_sound_library(lint: Run, home: Path) -> None:
    assert lint() == (0, "10 checked, 0 problems\n", "")
    assert list(home.iterdir()) == []


def test_own_workflows_and_the_allow_list_are_looked_at(lint: Run, home: Path) -> None:
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "tidy-up.yaml").write_text(text_of(VALID))
    (folder / "broken.yaml").write_text(text_of(defined(id="broken", owner="me", steps=[])))
    (home / "config" / "workflow_allow.yaml").write_text(
        "programs: {sh: {description: A., path: /bin/sh, arguments: []}}\n"
    )
    code, out, _ = lint()

    assert code == 1
    assert out.splitlines() == [
        (
            "workflow_allow.yaml:1: WF_001: program `sh`: it runs whatever it is given. "
            "Name a program that does one thing, which only its owner may change."
        ),
        "broken.yaml:15: WF_001: `steps`: expected at least 1 entries. Write at least 1 entries.",
        (
            "broken.yaml:25: WF_001: `owner`: it is not known here. "
            "Use one of id, name, description, timeout_seconds, preempts, parameters, validation_rules, steps, rollback_procedure."
        ),
        "12 checked, 3 problems",
    ]


def test_single_files_can_be_looked_at(lint: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "tidy-up.yaml", tmp_path / "bad.yaml"
    good.write_text(text_of(VALID))
    bad.write_text("id: bad\nid: worse\n")

    assert lint(str(good)) == (0, "1 checked, 0 problems\n", "")
    assert lint(str(good), str(bad)) == (1, "bad.yaml:2: WF_001: `id` is given twice.\n2 checked, 1 problems\n", "")


def test_a_file_that_is_not_there_is_told(lint: Run, tmp_path: Path) -> None:
    code, out, told = lint(str(tmp_path / "gone.yaml"))

    assert (code, out) == (2, "")
    assert told == f"{tmp_path / 'gone.yaml'}: there is no such file\n"


def test_the_folder_of_own_workflows_can_be_another(lint: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "tidy-up.yaml").write_text(text_of(VALID))
    monkeypatch.setenv("BOTGRAPH_WORKFLOWS_DIR", str(folder))

    assert lint() == (0, "11 checked, 0 problems\n", "")
