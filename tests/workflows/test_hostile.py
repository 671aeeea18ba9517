"""Hostile definitions and parameters: each is refused with a code or becomes plain data; nothing is executed, and none takes long."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import yaml

from tests.fakes.set_clock import SetClock
from tests.workflows.definitions import VALID, defined, installed, loaded, scene_at
from tests.workflows.hostile import hostile_definition, hostile_parameters, hostile_value
from trading_bot.errors.catalogue import CATALOGUE
from trading_bot.errors.fault import Fault
from trading_bot.errors.shape import shown
from workflows.conditions import holds
from workflows.documents import parse_document
from workflows.installation import Installation
from workflows.library import read_folders
from workflows.load import parse_workflow, problems_of, workflow_of
from workflows.model import Parameter, ParameterType
from workflows.parameters import checked
from workflows.references import names, substituted
from workflows.steps.programs import Programs

REFUSALS = {"WF_001", "WF_002", "WF_004", "WF_006", "WF_007"}
EXECUTING = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.kill", "os.remove", "os.rename",
    "os.mkdir", "os.chmod", "shutil.", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "ctypes.", "pickle.find_class",
    "webbrowser.open", "import",
)  # fmt: skip
LONGEST_SECONDS = 5.0
RULES = tuple(
    Parameter(
        name=kind.value,
        type=kind,
        description="X.",
        default=None,
        is_required=False,
        min=None,
        max=None,
        values=("keep", "flatten") if kind is ParameterType.ENUM else (),
    )
    for kind in ParameterType
)
TYPES = {
    ParameterType.STRING: str,
    ParameterType.INTEGER: int,
    ParameterType.DECIMAL: str,
    ParameterType.BOOLEAN: bool,
    ParameterType.ENUM: str,
    ParameterType.DURATION: int,
}


class Witness:
    """Notes whatever this process would do to the world, while it is asked to look."""

    def __init__(self) -> None:
        self.is_looking = False
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.is_looking:
            return
        writes = event == "open" and (
            (isinstance(given[1], str) and bool(set(given[1]) & set("wax+")))
            or (isinstance(given[2], int) and bool(given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))
        )
        compiled = event == "exec" and str(getattr(given[0], "co_filename", "")).startswith("<s")
        if writes or compiled or event.startswith(EXECUTING):
            self.seen.append(f"{event} {str(given)[:200]}")

    @contextmanager
    def looking(self) -> Iterator[None]:
        self.is_looking = True
        try:
            yield
        finally:
            self.is_looking = False


WITNESS = Witness()


@pytest.fixture
def here(home: Path) -> Iterator[Installation]:
    with ThreadPoolExecutor(1) as workers:
        found = installed(home, clock=SetClock(), workers=workers)
        loaded(VALID, found.steps)  # what is loaded once is loaded before anybody looks
        holds("data == 1", {"data": 1})
        yield found


def test_the_witness_sees_what_is_done(tmp_path: Path) -> None:
    with WITNESS.looking():
        (tmp_path / "x").write_text("x")
        os.spawnv(os.P_WAIT, "/bin/true", ["true"])
    seen, WITNESS.seen = WITNESS.seen, []

    assert any(one.startswith("open") for one in seen)
    assert any(one.startswith(("os.spawn", "os.fork", "os.exec")) for one in seen)


def test_a_few_hundred_hostile_inputs_do_nothing(here: Installation) -> None:
    refused, taken = played(here, count=300, seed=7)

    assert refused > 200
    assert taken > 20


@pytest.mark.long
@pytest.mark.timeout(900)
def test_five_thousand_hostile_inputs_do_nothing(here: Installation) -> None:
    refused, taken = played(here, count=5_000, seed=11)

    assert refused > 3_000
    assert taken > 300


def played(here: Installation, *, count: int, seed: int) -> tuple[int, int]:
    """Half of them definitions, half of them parameters: how many were refused, and how many were taken as data."""
    chance = Random(seed)
    found: list[Fault] = []
    taken = 0
    for number in range(count):
        begun = time.process_time()
        with WITNESS.looking():
            try:
                if number % 2:
                    _define(here, hostile_definition(chance))
                else:
                    _send(chance, hostile_parameters(chance, tuple(rule.name for rule in RULES)))
                taken += 1
            except Fault as fault:
                found.append(fault)
        assert time.process_time() - begun < LONGEST_SECONDS, number
        assert WITNESS.seen == [], number
    assert {fault.code for fault in found} <= REFUSALS
    assert max(len(fault.cause) for fault in found) < 400
    assert max(len(orjson.dumps(shown(fault.semantic(now=SetClock().now())))) for fault in found) <= 1_200
    return len(found), taken


def _define(here: Installation, raw: bytes) -> None:
    """Load it; what is valid is the same after a run has kept it, and says of itself what it could do."""
    document = parse_document(raw, "hostile.yaml")
    problems = problems_of(document, here.steps)
    if problems:
        assert {problem.code for problem in problems} == {"WF_001"}
        raise problems[0]
    workflow = workflow_of(document, here.steps)
    assert parse_workflow(json.loads(json.dumps(workflow.definition)), here.steps) == workflow
    assert {here.steps.risk(step, {}) for step in workflow.steps} <= {
        here.steps.worst_risk(step) for step in workflow.steps
    }


def _send(chance: Random, sent: Any) -> None:
    """Check it; what passes is of its type, is put in whole, and is never read again."""
    values = checked(RULES, sent)
    for rule in RULES:
        value = values[rule.name]
        assert value is None or type(value) is TYPES[rule.type]
        assert value is None or not isinstance(value, str) or len(value) <= 500
    scene = scene_at(SetClock(), parameters=values)
    given = {rule.name: f"${{{{ parameters.{rule.name} }}}}" for rule in RULES}
    assert substituted(given, names(scene)) == values
    truth = holds("parameters.string == parameters.string", names(scene))
    assert truth is True


def test_a_hostile_value_reaches_a_program_as_one_argument_or_not_at_all(home: Path) -> None:
    """The widest pattern that there is; the program says what it was given, and that it was given to it alone."""
    program = home / "show"
    program.write_text("#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o700)
    listed = {
        "show": {"description": "S.", "path": str(program), "arguments": ["{x}", "end"], "patterns": {"x": "(?s).*"}}
    }
    (home / "config").mkdir()
    (home / "config" / "workflow_allow.yaml").write_text(yaml.safe_dump({"programs": listed}))
    programs = Programs(allow_file=home / "config" / "workflow_allow.yaml", folder=home)
    chance, codes = Random(3), set[str]()

    async def sent() -> int:
        count = 0
        for value in (hostile_value(chance) for _ in range(40)):
            try:
                output = await programs.run({"program": "show", "arguments": {"x": value}}, scene_at(SetClock()))
            except Fault as fault:
                codes.add(fault.code)
                continue
            assert json.loads(output["stdout"]) == [str(value), "end"]
            count += 1
        return count

    reached = asyncio.run(sent())
    assert reached >= 5
    assert codes == {"WF_006"}
    assert sorted(path.name for path in home.iterdir()) == ["config", "show"]


def test_what_is_no_regular_file_is_not_read(home: Path, here: Installation) -> None:
    """Reading a pipe would wait for ever, and /dev/zero has no end."""
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.yaml")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "gone.yaml").symlink_to("/nowhere")
    (folder / "huge.yaml").write_bytes(b"#" * 20_000_000)
    begun = time.process_time()
    found = read_folders((folder,), here.steps)

    assert [problem.cause for problem in found.problems] == ["huge.yaml, line 1: The file has more than 65536 bytes."]
    assert time.process_time() - begun < 1


def test_every_refusal_stands_in_the_catalogue() -> None:
    assert CATALOGUE.keys() >= REFUSALS


def test_a_workflow_of_the_operator_can_not_start_another(here: Installation) -> None:
    with pytest.raises(Fault, match="there is no operation `workflowExecute` for a step"):
        loaded(
            defined(
                step={
                    "action_type": "api_call",
                    "parameters": {"operation": "workflowExecute"},
                    "validation": {"status": "OK"},
                }
            ),
            here.steps,
        )
