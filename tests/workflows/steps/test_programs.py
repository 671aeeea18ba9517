"""Programs of the operator's list, run for real: their arguments, their end, and everything that is refused."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.definitions import scene_at
from tests.workflows.steps.stepping import Moving, beside, ending, refused, run, step_of
from trading_bot.domain.commands import CommandStatus, RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.store import commands
from trading_bot.store.store import Store
from workflows.installation import Installation
from workflows.steps.allowance import fits, is_pattern, read_allowance

SHOWS = """#!/usr/bin/env python3
import json, os, sys
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))
"""
SLEEPER = '#!/bin/sh\nsleep 60 &\necho $! > "$1"\nwait\n'


def program(home: Path, name: str, text: str) -> str:
    file = home / name
    file.write_text(text)
    file.chmod(0o700)
    return str(file)


def test_a_program_gets_its_arguments_as_they_are_and_nothing_else(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    path = program(home, "show", SHOWS)
    allow(
        programs={
            "show": {
                "description": "Shows.",
                "path": path,
                "arguments": ["--of", "{what}"],
                "patterns": {"what": ".{1,100}"},
            }
        }
    )
    step = step_of(here, "command", {"program": "show", "arguments": {"what": "${{ parameters.x }}"}}, {"exit_code": 0})
    hostile = "$(touch /tmp/x); `id` && echo *| cat '\"; ${{ run.id }}"
    output = run(here, step, scene_at(clock, parameters={"x": hostile}))

    argv, environment, folder = json.loads(output["stdout"])
    assert argv == ["--of", hostile]
    assert environment["BOTGRAPH_IDEMPOTENCY_KEY"] == "5a6cf1a4-0d6a-4b57-9c36-2d6a54b1f0ab:only"
    assert sorted(set(environment) - {"LC_CTYPE"}) == ["BOTGRAPH_IDEMPOTENCY_KEY", "LANG", "LC_ALL", "PATH"]
    assert folder == str(home)
    assert (output["exit_code"], output["stderr"], output["is_cut"]) == (0, "", False)


def test_the_exit_code_decides(home: Path, here: Installation, allow: Callable[..., None], clock: Moving) -> None:
    path = program(home, "fail", "#!/bin/sh\necho out; echo it is broken >&2; exit 3\n")
    allow(programs={"fail": {"description": "Fails.", "path": path, "arguments": []}})
    fault = refused("WF_004", here, step_of(here, "command", {"program": "fail"}, {"exit_code": 0}), scene_at(clock))

    assert fault.cause == "`only`: expected exit_code 0, was 3."
    assert fault.context["untrusted"] == "it is broken\n"
    assert (
        run(here, step_of(here, "command", {"program": "fail"}, {"exit_code": 3}), scene_at(clock))["stdout"] == "out\n"
    )


def test_what_a_program_says_is_capped(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    path = program(home, "loud", "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\n")
    allow(programs={"loud": {"description": "Loud.", "path": path, "arguments": []}})
    output = run(here, step_of(here, "command", {"program": "loud"}, {"exit_code": 0}), scene_at(clock))

    assert (len(output["stdout"]), output["is_cut"]) == (16_384, True)


def test_a_program_that_is_cancelled_is_killed_with_all_that_it_started(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    path, noted = program(home, "sleeper", SLEEPER), home / "pid"
    allow(programs={"sleeper": {"description": "Sleeps.", "path": path, "arguments": [str(noted)]}})
    step = step_of(here, "command", {"program": "sleeper"}, {"exit_code": 0})

    async def cancelled() -> int:
        task = asyncio.create_task(here.steps.run(step, scene_at(clock)))
        while not noted.exists() or not noted.read_text().strip():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return int(noted.read_text())

    assert has_ended(asyncio.run(cancelled()))


def test_what_a_program_leaves_behind_ends_with_it(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    noted = home / "pid"
    path = program(home, "leaver", f"#!/bin/sh\nsleep 60 &\necho $! > {noted}\n")
    allow(programs={"leaver": {"description": "Leaves.", "path": path, "arguments": []}})
    run(here, step_of(here, "command", {"program": "leaver"}, {"exit_code": 0}), scene_at(clock))

    assert has_ended(int(noted.read_text()))


def has_ended(pid: int) -> bool:
    """Whether a process that was killed is gone, or dead and only not yet waited for; the kernel may take a moment."""
    begun = time.monotonic()
    while time.monotonic() < begun + 5:
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    "value", ["-rf", "--output=/etc/passwd", "a b", "../x", "", "x" * 41, "a\n", True, None, ["a"]]
)
def test_a_value_that_does_not_match_is_refused_and_nothing_runs(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving, value: Any
) -> None:
    noted = home / "ran"
    path = program(home, "note", f"#!/bin/sh\ntouch {noted}\n")
    allow(
        programs={
            "note": {
                "description": "Notes.",
                "path": path,
                "arguments": ["{name}"],
                "patterns": {"name": "[a-z-]{1,40}"},
            }
        }
    )
    step = step_of(here, "command", {"program": "note", "arguments": {"name": "${{ parameters.x }}"}}, {"exit_code": 0})
    fault = refused("WF_006", here, step, scene_at(clock, parameters={"x": value}))

    assert fault.cause == "The argument `name` does not match its pattern."
    assert not noted.exists()


def test_a_program_that_is_taken_off_the_list_is_refused_at_once(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    path = program(home, "note", f"#!/bin/sh\ntouch {home / 'ran'}\n")
    listed = {"note": {"description": "Notes.", "path": path, "arguments": []}}
    allow(programs=listed)
    step = step_of(here, "command", {"program": "note"}, {"exit_code": 0})
    allow(programs={})
    fault = refused("WF_006", here, step, scene_at(clock))

    assert fault.cause == "The program is not on the allow-list."
    assert not (home / "ran").exists()


def test_a_program_that_others_may_change_by_now_is_refused_at_once(
    home: Path, here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    path = program(home, "note", f"#!/bin/sh\ntouch {home / 'ran'}\n")
    allow(programs={"note": {"description": "Notes.", "path": path, "arguments": []}})
    step = step_of(here, "command", {"program": "note"}, {"exit_code": 0})
    Path(path).chmod(0o722)
    fault = refused("WF_001", here, step, scene_at(clock))

    assert fault.cause.endswith("program `note`: others than its owner may change it.")
    assert not (home / "ran").exists()


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"path": "/bin/sh", "arguments": []}, "it runs whatever it is given"),
        ({"path": "/usr/bin/env", "arguments": []}, "it runs whatever it is given"),
        ({"path": "/nowhere/at/all", "arguments": []}, "it can't be looked at: No such file or directory"),
        ({"path": "/etc", "arguments": []}, "it is not an executable file"),
        ({"path": "bin/true", "arguments": []}, "expected an absolute path"),
        ({"path": "/bin/true", "arguments": ["{x}"]}, "each `{name}` needs a pattern"),
        ({"path": "/bin/true", "arguments": [], "patterns": {"x": "a"}}, "each `{name}` needs a pattern"),
        ({"path": "/bin/true", "arguments": ["{x}"], "patterns": {"x": "("}}, "a pattern is no regular expression"),
        ({"path": "/bin/true", "arguments": [], "shell": True}, "`programs.bad.shell`: it is not known here"),
    ],
)  # fmt: skip
def test_a_list_that_is_wrong_allows_nothing(
    home: Path, allow: Callable[..., None], values: dict[str, Any], cause: str
) -> None:
    allow(programs={"bad": {"description": "Bad.", **values}})
    with pytest.raises(Fault, match="WF_001") as raised:
        read_allowance(home / "config" / "workflow_allow.yaml")

    assert cause in raised.value.cause


def test_a_program_that_others_may_change_is_not_allowed(home: Path, allow: Callable[..., None]) -> None:
    path = program(home, "open", "#!/bin/sh\n")
    Path(path).chmod(0o757)
    allow(programs={"open": {"description": "Open.", "path": path, "arguments": []}})

    with pytest.raises(Fault, match="others than its owner may change it"):
        read_allowance(home / "config" / "workflow_allow.yaml")


def test_a_list_that_others_may_change_allows_nothing(home: Path, allow: Callable[..., None]) -> None:
    allow(programs={})
    (home / "config" / "workflow_allow.yaml").chmod(0o666)

    with pytest.raises(Fault, match="WF_001.*others than its owner may change this file"):  # noqa: RUF043 - meant
        read_allowance(home / "config" / "workflow_allow.yaml")


@pytest.mark.parametrize(
    ("pattern", "text", "is_so"),
    [
        ("[a-z]+", "abc", True),
        ("[a-z]+", "abc\n", False),
        ("[a-z]+", "abc; rm", False),
        ("a|b", "ab", False),
        ("(?s).*", "any\nthing", True),
        ("(a+)+", "a" * 900 + "!", False),
        ("(x+x+)+y", "x" * 900, False),
    ],
)
def test_a_pattern_is_matched_as_a_whole_and_soon(*, pattern: str, text: str, is_so: bool) -> None:
    begun = time.process_time()

    assert fits(pattern, text) is is_so
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("pattern", ["(", "a)|(b", "(?=x)", "\\1", "[z-a]"])
def test_what_is_no_pattern_is_none(pattern: str) -> None:
    assert not is_pattern(pattern)


@pytest.mark.parametrize(
    ("given", "validation", "cause"),
    [
        ({"arguments": {"name": "ok"}}, {"status": "DONE"}, "a program's success is its exit code"),
        ({}, {"exit_code": 0}, "expected the arguments `name`"),
        ({"arguments": {"name": "ok", "more": "x"}}, {"exit_code": 0}, "expected the arguments `name`"),
        ({"arguments": {"name": "NO"}}, {"exit_code": 0}, "`name` does not match its pattern"),
    ],
)
def test_a_step_that_can_not_run_its_program_is_not_loaded(
    here: Installation, allow: Callable[..., None], given: dict[str, Any], validation: dict[str, Any], cause: str
) -> None:
    listed = {"path": "/bin/true", "arguments": ["{name}"], "patterns": {"name": "[a-z]+"}, "risk": "LOW"}
    allow(programs={"true": {"description": "Does nothing.", **listed}})

    with pytest.raises(Fault, match="WF_001") as raised:
        step_of(here, "command", {"program": "true", **given}, validation)
    assert cause in raised.value.cause


def test_a_program_is_rehearsed_by_its_name_and_risk(
    here: Installation, allow: Callable[..., None], clock: Moving
) -> None:
    allow(programs={"true": {"description": "Does nothing.", "path": "/bin/true", "arguments": [], "risk": "LOW"}})
    step = step_of(here, "command", {"program": "true"}, {"exit_code": 0})
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert (found.effect, found.risk) == ("The program /bin/true is run: Does nothing.", RiskLevel.LOW)
    assert (step.is_repeatable, here.steps.writes(step), here.steps.needed_scope(step)) == (False, True, Scope.OPERATE)
    allow(programs={})
    assert here.steps.worst_risk(step) is RiskLevel.HIGH


@pytest.mark.parametrize("symbols", ["SPY", [], ["SPY"] * 51, [5], ["x" * 129]])
def test_a_list_of_names_is_checked_entry_by_entry(
    here: Installation, store: Store, clock: Moving, symbols: Any
) -> None:
    step = step_of(
        here, "command", {"command": "close", "arguments": {"symbols": "${{ parameters.x }}"}}, {"status": "DONE"}
    )

    assert "`symbols`" in refused("WF_002", here, step, scene_at(clock, parameters={"x": symbols})).cause
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


def test_names_are_closed_one_by_one(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "close", "arguments": {"symbols": ["SPY"]}}, {"status": "DONE"})
    output = asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.DONE)))

    with store.reading("main") as r:
        kept = commands.find_command(r, output["command_id"])
    assert kept is not None
    assert kept.parameters == {"symbols": ["SPY"]}
