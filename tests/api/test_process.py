"""The API as a process: it starts, says why when it can't, and ends when told to."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.api.client import PROTOCOL, Socket
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import Scope
from trading_bot.services.keys import Keys
from trading_bot.store.engine import open_engine

CLOCK = SystemClock()


@pytest.fixture
def home(tmp_path: Path, seeded_store: Path) -> Path:
    """A home with the demo bot's store."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "botgraph.db").write_bytes(seeded_store.read_bytes())
    return home


@contextmanager
def running(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`python -m graph` on that home."""
    environment = {**os.environ, "BOTGRAPH_HOME": str(home), "BOT_API_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "graph"],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def test_it_answers_logs_one_line_a_request_and_ends_on_sigterm_with_sockets_open(home: Path) -> None:
    port = free_port()
    token = key(home)
    with running(home, port) as process:
        wait_until_alive(port, process)
        query = {"query": "{ botSummary { seq } }", "variables": {"secret": "hidden-in-the-body"}}
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json=query, headers={"X-API-Key": token})
        with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL]) as connection:  # type: ignore[list-item]
            subscribed = Socket(connection)
            subscribed.send({"type": "connection_init", "payload": {"X-API-Key": token}})
            subscribed.receive()
            subscribed.subscribe("1", "subscription { botSummary(intervalSeconds: 60) { seq } }")
            subscribed.receive()
            started = CLOCK.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=6)
            seconds = CLOCK.monotonic() - started
        assert process.stderr is not None
        printed = process.stderr.read()
    log = (home / "logs" / "api.log").read_text()
    requests = [json.loads(line) for line in log.splitlines() if '"request"' in line and "/graphql" in line]

    assert answer.json() == {"data": {"botSummary": {"seq": 4}}}
    assert (code, printed) == (0, "")
    assert seconds < 5
    assert [(line["method"], line["path"], line["status"], line["operation"]) for line in requests] == [
        ("POST", "/graphql", 200, "query")
    ]
    assert requests[0]["request_id"] == answer.headers["X-Request-Id"]
    assert token not in log
    assert "hidden-in-the-body" not in log


def test_a_taken_port_is_told_in_one_block(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(home, port) as process:
            printed = process.communicate(timeout=20)[1]

    assert process.returncode == 78
    assert printed.startswith("SYS_004: The port is taken\n  Cause: The API can't listen on 127.0.0.1, port")
    assert "Set BOT_API_PORT to a free port" in printed
    assert "Traceback" not in printed


def test_a_store_that_is_not_there_is_told_in_one_block(tmp_path: Path) -> None:
    with running(tmp_path / "empty", free_port()) as process:
        printed = process.communicate(timeout=20)[1]

    assert process.returncode == 1  # so that who restarts it tries again: the bot may be making the store
    assert printed.startswith("SYS_003: There is no store yet\n  Cause: The store has no tables yet.\n")
    assert "Start the bot: `botgraph up`, or `botgraph bot` beside `botgraph serve`." in printed
    assert "Traceback" not in printed


def test_a_wrong_setting_is_told_in_one_block(home: Path) -> None:
    with running(home, 70_000) as process:
        printed = process.communicate(timeout=20)[1]

    assert process.returncode == 78
    assert printed.startswith("CFG_003: Invalid setting\n")
    assert "BOT_API_PORT" in printed


def key(home: Path) -> str:
    engine = open_engine(f"sqlite:///{home / 'botgraph.db'}")
    token = Keys(engine, CLOCK).create("reader", Scope.READ)[1]
    engine.dispose()
    return token


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_until_alive(port: int, process: subprocess.Popen[str]) -> None:
    give_up = CLOCK.monotonic() + 20
    while CLOCK.monotonic() < give_up:
        assert process.poll() is None, process.communicate()[1]
        try:
            if httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200:
                return
        except httpx.TransportError:
            continue
    raise AssertionError("the API did not start in 20 s")
