"""Commands to the supervisor, with stand-ins for bot and API: what was asked, what was verified, and what outlives whom."""

import functools
import json
import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.config.changing import Operator
from tests.fakes.set_clock import SetClock
from tests.processes.running import Running, lives, until
from tests.processes.test_supervisor import found_errors, found_runtime, opened, started
from tests.terminal.typed_commands import Run
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller, Command, CommandKind, CommandStatus, Intent
from trading_bot.domain.config import BotConfig
from trading_bot.domain.errors import Scope
from trading_bot.domain.health import Health, assess
from trading_bot.services.commands import Commands
from trading_bot.services.config_versions import import_first
from trading_bot.services.configuration import config_hash, config_values
from trading_bot.store import commands, runtime
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

OPERATOR = Caller(key_id="k1", name="op", scope=Scope.ADMIN, max_response_bytes=10_240, rate_per_minute=None)


def asked(store: Store, key: str, **parameters: Any) -> Command:
    """A command, stored as the API or a workflow stores it."""
    intent = Intent(caller=OPERATOR, idempotency_key=key, digest=key, reason="a test")
    service = Commands(store=store, clock=SystemClock())
    command, _ = service.submit("main", CommandKind.RESTART_PROCESS, intent, parameters=parameters)
    return command


def has_reached(store: Store, generation: int) -> bool:
    return found_runtime(store).generation == generation


def found_pid(store: Store) -> int:
    with store.reading("main") as r:
        found = runtime.find_process(r)
    assert found is not None
    return found[1]


def ended(store: Store, command: Command) -> Command:
    def find() -> Command | None:
        with store.reading("main") as r:
            found = commands.find_command(r, command.id)
        return found if found is not None and found.executed_at is not None else None

    return until(find)


@contextmanager
def ready(home: Path, port: int, limits: dict[str, float] | None = None, **environment: str) -> Iterator[Running]:
    with started(home, port, limits, **environment) as up:
        up.says("Ready in ")
        yield up


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, sqlite_with_tables: Path) -> Iterator[Running]:
    """A supervisor of which nothing is asked that it minds."""
    home = tmp_path_factory.mktemp("calm") / "home"
    home.mkdir()
    shutil.copy(sqlite_with_tables, home / "botgraph.db")
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    with ready(home, number) as up:
        yield up
        up.stop()


def test_a_restart_is_done_once_the_new_process_has_given_a_heartbeat(calm: Running) -> None:
    up = calm
    with opened(up.home) as store:
        first, api, before = up.child("bot"), up.child("api"), found_runtime(store).generation
        done = ended(store, asked(store, "one", program="bot", action="restart", drainSeconds=10))
        second = up.child("bot", other_than=first)

        assert (done.status, done.error) == (CommandStatus.DONE, None)
        assert done.outcome is not None
        readied, drained = done.outcome.pop("readySeconds"), done.outcome.pop("drainedSeconds")
        assert done.outcome == {
            "program": "bot",
            "action": "restart",
            "drainSeconds": 10.0,
            "generationBefore": before,
            "generation": before + 1,
            "pidBefore": first,
            "pid": second,
            "exitCode": 0,
            "runState": "RUNNING",
            "liveOrders": 0,
            "positions": 0,
        }
        assert readied + drained < 10
        assert not lives(first)
        assert up.child("api") == api
        assert found_errors(store) == ()  # it was asked for: no crash
        assert "it starts again" not in up.said()


def test_on_postgres_it_is_restarted_likewise(home: Path, port: int, postgres_url: str) -> None:
    with ready(home, port, BOTGRAPH_STORE_URL=postgres_url) as up:
        store = Store(open_engine(postgres_url), SystemClock())
        done = ended(store, asked(store, "one"))
        store.close()

        assert done.outcome is not None
        assert (done.status, done.outcome["generation"]) == (CommandStatus.DONE, 2)
        up.stop()


def test_a_process_that_does_not_end_in_time_is_ended_by_force(home: Path, port: int) -> None:
    with ready(home, port, BOT_STAND_IN="stubborn") as up, opened(home) as store:
        done = ended(store, asked(store, "one", drainSeconds=0.3))

        assert done.outcome is not None
        assert (done.status, done.outcome["exitCode"], done.outcome["generation"]) == (CommandStatus.DONE, -9, 2)
        assert 0.3 <= done.outcome["drainedSeconds"] < 5
        up.process.send_signal(signal.SIGINT)
        up.process.send_signal(signal.SIGINT)


