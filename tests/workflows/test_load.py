"""Definitions: what is valid, what is refused with file and line, and what is made of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.docs.pages import blocks
from tests.fakes.set_clock import SetClock
from tests.workflows.definitions import VALID, defined, installed, loaded, text_of
from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows import schema
from workflows.documents import MAX_BYTES, parse_document, read_document
from workflows.installation import Installation
from workflows.library import OUR_FOLDER, definitions_in, lint_file, read_folders
from workflows.load import parse_workflow, problems_of
from workflows.model import ParameterType, rollback_of
from workflows.steps import allowance

ALIASES = b"""a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: [*b, *b, *b, *b, *b, *b, *b, *b, *b]
"""
COMMAND = {"command": "pause"}


@pytest.fixture
def here(home: Path) -> Iterator[Installation]:
    with ThreadPoolExecutor(1) as workers:
        yield installed(home, clock=SetClock(), workers=workers)


def test_a_definition_becomes_a_workflow(here: Installation) -> None:
    found = loaded(VALID, here.steps)
    pause = found.parameter_rules[0]

    assert (found.id, found.risk, found.scope, found.reads_only) == ("tidy-up", RiskLevel.MEDIUM, Scope.OPERATE, False)
    assert (pause.type, pause.default, pause.max, pause.is_required) == (ParameterType.DURATION, 5, 60, False)
    assert [(step.id, step.timeout_seconds, step.is_repeatable) for step in found.steps] == [
        ("pause", 60, True),
        ("rest", 300, True),
    ]
    assert found.timeout_seconds == 360
    assert found.rollback_procedure == ("go-on: Resume.",)
    assert found.preconditions[0].otherwise == "The bot is offline."


def test_a_run_keeps_a_definition_that_makes_the_same_workflow(here: Installation) -> None:
    found = loaded(VALID, here.steps)

    assert parse_workflow(found.definition, here.steps) == found


def test_the_steps_that_undo_count_for_risk_and_scope(here: Installation) -> None:
    reads = {"action_type": "api_call", "parameters": {"operation": "botHealth"}, "validation": {"status": "OK"}}
    undo = {
        **VALID["rollback_procedure"][0],
        "undoes": "only",
        "parameters": {"command": "close", "arguments": {"symbols": ["SPY"]}},
    }
    plain, risky = (loaded(defined(step=reads, rollback_procedure=after), here.steps) for after in ([], [undo]))

    assert (plain.risk, plain.scope, plain.reads_only) == (RiskLevel.LOW, Scope.OPERATE, True)
    assert (risky.risk, risky.scope, risky.reads_only) == (RiskLevel.HIGH, Scope.ADMIN, False)


def test_a_run_that_was_begun_can_go_back_when_a_command_is_gone(here: Installation) -> None:
    gone = defined(step={"parameters": {"command": "dance"}})

    assert parse_workflow(gone, here.steps).risk is RiskLevel.HIGH
    with pytest.raises(Fault, match="no command of that name"):
        loaded(gone, here.steps)


def test_what_was_begun_is_undone_in_reverse_and_nothing_else(here: Installation) -> None:
    steps = [{**VALID["steps"][0], "id": name} for name in ("one", "two", "three")]
    undo = [
        {**VALID["rollback_procedure"][0], "id": f"undo-{name}", "undoes": name} for name in ("two", "one", "three")
    ]
    tidy = {**undo[0], "id": "tidy"}
    del tidy["undoes"]
    found = loaded(defined(steps=steps, rollback_procedure=[tidy, *undo]), here.steps)

    assert [step.id for step in rollback_of(found, {"one", "two"})] == ["tidy", "undo-two", "undo-one"]
    assert [step.id for step in rollback_of(found, ())] == ["tidy"]


@pytest.mark.parametrize(
    ("changed", "line", "cause"),
    [
        ({"id": "Tidy_Up"}, 1, "`id`: expected lower-case words joined by hyphens"),
        ({"id": None}, 1, "`id` is missing"),
        ({"steps": []}, 15, "`steps`: expected at least 1 entries"),
        ({"steps": VALID["steps"] * 11}, 15, "`steps`: expected at most 20 entries"),
        ({"rollback_procedure": None}, 1, "`rollback_procedure` is missing"),
        ({"owner": "me"}, 40, "`owner`: it is not known here"),
        ({"step": {"parameters": COMMAND, "action_type": "shell"}}, 18, "one of command, api_call, validation, wait"),
        ({"step": {"parameters": COMMAND, "timeout_seconds": 1801}}, 23, "expected at most 1800"),
        ({"step": {"parameters": COMMAND, "timeout_seconds": 0}}, 23, "expected at least 1"),
        ({"step": {"parameters": {**COMMAND, "arguments": {"x": "y" * 4000}}}}, 21, "`steps[0].parameters` has 4040 bytes as JSON"),
        ({"parameters": {f"p{n}": {"type": "string", "description": "é" * 300} for n in range(9)}}, 4, "at most 4000 are allowed"),
        ({"validation_rules": {f"r{n}": {"condition": "true", "otherwise": "é" * 160} for n in range(20)}}, 10, "at most 4000 are allowed"),
        ({"description": "é" * 1000}, 3, "`description` has 2002 bytes as JSON, at most 2000 are allowed"),
        ({"step": {"parameters": COMMAND, "validation": {}}}, 19, "`steps[0].validation`: expected at least 1 entries"),
        ({"step": {"parameters": {"run": "rm -rf /"}}}, 22, "`steps[0].parameters.run`: it is not known here"),
        ({"step": {"parameters": {"command": "rm -rf /"}}}, 22, "expected lower-case words joined by hyphens"),
        ({"step": {"parameters": {"command": "dance"}}}, 22, "There is no command of that name"),
        ({"step": {"parameters": {**COMMAND, "arguments": {"x": 1}}}}, 24, "`x` is no argument of `pause`"),
        ({"step": {"parameters": {"command": "stop", "arguments": {"policy": "burn"}}}}, 24, "one of keep, cancel, flatten"),
        ({"step": {"parameters": {"command": "close"}}}, 21, "the argument `symbols` is missing"),
        ({"step": {"parameters": {"program": "rm"}}}, 22, "not on the allow-list"),
        ({"step": {"parameters": COMMAND, "validation": {"exit_code": 0}}}, 20, "a named command has no exit code"),
        ({"step": {"parameters": COMMAND, "when": "1 +"}}, 23, "not a CEL expression"),
        ({"step": {"parameters": COMMAND, "when": "secrets.x == 1"}}, 23, "there is no `secrets`"),
        ({"step": {"parameters": {"command": "stop", "arguments": {"policy": "x ${{ run.id }}"}}}}, 24, "inside other text"),
        ({"step": {"parameters": {"command": "stop", "arguments": {"policy": "${{ parameters.x }}"}}}}, 24, "no `parameters.x`"),
        ({"step": {"parameters": {"command": "stop", "arguments": {"policy": "${{ env.HOME }}"}}}}, 24, "no `env.HOME`"),
        ({"step": {"parameters": {"command": "stop", "arguments": {"policy": "${{ steps.only.x }}"}}}}, 24, "no `steps.only.x`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    here: Installation, changed: dict[str, Any], line: int, cause: str
) -> None:
    found = problems_of(parse_document(text_of(defined(**changed)).encode(), "tidy-up.yaml"), here.steps)
    told = [problem.context for problem in found if cause in problem.cause]

    assert [(one["file"], one["line"]) for one in told] == [("tidy-up.yaml", line)], [one.cause for one in found]
    assert told[0]["remedy"]


@pytest.mark.parametrize(
    ("kind", "parameters", "validation", "cause"),
    [
        ("api_call", {"operation": "dropTables"}, {"status": "OK"}, "there is no operation `dropTables`"),
        ("api_call", {"operation": "workflowExecute"}, {"status": "OK"}, "there is no operation `workflowExecute`"),
        ("api_call", {"operation": "fills", "variables": {"limit": 1}}, {"status": "OK"}, "no variable `limit`"),
        ("api_call", {"operation": "command"}, {"status": "OK"}, "the operation needs the variable `id`"),
        ("api_call", {"operation": "botPause", "variables": {"dryRun": True}}, {"status": "OK"}, "filled in by the step"),
        ("api_call", {"host": "evil", "path": ["x"]}, {"response_code": 200}, "The host is not on the allow-list"),
        ("api_call", {"url": "http://evil"}, {"response_code": 200}, "`steps[0].parameters.url`: it is not known here"),
        ("validation", {"operation": "botPause"}, {"condition": "data == null"}, "`botPause` writes"),
        ("validation", {"operation": "botHealth"}, {"status": "OK"}, "`condition` is missing"),
        ("wait", {"seconds": "soon"}, {"status": "ELAPSED"}, "expected 0 to 1800 seconds"),
        ("wait", {"seconds": 1801}, {"status": "ELAPSED"}, "expected 0 to 1800 seconds"),
        ("wait", {"seconds": 301}, {"status": "ELAPSED"}, "longer than the step's timeout"),
        ("wait", {"seconds": 3}, {"status": "DONE"}, "expected `ELAPSED`"),
    ],
)  # fmt: skip
def test_each_kind_of_step_is_looked_at(
    here: Installation, kind: str, parameters: dict[str, Any], validation: dict[str, Any], cause: str
) -> None:
    values = defined(step={"action_type": kind, "parameters": parameters, "validation": validation})
    found = problems_of(parse_document(text_of(values).encode(), "tidy-up.yaml"), here.steps)

    assert len([problem for problem in found if cause in problem.cause]) == 1, [one.cause for one in found]


@pytest.mark.parametrize(
    ("declared", "cause"),
    [
        ({"type": "text"}, "expected one of string, integer, decimal, boolean, enum, duration"),
        ({"type": "enum"}, "`values` belongs to an enum"),
        ({"type": "integer", "values": ["1"]}, "`values` belongs to an enum"),
        ({"type": "boolean", "min": 1}, "no `min` and no `max`"),
        ({"type": "integer", "min": "low"}, "`min` is no value of this type"),
        ({"type": "integer", "default": 5, "max": 4}, "the default of `x`: expected a whole number"),
        ({"type": "duration", "default": "forever"}, "the default of `x`: expected 0 to 86400 seconds"),
        ({"type": "enum", "values": ["a"], "default": "b"}, "the default of `x`: expected one of a"),
    ],
)
def test_a_parameter_that_contradicts_itself_is_refused(
    here: Installation, declared: dict[str, Any], cause: str
) -> None:
    parameters = {"x": {"description": "X.", **declared}}

    with pytest.raises(Fault, match="WF_001") as raised:
        loaded(defined(step={"parameters": COMMAND}, parameters=parameters), here.steps)

    assert cause in raised.value.cause


@pytest.mark.parametrize(
    ("raw", "line", "cause"),
    [
        (b"id: x\nid: y\n", 2, "`id` is given twice"),
        (ALIASES, 1, "anchors and aliases are not allowed"),
        (b"id: !!python/object/apply:os.system ['true']\n", 1, "tags are not allowed"),
        (b"id: !!binary aGk=\n", 1, "tags are not allowed"),
        (b"id: [" + b"[" * 40 + b"]" * 40 + b"]", 1, "too deep, or too many values"),
        (b"x: [" + b"1," * 6000 + b"]", 1, "too deep, or too many values"),
        (b"id: 'x\n", 2, "unexpected end of stream"),
        (b"\xff\xfe\x00", 1, "truncated data"),
        (b"id: \x00", 1, "special characters are not allowed"),
        (b'id: "\\x01"', 1, "text can't hold this character"),
        (b"? [a, b]\n: c\n", 1, "a key must be a short text"),
        (b"x: " + b"y" * MAX_BYTES, 1, "more than 65536 bytes"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(raw: bytes, line: int, cause: str) -> None:
    with pytest.raises(Fault, match="WF_001") as raised:
        parse_document(raw, "bad.yaml")

    assert cause in raised.value.cause
    assert raised.value.context["line"] == line


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="WF_001.*The file can't be read: Is a directory"):  # noqa: RUF043 - meant
        read_document(tmp_path)


def test_words_are_text_and_numbers_are_numbers() -> None:
    raw = b"{a: yes, b: 12:30, c: 1_000, d: 0o17, e: 2026-03-02, f: 12, g: -1.5, h: true, i: null, j: .inf, k: 1e9, l: 00}"
    found = parse_document(raw, "x.yaml").values

    assert found == {
        "a": "yes", "b": "12:30", "c": "1_000", "d": "0o17", "e": "2026-03-02",
        "f": 12, "g": -1.5, "h": True, "i": None, "j": ".inf", "k": "1e9", "l": "00",
    }  # fmt: skip


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_its_lines(here: Installation) -> None:
    wrong = defined(id="Bad Id", name="", steps=[{"id": "a"}])
    found = problems_of(parse_document(text_of(wrong).encode(), "bad.yaml"), here.steps)

    lines = [problem.context["line"] for problem in found]
    assert len(found) == 6
    assert lines == sorted(lines)


def test_the_library_is_read_anew_when_a_file_changes(home: Path, here: Installation) -> None:
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    before = set(here.library.read().workflows)
    (folder / "tidy-up.yaml").write_text(text_of(VALID))

    assert "tidy-up" not in before
    assert here.library.find("tidy-up").name == "Tidy up"
    (folder / "tidy-up.yaml").write_text(text_of(defined(name="Tidy up more")))
    assert here.library.find("tidy-up").name == "Tidy up more"
    (folder / "tidy-up.yaml").unlink()
    with pytest.raises(Fault, match="QRY_005"):
        here.library.find("tidy-up")


def test_a_broken_file_takes_itself_out_and_nothing_else(home: Path, here: Installation) -> None:
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text("id: [")
    (folder / "other-name.yaml").write_text(text_of(VALID))
    (folder / "safe-shutdown.yaml").write_text(text_of(defined(id="safe-shutdown")))
    (folder / "tidy-up.yaml").write_text(text_of(VALID))
    (folder / "folder.yaml").mkdir()
    found = here.library.read()

    assert found.workflows["tidy-up"].name == "Tidy up"
    assert found.workflows["safe-shutdown"].name == "Shut the bot down safely"
    own = [problem.cause for problem in found.problems if problem.context["file"] in {"broken.yaml", "other-name.yaml"}]
    assert own[1] == "other-name.yaml, line 1: the id is `tidy-up`, the file's name `other-name`."
    assert "there is a workflow `safe-shutdown` already" in str([problem.cause for problem in found.problems])
    with pytest.raises(Fault, match="WF_001"):
        here.library.find("broken")


def test_an_unknown_workflow_names_the_closest(here: Installation) -> None:
    with pytest.raises(Fault, match="QRY_005") as raised:
        here.library.find("safe-shutdwon")

    assert raised.value.context["closest"][0] == "safe-shutdown"


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(schema._validator(schema.FILE).schema)
    Draft202012Validator.check_schema(schema._validator(allowance.SCHEMA).schema)


@pytest.mark.parametrize("file", definitions_in(OUR_FOLDER), ids=lambda file: file.stem)
def test_every_workflow_of_the_library_is_valid(here: Installation, file: Path) -> None:
    assert [problem.cause for problem in lint_file(file, here.steps)] == []


def test_a_folder_that_is_not_there_has_no_workflows(here: Installation, tmp_path: Path) -> None:
    found = read_folders((tmp_path / "nowhere",), here.steps)

    assert (dict(found.workflows), found.problems) == ({}, ())


def test_the_examples_of_the_guide_are_valid(home: Path, here: Installation) -> None:
    examples = [
        block.text for block in blocks("docs/operate.md") if block.language == "yaml" and "description:" in block.text
    ]
    definition, allowed = (parse_document(text.encode(), "pause-a-while.yaml") for text in examples)

    assert [problem.cause for problem in problems_of(definition, here.steps)] == []
    assert {problem.cause.partition(": ")[2] for problem in allowance.allowance_problems(allowed)} <= {
        "program `rotate-logs`: it can't be looked at: No such file or directory."
    }
