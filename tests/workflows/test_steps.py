"""Steps, carried out for real: commands in a store, programs and requests of the operator's list, conditions over the graph, waits."""

import asyncio
import http.server
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.doors.operations import Operations
from graph.schema import build_schema
from tests.api import test_operations_port
from tests.api.conftest import NOW, seeded_store  # noqa: F401 - the fixture
from tests.api.test_operations_port import operations  # noqa: F401 - the fixture
from tests.fakes.standing_clock import StandingClock
from tests.workflows.definitions import caller, defined, installed, loaded, scene_at
from trading_bot.domain.commands import Caller, CommandKind, CommandStatus, RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.store import commands
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store
from workflows.installation import Installation
from workflows.model import SYSTEM, Scene, Step, Wake
from workflows.steps.allowance import fits, is_pattern, read_allowance
from workflows.steps.requests import Requests
from workflows.steps.success import require_success

Run = Callable[..., Any]
SHOWS = """#!/usr/bin/env python3
import json, os, sys
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))
"""
SLEEPER = '#!/bin/sh\nsleep 60 &\necho $! > "$1"\nwait\n'


class Moving(StandingClock):
    """Goes on by sleeping, and lets everything else have its turn."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await super().sleep(0.001)


@pytest.fixture(scope="module", autouse=True)
def _one_schema() -> Iterator[None]:
    """Built once: it is the same for all tests here, and takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_operations_port, "build_schema", cache(build_schema))
        yield


@pytest.fixture
def clock() -> Moving:
    return Moving(NOW)


@pytest.fixture
def store(tmp_path: Path, seeded_store: Path, clock: Moving) -> Iterator[Store]:  # noqa: F811 - the fixture
    """The demo bot's store."""
    file = tmp_path / "botgraph.db"
    if not file.exists():  # the operations, where a test has them, answer from the same one
        file.write_bytes(seeded_store.read_bytes())
    engine = open_engine(f"sqlite:///{file}")
    yield Store(engine, clock)
    engine.dispose()


@pytest.fixture
def here(home: Path, store: Store, clock: Moving) -> Iterator[Installation]:
    """An installation whose operations can be looked up and not run."""
    with ThreadPoolExecutor(2) as workers:
        yield installed(home, clock=clock, workers=workers, store=store)


@pytest.fixture
def graph(home: Path, operations: Operations, store: Store, clock: Moving) -> Iterator[Installation]:  # noqa: F811 - the fixture
    """An installation whose operations answer from the demo bot's store."""
    with ThreadPoolExecutor(2) as workers:
        yield installed(home, clock=clock, workers=workers, store=store, operations=operations)


@pytest.fixture
def allow(home: Path) -> Callable[..., None]:
    """Writes the allow-list."""

    def write(**values: Any) -> None:
        folder = home / "config"
        folder.mkdir(exist_ok=True)
        (folder / "workflow_allow.yaml").write_text(yaml.safe_dump(values))

    return write


def step_of(here: Installation, kind: str, parameters: dict[str, Any], validation: dict[str, Any], **more: Any) -> Step:
    """The one step of a definition, loaded as every definition is."""
    given = {"action_type": kind, "parameters": parameters, "validation": validation, **more}
    declared = {
        "x": {"type": "string", "description": "X.", "default": "x"},
        "seconds": {"type": "duration", "description": "S.", "default": 9},
    }
    return loaded(defined(step=given, parameters=declared), here.steps).steps[0]


def run(here: Installation, step: Step, scene: Scene) -> Any:
    return asyncio.run(here.steps.run(step, scene))


def refused(code: str, here: Installation, step: Step, scene: Scene) -> Fault:
    with pytest.raises(Fault, match=code) as raised:
        run(here, step, scene)
    return raised.value


# ---- commands ----