def test_a_stopped_bot_stays_down_until_it_is_started(home: Path, port: int, typed: Run) -> None:
    with ready(home, port) as up, opened(home) as store:
        first = up.child("bot")
        code, said, _ = typed("process", "stop", "--reason", "maintenance")
        assert (code, lives(first)) == (0, False)
        assert said.startswith("The bot process has ended and is held down.")
        assert assess(found_runtime(store), now=datetime.now(UTC)).status is Health.OFFLINE

        up.process.kill()  # a supervisor that dies lets nothing loose
        up.ends()
        with started(home, port) as again:
            again.says("the bot is held down since ")
            assert "Stopped by command: maintenance" in again.said()
            assert not (home / "run" / "bot.json").exists()
            code, said, complained = typed("process", "start")
            assert (code, complained) == (0, "")
            assert said.startswith(f"The bot process runs (pid {again.child('bot')}); its sign of life came after ")
            assert found_runtime(store).generation == 2
            again.stop()
        assert list((home / "run").iterdir()) == []


def test_the_api_is_restarted_and_the_bot_trades_on(calm: Running) -> None:
    up = calm
    with opened(up.home) as store:
        bot, first, before = up.child("bot"), up.child("api"), found_runtime(store).generation
        done = ended(store, asked(store, "api", program="api"))
        second = up.child("api", other_than=first)

        assert done.outcome is not None
        assert (done.status, done.outcome["pidBefore"], done.outcome["pid"]) == (CommandStatus.DONE, first, second)
        assert (up.child("bot"), found_runtime(store).generation) == (bot, before)


def test_a_bot_that_crash_loops_is_held_down_says_why_and_is_released_by_command(
    home: Path, port: int, typed: Run
) -> None:
    quick = {"first_delay": 0.02, "crash_loop": 3, "longest_delay": 0.1}
    with ready(home, port, quick) as up, opened(home) as store:
        (home / "orders").write_text("crash")
        os.kill(up.child("bot"), signal.SIGKILL)
        up.says("it is held down until it is started by command")
        error = until(lambda: next((e for e in found_errors(store) if e.error_code == "SUP_001"), None))
        log = Path(error.context["log"])

        cause = r"The bot process ended 3 times in a row, at last it ended with exit code 1 after \d s\."
        assert re.fullmatch(cause, error.cause)
        assert error.context["ends"][0].startswith("was ended by SIGKILL after ")
        assert [end[:24] for end in error.context["ends"][1:]] == ["ended with exit code 1 a"] * 2
        assert log.read_bytes()[error.context["log_from"] :] == b"out of luck\n"
        assert len([e for e in found_errors(store) if e.error_code == "BOT_006"]) == 2
        assert assess(found_runtime(store), now=datetime.now(UTC)).status is Health.OFFLINE
        assert up.process.poll() is None

        code, _, complained = typed("process", "start")
        assert code == 1
        assert complained.startswith(
            "SUP_002: The process did not come back\n  Cause: The bot process ended 3 times in a row"
        )
        (home / "orders").unlink()
        code, said, _ = typed("process", "start")
        assert (code, said.startswith("The bot process runs (pid ")) == (0, True)
        up.stop()


def test_a_configuration_under_which_the_bot_crashes_twice_is_taken_back(home: Path, port: int) -> None:
    with ready(home, port, {"first_delay": 0.02}) as up, opened(home) as store:
        values = config_values(BotConfig())
        with store.writing("main") as w:
            import_first(w, values=values, digest=config_hash(values))
        operator = Operator(store, SystemClock())
        assert operator.apply({"name": "Crashing"}) == 2
        for generation in (2, 3):
            os.kill(found_pid(store), signal.SIGKILL)
            until(functools.partial(has_reached, store, generation))
        up.says("The configuration was taken back: version 3 is in force.")

        assert (operator.change().version, operator.values()["name"]) == (3, "BotGraph")
        up.stop()


def test_what_waits_for_a_database_is_never_held_down(home: Path, port: int) -> None:
    with ready(home, port, {"first_delay": 0.02, "crash_loop": 2, "longest_delay": 0.05}) as up, opened(home) as store:
        first = up.child("bot")
        (home / "orders").write_text("wait")
        os.kill(first, signal.SIGKILL)
        until(lambda: up.said().count("ended with exit code 75") >= 3)
        (home / "orders").unlink()
        until(lambda: found_runtime(store).generation == 2)

        assert "held down" not in up.said()
        up.stop()


