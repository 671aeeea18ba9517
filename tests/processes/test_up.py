"""`botgraph up` as an operator starts it: the real bot, the real API, and a query with the key that was shown."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.processes.running import Running, lives, running, until
from trading_bot.supervision.glance import is_current

BOTGRAPH = str(Path(sys.executable).with_name("botgraph"))
STATE = "{ botSummary { healthStatus healthReason runState warnings } metrics { ticks } }"


@contextmanager
def up(home: Path, port: int, *options: str, **environment: str) -> Iterator[Running]:
    with running([BOTGRAPH, "up", *options], home=home, port=port, environment=environment) as started:
        yield started


@contextmanager
def ready(home: Path, port: int, *options: str, **environment: str) -> Iterator[Running]:
    with up(home, port, *options, **environment) as started:
        started.says("Ready in ")
        yield started


def ask(started: Running, query: str = STATE) -> Any:
    """The answer's data; None while nobody answers."""
    token = (started.home / "keys" / "admin.key").read_text().strip()
    try:
        answer = httpx.post(
            f"http://127.0.0.1:{started.port}/graphql", json={"query": query}, headers={"X-API-Key": token}, timeout=20
        )
    except httpx.TransportError:
        return None
    return answer.json()["data"]


def refused(started: Running, code: str, title: str) -> str:
    """What was complained about by one that must not start."""
    assert started.ends() == 78
    said = started.complained()
    assert said.startswith(f"{code}: {title}\n  Cause: ")
    assert "  Impact: " in said
    assert "  What to do: " in said
    assert "Traceback" not in said + started.said()
    return said