def ending(
    store: Store, status: CommandStatus, outcome: dict[str, Any] | None = None
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Plays the bot: ends the next command that it finds."""

    async def play() -> None:
        while True:
            with store.writing("main") as w:
                for command in commands.list_pending_commands(w):
                    error = (
                        Fault("BOT_003", "The bot is stopped.").semantic(now=w.now)
                        if status is CommandStatus.FAILED
                        else None
                    )
                    commands.save_command(
                        w, replace(command, status=status, executed_at=w.now, outcome=outcome, error=error)
                    )
                    return
            await asyncio.sleep(0.001)

    return play


async def beside(work: Coroutine[Any, Any, Any], play: Callable[[], Coroutine[Any, Any, None]]) -> Any:
    playing = asyncio.create_task(play())
    try:
        return await asyncio.wait_for(work, 10)
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing


def test_a_command_is_done_when_the_bot_has_verified_it(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"})
    work = here.steps.run(step, scene_at(clock))
    output = asyncio.run(beside(work, ending(store, CommandStatus.DONE, {"runState": "PAUSED"})))

    with store.reading("main") as r:
        kept = commands.find_command(r, output["command_id"])
    assert output["status"] == "DONE"
    assert output["outcome"] == {"runState": "PAUSED"}
    assert kept is not None
    assert (kept.kind, kept.user, kept.reason) == (CommandKind.PAUSE, "k1", "Because the test says so.")


def test_a_command_that_fails_fails_the_step(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "resume"}, {"status": "DONE"})
    with pytest.raises(Fault, match="WF_004.*RESUME ended FAILED: BOT_003") as raised:  # noqa: RUF043 - meant
        asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.FAILED)))

    assert raised.value.context["commandErrorCode"] == "BOT_003"


def test_a_step_that_is_run_again_asks_the_bot_once(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"})
    outputs = [
        asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.DONE))) for _ in range(2)
    ]

    assert outputs[0] == outputs[1]
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 2  # the other one is of the demo bot


def test_a_command_of_risk_high_is_confirmed_by_its_run_and_needs_admin(
    here: Installation, store: Store, clock: Moving
) -> None:
    step = step_of(here, "command", {"command": "reset-breaker"}, {"status": "DONE"})
    output = asyncio.run(beside(here.steps.run(step, scene_at(clock)), ending(store, CommandStatus.DONE)))
    fault = refused("AUTH_002", here, step, scene_at(clock, caller=caller(Scope.OPERATE), run_id="another"))

    assert output["status"] == "DONE"
    assert fault.context["needs"] == "ADMIN"
    assert here.steps.risk(step, {}) is RiskLevel.HIGH


def test_a_rollback_runs_as_the_system(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "reset-breaker"}, {"status": "DONE"})
    scene = scene_at(clock, caller=SYSTEM)
    output = asyncio.run(beside(here.steps.run(step, scene), ending(store, CommandStatus.DONE)))

    with store.reading("main") as r:
        kept = commands.find_command(r, output["command_id"])
    assert kept is not None
    assert kept.user == "system"


@pytest.mark.parametrize(
    ("policy", "risk"), [("keep", RiskLevel.MEDIUM), ("cancel", RiskLevel.HIGH), ("flatten", RiskLevel.HIGH)]
)
def test_the_risk_of_a_stop_is_that_of_its_policy(here: Installation, policy: str, risk: RiskLevel) -> None:
    step = step_of(
        here, "command", {"command": "stop", "arguments": {"policy": "${{ parameters.x }}"}}, {"status": "DONE"}
    )

    assert here.steps.risk(step, {"x": policy}) is risk
    assert here.steps.worst_risk(step) is RiskLevel.HIGH


def test_a_value_that_is_no_argument_is_refused_before_anything_is_asked(
    here: Installation, store: Store, clock: Moving
) -> None:
    step = step_of(
        here, "command", {"command": "stop", "arguments": {"policy": "${{ parameters.x }}"}}, {"status": "DONE"}
    )
    fault = refused("WF_002", here, step, scene_at(clock, parameters={"x": "flatten; rm -rf /"}))

    assert fault.cause == "`policy`: expected one of keep, cancel, flatten."
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


def test_a_command_is_rehearsed_on_the_present_state(here: Installation, store: Store, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "stop", "arguments": {"policy": "flatten"}}, {"status": "DONE"})
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert found.risk is RiskLevel.HIGH
    assert "Positions are closed at the market: SPY." in found.effect
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


# ---- programs ----


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
    Path(path).chmod(0o722)
    first = refused("WF_006", here, step, scene_at(clock)) if not os.access(path, os.X_OK) else None
    allow(programs={})
    second = refused("WF_006", here, step, scene_at(clock))

    assert first is None or "others" in first.cause
    assert second.cause == "The program is not on the allow-list."
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


# ---- requests ----


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers as its path says, and notes what came."""

    came: list[tuple[str, str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.came.append((self.command, self.path, dict(self.headers), self.rfile.read(size)))
        match self.path.split("?")[0].rpartition("/")[2]:
            case "away":
                self.answer(302, b"", Location="http://169.254.169.254/latest/meta-data")
            case "large":
                self.answer(200, b"x" * 100_000)
            case "broken":
                self.answer(500, b"{}")
            case "bomb":
                self.answer(200, b"[" * 50_000)
            case _:
                self.answer(200, b'{"ok": true}')

    do_GET = do_POST  # noqa: N815 - the server's names

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[int, list[Any]]]:
    """A server on this machine: its port and what came."""
    came: list[Any] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Noting", (Hook,), {"came": came}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, came
    server.shutdown()
    server.server_close()


def test_a_request_is_sent_with_each_part_quoted(
    here: Installation, allow: Callable[..., None], clock: Moving, hook: tuple[int, list[Any]]
) -> None:
    port, came = hook
    allow(
        hosts={
            "hook": {
                "description": "Ours.",
                "origin": f"http://127.0.0.1:{port}",
                "methods": ["POST"],
                "paths": ["/services"],
            }
        }
    )
    given = {
        "host": "hook",
        "path": ["services", "${{ parameters.x }}"],
        "method": "POST",
        "query": {"q": "${{ parameters.x }}"},
        "body": {"text": "${{ parameters.x }}"},
    }
    step = step_of(here, "api_call", given, {"response_code": 200, "condition": "output.body.ok"})
    output = run(here, step, scene_at(clock, parameters={"x": 'a/../b?c&d=e"%'}))

    method, path, headers, body = came[0]
    assert (method, path) == ("POST", "/services/a%2F..%2Fb%3Fc%26d%3De%22%25?q=a%2F..%2Fb%3Fc%26d%3De%22%25")
    assert json.loads(body) == {"text": 'a/../b?c&d=e"%'}
    assert headers["Host"] == f"127.0.0.1:{port}"
    assert headers["Idempotency-Key"] == "5a6cf1a4-0d6a-4b57-9c36-2d6a54b1f0ab:only"
    assert output == {"response_code": 200, "body": {"ok": True}}
    assert (step.is_repeatable, here.steps.writes(step), here.steps.worst_risk(step)) == (False, True, RiskLevel.HIGH)


@pytest.mark.parametrize(
    ("path", "code", "cause"),
    [
        (["services", "away"], "WF_004", "expected response_code 200, was 302"),
        (["services", "broken"], "WF_004", "expected response_code 200, was 500"),
        (["services", "large"], "WF_004", "more than 65536 bytes"),
        (["other"], "WF_006", "The path is not on the allow-list."),
        (["servicesX"], "WF_006", "The path is not on the allow-list."),
        (["services", ".."], "WF_006", "leads elsewhere"),
        (["services", "x" * 501], "WF_006", "leads elsewhere"),
    ],
)
def test_what_is_not_as_it_should_be_fails_the_step(
    here: Installation,
    allow: Callable[..., None],
    clock: Moving,
    hook: tuple[int, list[Any]],
    *,
    path: list[str],
    code: str,
    cause: str,
) -> None:
    port, came = hook
    allow(hosts={"hook": {"description": "Ours.", "origin": f"http://127.0.0.1:{port}", "paths": ["/services/"]}})
    step = step_of(here, "api_call", {"host": "hook", "path": path}, {"response_code": 200})
    fault = refused(code, here, step, scene_at(clock))

    assert cause in fault.cause
    assert len(came) == (1 if code == "WF_004" else 0)


@pytest.mark.parametrize(
    ("given", "validation", "cause"),
    [
        ({"path": ["x"]}, {"status": "OK"}, "a request's success is its response code"),
        ({"path": ["x"], "method": "PUT"}, {"response_code": 200}, "PUT is not allowed for this host"),
        ({"path": ["x"], "body": {}}, {"response_code": 200}, "a GET request has no body"),
    ],
)
def test_a_step_that_can_not_send_its_request_is_not_loaded(
    here: Installation, allow: Callable[..., None], given: dict[str, Any], validation: dict[str, Any], cause: str
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})

    with pytest.raises(Fault, match="WF_001") as raised:
        step_of(here, "api_call", {"host": "hook", **given}, validation)
    assert cause in raised.value.cause


def test_a_request_is_rehearsed_by_where_it_goes(here: Installation, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})
    step = step_of(here, "api_call", {"host": "hook", "path": ["x"]}, {"response_code": 200})
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert (found.effect, found.risk) == ("GET https://hooks.example.com: Ours.", RiskLevel.LOW)
    assert (step.is_repeatable, here.steps.needed_scope(step)) == (True, Scope.READ)
    allow(hosts={})
    assert "not on the allow-list" in refused("WF_006", here, step, scene_at(clock)).cause


