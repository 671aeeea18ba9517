"""The `botgraph` command as it is typed, in a process of its own where it matters, else in ours."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from json import dumps
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.terminal.typed_commands import Run
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import Scope
from trading_bot.services.keys import Keys
from trading_bot.store.engine import open_engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(typed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return typed


@pytest.fixture
def keys(home_with_tables: Path) -> Iterator[Keys]:
    engine = open_engine(f"sqlite:///{home_with_tables}/botgraph.db")
    yield Keys(engine, SystemClock())
    engine.dispose()


@pytest.fixture
def api(home: Path, monkeypatch: pytest.MonkeyPatch) -> "Answering":
    """Something that answers at the address of the API, and the key for it."""
    (home / "keys").mkdir()
    (home / "keys" / "admin.key").write_text("bg_first_secret\n")
    answering = Answering()
    monkeypatch.setenv("BOT_API_PORT", str(answering.port))
    return answering


class Answering:
    """Answers one request with `answer`, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: bytes = b""
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.headers = dict(self.headers)
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the output belongs to the command."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def once(self, answer: bytes) -> None:
        """Answer the next request with this."""
        self.answer = answer

        def serve() -> None:
            self._server.handle_request()
            self._server.server_close()

        Thread(target=serve, daemon=True).start()


def summary(**changes: Any) -> bytes:
    told = {
        "healthStatus": "HEALTHY",
        "healthReason": None,
        "mode": "PAPER",
        "runState": "RUNNING",
        "dailyPnl": "-12.59",
        "positionCount": 1,
        "openOrderCount": 2,
        "lastTradeTime": None,
        "dataAgeSeconds": 0.25,
        "warnings": ["Paper mode: no real money moves"],
        "recentErrors": [],
    }
    return dumps({"data": {"botSummary": told | changes}}).encode()


def test_the_version_is_told(run: Run) -> None:
    assert run("--version") == (0, "botgraph 0.1.0\n", "")


def test_without_a_command_the_commands_are_shown(run: Run) -> None:
    code, out, _ = run()

    assert (code, "Start bot and API, and keep both running until Ctrl-C." in out) == (2, True)


def test_a_mistyped_option_is_told_as_such(run: Run) -> None:
    code, _, err = run("up", "--sped", "max")

    assert (code, "No such option: --sped" in err) == (2, True)


def test_starting_does_not_load_what_it_does_not_need() -> None:
    program = "import sys; import graph.doors.terminal; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    heavy = {"strawberry", "graphql", "starlette", "uvicorn", "sqlalchemy", "alembic", "holidays", "yaml"}
    assert heavy & set(loaded.stdout.split()) == set()


def test_a_code_is_explained_however_it_is_written(run: Run) -> None:
    code, out, err = run("errors", "bot_005")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "BOT_005: BotGraph already runs in this home",
        "  Meaning: Another `botgraph up` holds this home.",
        "  Impact: Nothing was started; the running one is untouched.",
        "  What to do: Stop the process in context.pid with Ctrl-C or SIGTERM, or set BOTGRAPH_HOME to another folder.",
        "  Again: AFTER_FIX: carry out what resolves it first",
        "  Severity: HIGH",
        "  Type: ProcessError",
    ]


def test_all_codes_are_listed(run: Run) -> None:
    _, out, _ = run("errors")

    assert "SYS_004   The port is taken" in out.splitlines()


def test_a_code_that_does_not_exist_is_told(run: Run) -> None:
    code, out, err = run("errors", "XYZ_001")

    assert (code, out) == (1, "")
    assert err.startswith("QRY_005: No such address, operation or record\n  Cause: There is no error code `XYZ_001`.\n")