def test_the_line_that_is_shown_at_the_first_start_gets_an_answer(tmp_path: Path, port: int) -> None:
    with ready(tmp_path / "new", port, "--speed", "max", "--seed", "11") as started:
        until(lambda: _trades(started))
        line = next(line for line in started.said().splitlines() if line.startswith("  curl "))
        _, silent, address, *options = shlex.split(line)
        headers = dict(options[n + 1].split(": ") for n in range(0, len(options), 2) if options[n] == "-H")
        answer = httpx.post(address, content=options[options.index("-d") + 1], headers=headers).json()["data"]
        again = subprocess.run(
            [BOTGRAPH, "status"],
            env={"BOTGRAPH_HOME": str(tmp_path / "new"), "BOT_API_PORT": str(port), "PATH": os.environ["PATH"]},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        started.stop()

    assert (silent, set(headers)) == ("-s", {"X-API-Key", "Content-Type"})
    assert answer["botSummary"]["healthStatus"] == "HEALTHY"
    assert answer["botSummary"]["runState"] == "RUNNING"
    assert answer["botSummary"]["warnings"] == ["Paper mode: no real money moves"]
    assert (again.returncode, again.stderr) == (0, ""), again.stdout
    assert "Run state    RUNNING (PAPER)\n" in again.stdout
    assert "PAPER mode on paper, simulated market at full speed." in started.said()


def test_the_line_of_a_later_start_takes_the_key_from_its_file(home: Path, port: int) -> None:
    with ready(home, port) as started:
        started.stop()
    with ready(home, port) as started:
        line = next(line for line in started.said().splitlines() if line.startswith("  curl "))
        header = line.split(" -H ")[1]
        shown = subprocess.run(["sh", "-c", f"printf %s {header}"], capture_output=True, text=True, check=True).stdout
        started.stop()

    assert shown == "X-API-Key: " + (home / "keys" / "admin.key").read_text().strip()


def test_ctrl_c_ends_both_with_a_subscription_open(home: Path, port: int) -> None:
    with ready(home, port, "--speed", "max") as started:
        children = (started.child("bot"), started.child("api"))
        token = (home / "keys" / "admin.key").read_text().strip()
        with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            socket.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": token}}))
            subscription = "subscription { botSummary(intervalSeconds: 1) { runState } }"
            socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": subscription}}))
            received = [json.loads(socket.recv(timeout=10)) for _ in range(2)]
            code, seconds = started.stop()

        assert [message["type"] for message in received] == ["connection_ack", "next"]
        assert (code, started.complained()) == (0, "")
        assert seconds < 5.0
        assert not any(map(lives, children))


def test_a_killed_bot_is_offline_then_back_and_the_api_answers_all_along(home: Path, port: int) -> None:
    with ready(home, port, "--speed", "max") as started:
        first, api = started.child("bot"), started.child("api")
        os.kill(first, signal.SIGKILL)
        offline = until(lambda: _with_health(started, "OFFLINE"), seconds=5)
        started.child("bot", other_than=first)
        until(lambda: _trades(started))
        errors = ask(started, "{ errors { edges { node { errorCode cause } } } }")["errors"]["edges"]

        assert offline["warnings"][0].startswith("Bot offline: ")
        assert [edge["node"]["errorCode"] for edge in errors] == ["BOT_006"]
        assert lives(api)
        started.stop()


def test_a_killed_api_comes_back_and_the_bot_trades_on(home: Path, port: int) -> None:
    with ready(home, port, "--speed", "max") as started:
        bot, first = started.child("bot"), started.child("api")
        before = ask(started)["metrics"]["ticks"]
        os.kill(first, signal.SIGKILL)
        started.child("api", other_than=first)
        after = until(lambda: ask(started))["metrics"]["ticks"]

        assert (started.child("bot"), lives(bot)) == (bot, True)
        assert after > before
        started.stop()


@pytest.mark.long
def test_a_frozen_bot_is_offline_within_20_seconds(home: Path, port: int) -> None:
    with ready(home, port, "--speed", "max", BOT_API_RATE_PER_MINUTE="0") as started:
        bot = started.child("bot")
        os.kill(bot, signal.SIGSTOP)
        offline = until(lambda: _with_health(started, "OFFLINE"), seconds=20)

        assert offline["healthReason"].startswith("No heartbeat for ")
        assert offline["warnings"][0].startswith("Bot offline: No heartbeat for ")
        code, seconds = started.stop()
        assert code == 0
        assert seconds < 5.0


def test_after_a_killed_supervisor_the_next_one_goes_on_with_the_same_processes(home: Path, port: int) -> None:
    with ready(home, port, "--speed", "max") as started:
        children = (started.child("bot"), started.child("api"))
        started.process.kill()
        started.ends()
        before = ask(started)["metrics"]["ticks"]
        with ready(home, port, "--speed", "max") as again:
            assert (again.child("bot"), again.child("api")) == children
            assert until(lambda: _more_ticks(again, before))
            code, seconds = again.stop()

    assert code == 0
    assert seconds < 5.0


def test_a_replay_goes_on_where_it_was_after_a_restart(home: Path, port: int, candles_us: Path) -> None:
    with ready(home, port, "--candles", str(candles_us), "--speed", "max") as started:
        until(lambda: _more_ticks(started, 50))
        first = ask(started, "{ botState { account { lastUpdated } } }")["botState"]["account"]["lastUpdated"]
        started.stop()
    with ready(home, port, "--candles", str(candles_us), "--speed", "max") as started:
        second = ask(started, "{ botState { account { lastUpdated } } }")["botState"]["account"]["lastUpdated"]
        warnings = ask(started)["botSummary"]["warnings"]
        started.stop()

    assert first <= second
    assert any(text.startswith(f"Replay of {candles_us.name}") for text in warnings)


def test_a_second_up_is_refused_and_names_the_first(home: Path, port: int) -> None:
    with ready(home, port) as started:
        with up(home, port) as second:
            said = refused(second, "BOT_005", "BotGraph already runs in this home")
        assert f"Context: pid={started.process.pid}" in said
        assert started.process.poll() is None
        with up(home.parent / "other", port) as other:
            said = refused(other, "SYS_004", "The port is taken")
        assert f"port={port}" in said
        started.stop()


FILE = ("DATA_001", "The candle file can't be read")
SETTING = ("CFG_003", "Invalid setting")


@pytest.mark.parametrize(
    ("options", "told", "cause"),
    [
        (("--speed", "fast"), SETTING, "BOTGRAPH_SPEED was `fast`: expected max"),
        (("--seed", "-3"), SETTING, "BOTGRAPH_SEED was `-3`"),
        (("--candles", "/no/such/file.csv"), FILE, "No such file or directory: /no/such/file.csv"),
        (("--store", "mysql://me:secret@db/bot"), SETTING, "BOTGRAPH_STORE_URL is wrong: expected sqlite"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_started(
    options: tuple[str, str], told: tuple[str, str], cause: str, tmp_path: Path, port: int
) -> None:
    with up(tmp_path / "new", port, *options) as started:
        said = refused(started, *told)

    assert f"  Cause: {cause}" in said
    assert "secret" not in said
    assert list((tmp_path / "new").iterdir()) == []


def test_a_wrong_variable_is_told_before_anything_is_started(tmp_path: Path, port: int) -> None:
    with up(tmp_path / "new", port, BOT_API_RATE_PER_MINUTE="many") as started:
        said = refused(started, *SETTING)

    assert "  Cause: BOT_API_RATE_PER_MINUTE was `many`: expected a whole" in said
    assert list((tmp_path / "new").iterdir()) == []


def _broken_configuration(home: Path) -> tuple[str, ...]:
    (home / "config").mkdir()
    (home / "config" / "bot.yaml").write_text("risk:\n  max_exposure_pct: 200\n")
    return ()


def _broken_candles(home: Path) -> tuple[str, ...]:
    (home / "candles.csv").write_text("when,what\n1,2\n")
    return ("--candles", str(home / "candles.csv"))


@pytest.mark.parametrize(
    ("prepare", "code", "title"),
    [
        (_broken_configuration, "CFG_001", "Invalid configuration"),
        (_broken_candles, "DATA_001", "The candle file can't be read"),
    ],
)
def test_what_the_bot_refuses_ends_the_start_with_its_reason(
    prepare: Callable[[Path], tuple[str, ...]], code: str, title: str, home: Path, port: int
) -> None:
    with up(home, port, *prepare(home)) as started:
        refused(started, code, title)
        assert not any((home / "run" / f"{name}.json").exists() for name in ("bot", "api"))


def test_a_store_that_cannot_be_used_is_told_and_may_be_tried_again(tmp_path: Path, port: int) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "botgraph.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with up(tmp_path / "new", port) as started:
        assert started.ends() == 1
        assert started.complained().startswith(
            "SYS_002: The store can't be used\n  Cause: The file is not a database.\n"
        )
        assert started.said() == ""


def test_bot_and_api_also_run_alone(tmp_path: Path, port: int) -> None:
    home = tmp_path / "new"
    with running([BOTGRAPH, "bot", "--speed", "max"], home=home, port=port) as bot:
        until(lambda: is_current(f"sqlite:///{home}/botgraph.db"))  # the bot makes the store that the API reads
        with running([BOTGRAPH, "serve"], home=home, port=port, environment={"BOT_API_AUTH_TOKEN": "k" * 20}) as api:
            (home / "keys").mkdir(exist_ok=True)
            (home / "keys" / "admin.key").write_text("k" * 20)
            until(lambda: _with_health(api, "HEALTHY"))
            assert api.stop(signal.SIGTERM)[0] == 0
        assert bot.stop(signal.SIGTERM)[0] == 0

    assert (bot.complained(), api.complained()) == ("", "")


def _with_health(started: Running, health: str) -> Any:
    data = ask(started)
    return data["botSummary"] if data and data["botSummary"] and data["botSummary"]["healthStatus"] == health else None


def _trades(started: Running) -> bool:
    summary = _with_health(started, "HEALTHY")
    return bool(summary and summary["runState"] == "RUNNING")


def _more_ticks(started: Running, than: int) -> bool:
    data = ask(started)
    return bool(data and data["metrics"]["ticks"] > than)