@pytest.mark.parametrize("query", [{"q": ["a"]}, {"q": True}, {"q": None}])
def test_a_query_has_plain_values(
    here: Installation, allow: Callable[..., None], clock: Moving, query: dict[str, Any]
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})
    step = step_of(here, "api_call", {"host": "hook", "path": ["x"], "query": query}, {"response_code": 200})

    assert "neither text nor a whole number" in refused("WF_006", here, step, scene_at(clock)).cause


def test_a_body_without_end_is_not_sent(here: Installation, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com", "methods": ["POST"]}})
    given = {"host": "hook", "path": ["x"], "method": "POST", "body": "${{ parameters.x }}"}
    step = step_of(here, "api_call", given, {"response_code": 200})
    fault = refused("WF_004", here, step, scene_at(clock, parameters={"x": "x" * 70_000}))

    assert fault.cause == "The body has more than 65536 bytes."


def test_a_host_without_an_address_fails_the_step(home: Path, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})
    requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=nowhere)

    with pytest.raises(Fault, match="WF_004: The host has no address"):
        asyncio.run(requests.run({"host": "hook", "path": ["x"]}, scene_at(clock)))


async def nowhere(host: str, port: int) -> tuple[str, ...]:
    """A name that leads nowhere."""
    return ()


def test_an_answer_that_is_no_json_is_text(
    here: Installation, allow: Callable[..., None], clock: Moving, hook: tuple[int, list[Any]]
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": f"http://127.0.0.1:{hook[0]}"}})
    output = run(
        here, step_of(here, "api_call", {"host": "hook", "path": ["bomb"]}, {"response_code": 200}), scene_at(clock)
    )

    assert output["body"] == "[" * 50_000


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (("10.0.0.1",), "this machine or a private network"),
        (("127.0.0.1",), "this machine or a private network"),
        (("93.184.215.14", "192.168.1.1"), "this machine or a private network"),
        (("169.254.169.254",), "of the cloud's own services"),
        (("::ffff:169.254.169.254",), "of the cloud's own services"),
        (("::1",), "this machine or a private network"),
        (("0.0.0.0",), "of the cloud's own services"),
        (("fe80::1%eth0",), "of the cloud's own services"),
        (("fd00::1",), "this machine or a private network"),
        (("224.0.0.1",), "of the cloud's own services"),
    ],
)
def test_a_name_that_leads_where_it_must_not_is_not_followed(
    home: Path, allow: Callable[..., None], clock: Moving, found: tuple[str, ...], cause: str
) -> None:
    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return found

    allow(hosts={"hook": {"description": "Theirs.", "origin": "https://hooks.example.com"}})
    requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=resolve)
    with pytest.raises(Fault, match="WF_006") as raised:
        asyncio.run(requests.run({"host": "hook", "path": ["x"]}, scene_at(clock)))

    assert cause in raised.value.cause