def test_the_schema_is_written_and_compared(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    before = run("schema", "--check", "--out", str(file))
    written = run("schema", "--out", str(file))
    same = run("schema", "--check", "--out", str(file))
    file.write_text(file.read_text() + "\n")
    after = run("schema", "--check", "--out", str(file))

    assert (before[0], written, same, after[0]) == (1, (0, "", ""), (0, "", ""), 1)
    assert after[2] == f"{file} does not equal the code; `botgraph schema` writes it.\n"


def test_a_key_is_made_shown_once_and_ended(run: Run, keys: Keys) -> None:
    code, out, _ = run("key", "create", "--name", "morning report", "--scope", "operate", "--rate", "30")
    token = out.splitlines()[0]
    caller = keys.verify(token)
    assert caller is not None
    listed = run("key", "list")
    revoked = run("key", "revoke", caller.key_id)

    assert code == 0
    assert (caller.name, caller.scope, caller.rate_per_minute) == ("morning report", Scope.OPERATE, 30)
    assert caller.max_response_bytes == 10_240
    assert listed[1].startswith(f"{caller.key_id}  OPERATE open ")
    assert listed[1].rstrip().endswith(": morning report")
    assert token not in listed[1]
    assert revoked == (0, f"Key {caller.key_id} is revoked.\n", "")
    assert "  OPERATE revoked 20" in run("key", "list")[1]
    engine = open_engine(os.environ["BOTGRAPH_HOME"].join(["sqlite:///", "/botgraph.db"]))
    assert Keys(engine, SystemClock()).verify(token) is None


def test_a_key_that_does_not_exist_is_not_revoked(run: Run, keys: Keys) -> None:
    code, _, err = run("key", "revoke", "nobody")

    assert (code, "Cause: There is no key `nobody`." in err) == (1, True)


def test_keys_need_a_store(run: Run, home: Path) -> None:
    code, _, err = run("key", "list")

    assert code == 1
    assert err.startswith("SYS_003: There is no store yet\n  Cause: The store has no tables yet.\n")


@pytest.mark.parametrize(("health", "code"), [("HEALTHY", 0), ("DEGRADED", 1), ("OFFLINE", 2)])
def test_the_status_is_an_exit_code(health: str, code: int, run: Run, api: Answering) -> None:
    api.once(summary(healthStatus=health))

    assert run("status")[0] == code
    assert (api.headers["X-API-Key"], api.headers["Host"]) == ("bg_first_secret", "localhost")


def test_the_status_is_a_few_lines(run: Run, api: Answering) -> None:
    api.once(
        summary(
            healthStatus="OFFLINE",
            healthReason="No heartbeat for 20 s.",
            warnings=["Bot offline: No heartbeat for 20 s.", "Paper mode: no real money moves"],
            recentErrors=[{"errorCode": "BOT_006", "message": "A process ended", "timestamp": "2026-03-02T12:00:00Z"}],
        )
    )

    assert run("status")[1].splitlines() == [
        "Health       OFFLINE: No heartbeat for 20 s.",
        "Run state    RUNNING (PAPER)",
        "Today's P&L  -12.59",
        "Holding      1 positions, 2 open orders",
        "Last trade   none yet",
        "Data age     0.2 s",
        "Warning      Bot offline: No heartbeat for 20 s.",
        "Warning      Paper mode: no real money moves",
        "Error        BOT_006 at 2026-03-02T12:00:00Z: A process ended",
    ]


def test_an_error_of_the_api_is_shown_as_it_came(run: Run, api: Answering) -> None:
    told = {
        "errorCode": "AUTH_001",
        "cause": "It was revoked.",
        "impact": "None.",
        "remediation": "Ask.",
        "context": {},
    }
    api.once(dumps({"errors": [{"message": "No valid API key was sent", "extensions": told}]}).encode())

    assert run("status") == (
        3,
        "",
        "AUTH_001: No valid API key was sent\n  Cause: It was revoked.\n  Impact: None.\n  What to do: Ask.\n",
    )


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b"[]", b'{"errors": [{"message": "?", "extensions": {}}]}'])
def test_an_answer_that_is_none_of_ours_is_told(answer: bytes, run: Run, api: Answering) -> None:
    api.once(answer)
    code, out, err = run("status")

    assert (code, out) == (3, "")
    assert err.startswith(("SYS_006: The API does not answer", "SYS_001: ?"))


def test_an_api_that_does_not_run_is_told(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_API_AUTH_TOKEN", "a-token-of-the-operator")
    monkeypatch.setenv("BOT_API_PORT", "1")
    code, _, err = run("status")

    assert code == 3
    assert err.startswith("SYS_006: The API does not answer\n  Cause: http://127.0.0.1:1 gave no answer: Connection")


def test_without_a_saved_key_the_status_says_where_it_should_be(run: Run, home: Path) -> None:
    code, _, err = run("status")

    assert code == 3
    assert err.startswith("AUTH_001: No valid API key was sent\n  Cause: No key is saved in")
    assert str(home / "keys" / "admin.key") in err


def test_what_nobody_foresaw_leaves_a_record_and_no_traceback(
    run: Run, home: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(Keys, "list", broken)
    code, out, err = run("key", "list")
    log = home / "logs" / "terminal.log"
    fault_id = err.rpartition("fault_id=")[2].strip()

    assert (code, out) == (1, "")
    assert err.startswith("SYS_001: An unexpected fault\n  Cause: The command met RuntimeError;")
    assert "hunter2" not in err
    assert f"fault_id={fault_id}\n" in log.read_text()
    assert "RuntimeError: hunter2" in log.read_text()
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
