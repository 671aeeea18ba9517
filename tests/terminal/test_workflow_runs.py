"""`botgraph workflow list|show|run|watch|cancel` against the real API, and `botgraph worker` as a process."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from graph.doors.terminal.workflow_runs import news
from tests.api.client import Api
from tests.api.conftest import _no_log_lines, api, seeded_store, start  # noqa: F401 - fixtures
from tests.fakes.seeded_watch import RUN
from tests.terminal.typed_commands import Run

OWN = """
id: {id}
name: Own
description: A workflow of the test's own.
parameters:
  how_long: {{type: integer, description: Seconds., default: 0, min: 0, max: 300}}
steps:
  - id: first
    description: Waits a little.
    action_type: wait
    parameters: {{seconds: "${{{{ parameters.how_long }}}}"}}
    validation: {{status: ELAPSED}}
  - id: second
    description: Asks for something.
    action_type: api_call
    parameters: {{operation: {operation}, variables: {{id: none}}}}
    validation: {{status: OK, condition: "output.data.workflowRun != null"}}
rollback_procedure: []
"""


@pytest.fixture
def run(typed: Run, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:  # noqa: F811
    """Against `api`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOTGRAPH_HOME", str(api.home))
    monkeypatch.setenv("BOT_API_PORT", str(api.port))
    monkeypatch.setenv("BOT_API_AUTH_TOKEN", api.token)
    return partial(typed, "workflow")


def test_what_can_be_run_is_listed_and_shown(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    assert "check-health            LOW     Check the bot's health" in out.splitlines()
    code, out, _ = run("show", "check-health")
    assert code == 0
    assert out.splitlines()[0] == "check-health (LOW): Check the bot's health"
    assert "  step    look: Ask for the bot's health, check by check. (API_CALL, 15 s)" in out.splitlines()
    code, _, err = run("show", "no-such")
    assert (code, err.splitlines()[0]) == (1, "QRY_005: No such address, operation or record")


def test_a_dry_run_tells_and_does_nothing(run: Run, api: Api) -> None:  # noqa: F811
    code, out, _ = run("run", "check-health", "--dry-run", "--set", "allow_degraded=true")

    assert (code, out.splitlines()[0]) == (0, "Check the bot's health: 4 steps.")
    assert [line.split(":")[0] for line in out.splitlines()[1:]] == ["  look", "  errors", "  is-healthy", "  is-fresh"]
    assert api.data("{ workflowRuns { edges { node { id } } } }") == {
        "workflowRuns": {"edges": [{"node": {"id": RUN}}]}
    }


def test_a_run_is_watched_step_by_step_and_its_end_is_the_exit_code(run: Run) -> None:
    code, out, _ = run("run", "check-health", "--set", "max_age=3600", "--reason", "to try it")

    lines = out.splitlines()
    assert (code, lines[-1]) == (0, "COMPLETED")
    assert lines[0].startswith("Run ")
    assert " 100 % is-fresh: SUCCEEDED" in lines
    code, again, _ = run("watch", lines[0].removeprefix("Run "))
    assert (code, again.splitlines()[-1]) == (0, "COMPLETED")


def test_a_run_that_fails_says_why(run: Run, api: Api) -> None:  # noqa: F811
    folder = api.home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "own-work.yaml").write_text(OWN.format(id="own-work", operation="workflowRun"))
    code, out, _ = run("run", "own-work", "--set", "how_long=0")

    lines = out.splitlines()
    assert (code, lines[-3]) == (1, "FAILED")
    assert lines[-2].startswith("WF_004: Step `second`: ")
    code, _, err = run("run", "own-work", "--set", "how_long=9000")
    assert (code, err.splitlines()[0]) == (1, "WF_002: A parameter does not fit the workflow")


def test_a_run_is_cancelled(run: Run, api: Api) -> None:  # noqa: F811
    folder = api.home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "own-work.yaml").write_text(OWN.format(id="own-work", operation="workflowRun"))
    code, out, _ = run("run", "own-work", "--detach", "--set", "how_long=200")
    assert code == 0
    run_id = out.split()[1]

    code, out, _ = run("cancel", run_id, "--reason", "enough")
    assert (code, out.startswith(f"Run {run_id} is ")) == (0, True)
    code, out, _ = run("watch", run_id)
    assert (code, out.splitlines()[-3:-1][0]) == (1, "CANCELLED")
    code, _, err = run("cancel", run_id)
    assert (code, err.splitlines()[0]) == (1, "WF_016: The run has ended")


def test_risk_high_is_asked_about(run: Run, monkeypatch: pytest.MonkeyPatch, api: Api) -> None:  # noqa: F811
    asked = []

    def no(text: str, *, abort: bool) -> bool:
        asked.append((text, abort))
        raise SystemExit(1)

    monkeypatch.setattr("typer.confirm", no)
    code, out, _ = run("run", "reset-circuit-breaker")

    assert (code, asked) == (1, [("Go on?", True)])
    assert out.startswith("Reset the circuit breaker")
    assert len(api.data("{ workflowRuns { edges { node { id } } } }")["workflowRuns"]["edges"]) == 1


def test_each_thing_is_said_once() -> None:
    shown: set[tuple[Any, ...]] = set()
    step: dict[str, Any] = {"id": "a", "phase": "FORWARD", "status": "RUNNING", "attempt": 1, "error": None}
    told = {"status": "IN_PROGRESS", "progressPct": 0, "queuedBehind": "r0", "steps": [step]}

    assert list(news(told, shown)) == ["       waits for run r0", "   0 % a: RUNNING"]
    assert list(news(told, shown)) == []
    failed = {**step, "status": "FAILED", "attempt": 2, "error": {"errorCode": "WF_004", "cause": "No."}}
    undo = {**step, "id": "u", "phase": "ROLLBACK"}
    later = {**told, "queuedBehind": None, "steps": [failed, {**step, "id": "b", "status": "SKIPPED"}, undo]}
    assert list(news(later, shown)) == ["   0 % a: FAILED (attempt 2)  WF_004: No.", "   0 % undo u: RUNNING"]


def test_a_worker_alone_starts_and_ends_when_asked_to(api: Api) -> None:  # noqa: F811
    environment = {**os.environ, "BOTGRAPH_HOME": str(api.home)}
    command = [sys.executable, "-m", "graph.doors.terminal", "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as worker:
        log = api.home / "logs" / "worker.log"
        while worker.poll() is None and not (log.exists() and "worker_began" in log.read_text()):
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