def test_plain_http_is_for_this_machine_only(home: Path, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Theirs.", "origin": "http://hooks.example.com"}})

    with pytest.raises(Fault, match="plain http is only for this machine itself"):
        read_allowance(home / "config" / "workflow_allow.yaml")


def test_the_certificate_is_that_of_the_name_though_the_connection_goes_to_the_judged_address(
    home: Path, allow: Callable[..., None], clock: Moving
) -> None:
    """A server without a certificate for the name is not spoken to."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, name, _: asked.append(name)

    async def talk() -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        allow(hosts={"hook": {"description": "Ours.", "origin": f"https://hooks.example.com:{port}", "private": True}})

        async def resolve(host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.1",)

        requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=resolve)
        async with server:
            with pytest.raises(Fault, match="WF_004.*ConnectError"):  # noqa: RUF043 - meant
                await requests.run({"host": "hook", "path": ["x"]}, scene_at(clock))

    asyncio.run(talk())
    assert asked == ["hooks.example.com"]


# ---- operations ----


def test_an_operation_answers_with_the_callers_key(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph,
        "api_call",
        {"operation": "positions"},
        {"status": "OK", "condition": "data.botState.positions.size() == 1"},
    )
    output = run(graph, step, scene_at(clock, caller=caller(Scope.READ)))

    assert output["data"]["botState"]["positions"][0]["symbol"] == "SPY"
    assert (graph.steps.writes(step), graph.steps.needed_scope(step)) == (False, Scope.READ)


def test_a_write_of_risk_high_gets_its_own_token_and_is_done_once(
    graph: Installation, store: Store, clock: Moving
) -> None:
    step = step_of(graph, "api_call", {"operation": "botStop", "variables": {"onStop": "FLATTEN"}}, {"status": "OK"})
    outputs = [run(graph, step, scene_at(clock)) for _ in range(2)]

    made = [output["data"]["botStop"] for output in outputs]
    assert made[0]["command"]["id"] == made[1]["command"]["id"]
    assert [one["replayed"] for one in made] == [False, True]
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 2


@pytest.mark.parametrize("has", [Scope.READ, Scope.OPERATE])
def test_a_caller_of_too_small_a_scope_is_refused_at_the_step(
    graph: Installation, store: Store, clock: Moving, has: Scope
) -> None:
    step = step_of(graph, "api_call", {"operation": "botStop", "variables": {"onStop": "FLATTEN"}}, {"status": "OK"})
    fault = refused("AUTH_002", graph, step, scene_at(clock, caller=caller(has)))

    assert fault.context == {"needs": "ADMIN", "has": has.name, "stepId": "only"}
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


def test_what_an_operation_refuses_fails_the_step(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "api_call", {"operation": "positionsClose", "variables": {"symbols": ["IBM"]}}, {"status": "OK"}
    )
    fault = refused("WF_004", graph, step, scene_at(clock))

    assert fault.context["operationErrorCode"] == "QRY_005"


def test_a_write_is_rehearsed_by_its_dry_run(graph: Installation, store: Store, clock: Moving) -> None:
    step = step_of(
        graph, "api_call", {"operation": "positionsClose", "variables": {"symbols": ["SPY"]}}, {"status": "OK"}
    )
    found = asyncio.run(graph.steps.rehearse(step, scene_at(clock)))

    assert found.risk is RiskLevel.HIGH
    assert "SPY" in found.effect
    with store.reading("main") as r:
        assert len(commands.list_commands(r, 10).items) == 1


# ---- validations ----


def test_a_condition_is_looked_at_until_it_is_true(graph: Installation, store: Store, clock: Moving) -> None:
    step = step_of(
        graph,
        "validation",
        {"operation": "commands", "interval_seconds": 2},
        {"condition": "data.commands.edges.size() == 2"},
    )

    async def pause_later() -> None:
        await asyncio.sleep(0.02)
        await graph.steps.run(step_of(graph, "api_call", {"operation": "botPause"}, {"status": "OK"}), scene_at(clock))

    output = asyncio.run(beside(graph.steps.run(step, scene_at(clock, seconds=100_000)), pause_later))
    assert output["looks"] > 1
    assert output["status"] == "TRUE"


def test_a_condition_that_stays_false_is_told_with_what_was_seen_last(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "validation", {"operation": "positions"}, {"condition": "data.botState.positions.size() == 0"}
    )
    fault = refused("WF_005", graph, step, scene_at(clock, seconds=5))

    assert fault.cause == "The condition was not true in time; at the last of 5 looks: it is false"


def test_data_that_is_not_there_yet_is_looked_at_again(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "validation", {"operation": "positions"}, {"condition": "data.botState.positions[7].symbol == 'X'"}
    )

    assert "It names something that is not there" in refused("WF_005", graph, step, scene_at(clock, seconds=3)).cause


def test_a_validation_may_look_at_parameters_and_earlier_steps_alone(here: Installation, clock: Moving) -> None:
    step = step_of(here, "validation", {}, {"condition": "steps['look'].n == 3 && parameters.x == 'y'"})
    output = run(here, step, scene_at(clock, parameters={"x": "y"}, outputs={"look": {"n": 3}}))

    assert output == {"status": "TRUE", "looks": 1, "data": None}


def test_a_validation_says_beforehand_how_it_stands(graph: Installation, clock: Moving) -> None:
    step = step_of(
        graph, "validation", {"operation": "positions"}, {"condition": "data.botState.positions.size() == 0"}
    )
    found = asyncio.run(graph.steps.rehearse(step, scene_at(clock)))

    assert found.effect == "Waits until `data.botState.positions.size() == 0`: it is false now."


def test_what_another_look_does_not_help_against_ends_the_step_at_once(graph: Installation, clock: Moving) -> None:
    given = {"operation": "fills", "variables": {"first": "${{ parameters.x }}"}}
    step = step_of(graph, "validation", given, {"condition": "data.fills.edges.size() == 0"})
    fault = refused("WF_004", graph, step, scene_at(clock, parameters={"x": "many"}))

    assert fault.context == {"operation": "fills", "operationErrorCode": "QRY_004"}


# ---- preconditions, waits, skipping, success ----


def test_what_a_workflow_needs_is_looked_at_before_it_is_run(graph: Installation, clock: Moving) -> None:
    rules = {
        "holds": {"condition": "parameters.x == 'x'", "otherwise": "x is not x."},
        "flat": {
            "operation": "positions",
            "condition": "data.botState.positions.size() == 0",
            "otherwise": "Close SPY first.",
        },
    }
    declared = {"x": {"type": "string", "description": "X.", "default": "x"}}
    workflow = loaded(
        defined(step={"parameters": {"command": "pause"}}, parameters=declared, validation_rules=rules), graph.steps
    )
    with pytest.raises(Fault, match="WF_003: Close SPY first") as raised:
        asyncio.run(graph.steps.require_preconditions(workflow, scene_at(clock, parameters={"x": "x"})))

    assert raised.value.context["rule"] == "flat"


def test_a_wait_gives_its_end_and_is_over_then_whoever_asks(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.seconds }}"}, {"status": "ELAPSED"})
    scene = scene_at(clock, parameters={"seconds": 30})
    first = run(here, step, scene)
    clock.advance(29.9)
    second = run(here, step, scene)
    clock.advance(0.1)

    assert first == second == Wake(at=NOW + timedelta(seconds=30))
    assert run(here, step, scene) == {"status": "ELAPSED", "waited_seconds": 30}


def test_a_wait_beyond_the_deadline_fails_at_once(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.seconds }}"}, {"status": "ELAPSED"})

    refused("WF_005", here, step, scene_at(clock, seconds=20, parameters={"seconds": 30}))


@pytest.mark.parametrize(("value", "effect"), [("2m", "120 seconds pass."), ("soon", "Some time passes.")])
def test_a_wait_is_rehearsed(here: Installation, clock: Moving, value: str, effect: str) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.x }}"}, {"status": "ELAPSED"})

    assert asyncio.run(here.steps.rehearse(step, scene_at(clock, parameters={"x": value}))).effect == effect


def test_a_wait_of_no_duration_is_refused(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": "${{ parameters.x }}"}, {"status": "ELAPSED"})

    refused("WF_002", here, step, scene_at(clock, parameters={"x": "soon"}))


def test_an_output_that_is_too_large_is_not_kept(here: Installation, clock: Moving) -> None:
    step = step_of(here, "wait", {"seconds": 0}, {"status": "ELAPSED"})

    with pytest.raises(Fault, match=r"WF_004.*at most 65536 are kept"):
        require_success(step, {"status": "ELAPSED", "more": "x" * 70_000}, scene_at(clock))


def test_a_step_is_skipped_where_its_condition_is_false(here: Installation, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"}, when="parameters.x == 'flatten'")
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock, parameters={"x": "keep"})))

    assert here.steps.is_due(step, scene_at(clock, parameters={"x": "flatten"})) is True
    assert here.steps.is_due(step, scene_at(clock, parameters={"x": "keep"})) is False
    assert (found.is_skipped, found.risk) == (True, RiskLevel.LOW)


def test_a_step_that_hangs_on_an_earlier_one_says_so_beforehand(here: Installation, clock: Moving) -> None:
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"}, when="steps['look'].n == 3")
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert (found.effect, found.is_skipped) == ("If `steps['look'].n == 3`: Does it.", False)


def test_an_output_that_is_not_as_asked_fails_the_step(graph: Installation, clock: Moving) -> None:
    step = step_of(graph, "api_call", {"operation": "positions"}, {"condition": "data.botState.positions.size() == 0"})
    fault = refused("WF_004", graph, step, scene_at(clock))

    assert fault.cause == "`only`: its output is not as `data.botState.positions.size() == 0` asks."


def test_a_key_that_was_cut_down_meanwhile_ends_the_run(here: Installation, clock: Moving) -> None:
    """The engine looks the key up at each step: what it may no longer do, the step no longer does."""
    step = step_of(here, "command", {"command": "pause"}, {"status": "DONE"})
    reader: Caller = caller(Scope.READ)

    refused("AUTH_002", here, step, scene_at(clock, caller=reader))