def test_a_restart_that_is_refused_fails_with_the_words_of_the_bot(home: Path, port: int) -> None:
    with ready(home, port) as up, opened(home) as store:
        (home / "orders").write_text("refuse")
        failed = ended(store, asked(store, "one"))

        assert failed.status is CommandStatus.FAILED
        assert failed.error is not None
        assert failed.error.error_code == "SUP_002"
        assert failed.error.cause == "The bot process refused to start: CFG_001: Invalid configuration"
        assert failed.error.context == {"program": "bot", "log": str(home / "logs" / "bot.out.log")}
        up.stop()


def test_a_restart_that_its_supervisor_did_not_live_to_see_is_ended_by_the_next(home: Path, port: int) -> None:
    with ready(home, port, BOT_STAND_IN="stubborn") as up, opened(home) as store:
        first = up.child("bot")
        command = asked(store, "one", drainSeconds=60)
        until(lambda: _is_running(store, command))
        up.process.kill()
        up.ends()
        assert lives(first)
        with started(home, port, BOT_STAND_IN="stubborn") as again:
            until(lambda: _is_taken(again))
            os.kill(first, signal.SIGKILL)
            done = ended(store, command)

            assert done.outcome is not None
            assert (done.status, done.outcome["generationBefore"], done.outcome["generation"]) == (
                CommandStatus.DONE,
                1,
                2,
            )
            again.process.send_signal(signal.SIGINT)
            again.process.send_signal(signal.SIGINT)


def test_a_command_that_nobody_took_in_time_is_not_carried_out(home: Path, port: int) -> None:
    with ready(home, port) as up:
        up.stop()
    with opened(home) as store:
        late = SetClock(datetime.now(UTC) - timedelta(minutes=6))
        intent = Intent(caller=OPERATOR, idempotency_key="one", digest="one", reason="a test")
        command, _ = Commands(store=store, clock=late).submit(
            "main", CommandKind.RESTART_PROCESS, intent, parameters={}
        )
        with ready(home, port) as up:
            expired = ended(store, command)
            assert found_runtime(store).generation == 2  # by the start, not by the command
            up.stop()

    assert expired.status is CommandStatus.EXPIRED
    assert expired.error is not None
    assert (expired.error.error_code, expired.error.cause) == (
        "SUP_003",
        "RESTART_PROCESS was not taken within 5 minutes.",
    )


def test_without_a_supervisor_the_terminal_says_so(home: Path, port: int, typed: Run) -> None:
    code, _, complained = typed("process", "restart")

    assert code == 1
    assert complained.startswith("BOT_001: No such bot")


def test_an_order_that_means_nothing_fails_and_nothing_happens(calm: Running) -> None:
    with opened(calm.home) as store:
        known = asked(store, "known")
        first = ended(store, known)
        with store.writing("main") as w:  # past the service, which refuses it
            commands.add_command(w, replace(known, id="strange", parameters={"program": "shell"}))
        failed = ended(store, replace(known, id="strange"))

        assert failed.status is CommandStatus.FAILED
        assert failed.error is not None
        cause = "Expected program to be one of bot, api, was shell."
        assert (failed.error.error_code, failed.error.cause) == ("QRY_004", cause)
        assert first.outcome is not None
        assert found_runtime(store).generation == first.outcome["generation"]


def test_a_service_manager_is_told_when_all_runs_that_we_live_and_when_all_ends(
    home: Path, port: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    address = tmp_path_factory.mktemp("n") / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        listening.settimeout(20)
        with started(home, port, NOTIFY_SOCKET=str(address), WATCHDOG_USEC="400000") as up:
            heard = [listening.recv(4096).decode()]
            while "READY=1" not in heard[-1]:
                heard.append(listening.recv(4096).decode())
            up.stop()
            listening.setblocking(False)  # noqa: FBT003 - socket's own argument
            while "STOPPING=1" not in heard[-1]:
                heard.append(listening.recv(4096).decode())

    assert "WATCHDOG=1" in heard
    assert "READY=1\nSTATUS=Bot and API run" in heard
    assert heard[-1] == "STOPPING=1\nSTATUS=Stopping bot and API"


def _is_running(store: Store, command: Command) -> bool:
    with store.reading("main") as r:
        found = commands.find_command(r, command.id)
    return found is not None and found.status is CommandStatus.RUNNING


def _is_taken(up: Running) -> bool:
    """Whether this supervisor has taken a command."""
    lines = (up.home / "logs" / "supervisor.log").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    return events.count("command_taken") == 2
