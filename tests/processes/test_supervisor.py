"""The supervisor with stand-ins for bot and API, which are quick to start and do wrong what they are told to."""

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.processes.running import Running, lives, python, running, until
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.health import Health, Runtime, assess
from trading_bot.store import errors, runtime
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store
from trading_bot.store.versions import HEAD

Started = Iterator[Running]


@contextmanager
def started(home: Path, port: int, limits: dict[str, float] | None = None, **environment: str) -> Started:
    argv = python("tests.fakes.supervised", json.dumps(limits or {}))
    with running(argv, home=home, port=port, environment=environment) as up:
        yield up


@contextmanager
def opened(home: Path) -> Iterator[Store]:
    store = Store(open_engine(f"sqlite:///{home}/botgraph.db"), SystemClock())
    try:
        yield store
    finally:
        store.close()


def found_runtime(store: Store) -> Runtime:
    with store.reading("main") as r:
        found = runtime.find_runtime(r)
    assert found is not None
    return found


def set_version(home: Path, version: str) -> None:
    """Have the store's tables be of that version."""
    with closing(sqlite3.connect(home / "botgraph.db", timeout=10)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


def found_errors(store: Store) -> tuple[SemanticError, ...]:
    with store.reading("main") as r:
        return errors.list_recent_errors(r, 10)


def test_both_start_and_a_stop_leaves_nobody_behind(tmp_path: Path, port: int) -> None:
    home = tmp_path / "new"
    with started(home, port) as up:
        up.says("Ready in ")
        children = [up.child("bot"), up.child("api")]
        code, seconds = up.stop()

        assert (code, up.complained()) == (0, "")
        assert seconds < 5.0
        assert [pid for pid in children if lives(pid)] == []
        assert sorted(path.name for path in (home / "run").iterdir()) == []
        with opened(home) as store:
            assert assess(found_runtime(store), now=datetime.now(UTC)).status is Health.OFFLINE


def test_a_first_start_shows_its_key_once_and_saves_it(home: Path, port: int) -> None:
    with started(home, port) as up:
        first = up.says("Ready in ")
        up.stop()
    with started(home, port) as up:
        second = up.says("Ready in ")
        up.stop()
    file = home / "keys" / "admin.key"
    token = file.read_text().strip()

    assert first.count(token) == 2  # by itself, and in the line to paste
    assert token not in second
    assert str(file) in second
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_from_the_environment_is_not_shown(home: Path, port: int) -> None:
    with started(home, port, BOT_API_AUTH_TOKEN="a-token-of-the-operator") as up:
        said = up.says("Ready in ")
        up.stop()

    assert "the one in BOT_API_AUTH_TOKEN" in said
    assert "a-token-of-the-operator" not in said + up.complained()
    assert not (home / "keys" / "admin.key").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_manager_stops_it_as_well(number: signal.Signals, home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        code, seconds = up.stop(number)

    assert code == 0
    assert seconds < 5.0


def test_a_child_that_does_not_obey_is_killed_in_time(home: Path, port: int) -> None:
    with started(home, port, {"stop": 0.3}, BOT_STAND_IN="stubborn") as up:
        up.says("Ready in ")
        bot = up.child("bot")
        code, seconds = up.stop()

        assert code == 0
        assert 0.3 <= seconds < 5.0
        assert not lives(bot)


def test_a_second_ctrl_c_waits_for_nobody(home: Path, port: int) -> None:
    with started(home, port, {"stop": 60}, BOT_STAND_IN="stubborn") as up:
        up.says("Ready in ")
        api = up.child("api")
        up.process.send_signal(signal.SIGINT)
        until(lambda: not lives(api))  # the obedient one has ended: the first Ctrl-C has been taken
        code, seconds = up.stop()

        assert code == 0
        assert seconds < 5.0


def test_a_second_one_in_the_same_home_is_refused_and_harms_nothing(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        bot = up.child("bot")
        with started(home, port) as second:
            assert second.ends() == 78
            assert "BOT_005: BotGraph already runs in this home" in second.complained()
            assert f"pid={up.process.pid}" in second.complained()
            assert (second.said(), lives(bot), up.process.poll()) == ("", True, None)
            up.stop()


def test_a_port_that_is_taken_stops_the_start_before_anything_runs(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        with started(home.parent / "other", port) as second:
            assert second.ends() == 78
        assert "SYS_004: The port is taken" in second.complained()
        assert f"Another program listens on 127.0.0.1 port {port}." in second.complained()
        assert not (home.parent / "other" / "botgraph.db").exists()
        up.stop()


def test_a_child_that_refuses_ends_everything_with_its_own_words(home: Path, port: int) -> None:
    with started(home, port, BOT_STAND_IN="refuse") as up:
        assert up.ends() == 78
        assert up.complained() == "CFG_001: Invalid configuration\n  Cause: risk.max_exposure_pct was 200.\n"
        assert not (home / "run" / "api.json").exists()


def test_a_bot_that_is_killed_shows_as_offline_and_comes_back(home: Path, port: int) -> None:
    with started(home, port, {"first_delay": 1.0}) as up:
        up.says("Ready in ")
        first = up.child("bot")
        os.kill(first, signal.SIGKILL)
        with opened(home) as store:
            until(lambda: found_runtime(store).process_ended_at, seconds=5)
            assert assess(found_runtime(store), now=datetime.now(UTC)).status is Health.OFFLINE
            up.child("bot", other_than=first)
            again = until(lambda: found_runtime(store) if found_runtime(store).generation == 2 else None)
            assert again.process_ended_at is None
            (error,) = until(lambda: found_errors(store))
        up.stop()

    assert error.error_code == "BOT_006"
    assert error.cause.startswith("The bot process was ended by SIGKILL after ")
    assert error.context["pid"] == first
    assert error.context["log"] == str(home / "logs" / "bot.out.log")
    assert "The bot process was ended by SIGKILL" in up.said()


def test_an_api_that_is_killed_comes_back_and_the_bot_does_not_notice(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        bot, first = up.child("bot"), up.child("api")
        os.kill(first, signal.SIGKILL)
        up.child("api", other_than=first)

        assert (up.child("bot"), lives(bot)) == (bot, True)
        with opened(home) as store:
            assert found_runtime(store).generation == 1
            (error,) = until(lambda: found_errors(store))
        assert error.context["program"] == "api"
        up.stop()


def test_a_bot_without_heartbeat_is_killed_and_restarted(home: Path, port: int) -> None:
    with started(home, port, {"heartbeat": 4, "heartbeat_every": 0.05}) as up:
        up.says("Ready in ")
        first = up.child("bot")
        os.kill(first, signal.SIGSTOP)
        second = up.child("bot", other_than=first)

        assert not lives(first)
        assert "The bot process gave no heartbeat for " in up.said()
        assert lives(second)
        up.stop()


def test_an_api_that_does_not_answer_is_killed_and_restarted(home: Path, port: int) -> None:
    with started(home, port, {"answer": 4, "answer_every": 0.2}) as up:
        up.says("Ready in ")
        bot, first = up.child("bot"), up.child("api")
        os.kill(first, signal.SIGSTOP)
        up.child("api", other_than=first)

        assert not lives(first)
        assert "The api process did not answer for " in up.said()
        assert lives(bot)
        up.stop()


def test_a_bot_that_crashes_at_once_is_tried_again_more_and_more_slowly(home: Path, port: int) -> None:
    with started(home, port, {"first_delay": 0.05, "slow_start": 0.5}, BOT_STAND_IN="crash") as up:
        up.says("it starts again in 0.2 s")
        said = up.says("Still starting")
        up.stop()

    assert "The bot process ended with exit code 1 after " in said
    assert f"it starts again in 0.05 s. Its log: {home}/logs/bot.out.log" in said
    assert "Ready" not in said
    events = [json.loads(line) for line in (home / "logs" / "supervisor.log").read_text().splitlines()]
    ended = [event for event in events if event["event"] == "process_ended"]
    assert [event["restart_in"] for event in ended[:3]] == [0.05, 0.1, 0.2]
    assert ended[0]["last_line"] == "out of luck"


def test_a_terminal_that_has_gone_does_not_end_what_trades(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        up.stop()
    reading, writing = os.pipe()
    os.close(reading)
    argv = python("tests.fakes.supervised", "{}")
    with running(argv, home=home, port=port, said=writing) as up:
        os.close(writing)
        first = up.child("bot")
        with opened(home) as store:
            until(lambda: found_runtime(store).generation == 2 and found_runtime(store).last_heartbeat)
            os.kill(first, signal.SIGKILL)
            up.child("bot", other_than=first)
            until(lambda: found_runtime(store).generation == 3)
        assert up.stop()[0] == 0


def test_children_of_a_killed_supervisor_live_on_and_are_taken_over(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        children = (up.child("bot"), up.child("api"))
        up.process.kill()
        up.ends()
        with started(home, port) as again:
            again.says("Ready in ")
            assert (again.child("bot"), again.child("api")) == children
            assert all(map(lives, children))
            with opened(home) as store:
                assert found_runtime(store).generation == 1
            code, seconds = again.stop()

        assert code == 0
        assert seconds < 5.0
        assert not any(map(lives, children))


def test_a_start_that_fails_leaves_alive_what_it_took_over(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        children = (up.child("bot"), up.child("api"))
        up.process.kill()
        up.ends()
        set_version(home, "of-tomorrow")
        with started(home, port) as failing:
            assert failing.ends() == 78
            assert failing.complained().startswith("SYS_003")
            assert all(map(lives, children))
            set_version(home, HEAD)
            with started(home, port) as again:
                again.says("Ready in ")
                assert (again.child("bot"), again.child("api")) == children
                again.stop()


def test_a_child_that_was_taken_over_is_restarted_like_any_other(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        first = up.child("bot")
        up.process.kill()
        up.ends()
        with started(home, port) as again:
            again.says("Ready in ")
            os.kill(first, signal.SIGKILL)
            assert lives(again.child("bot", other_than=first))
            assert "The bot process ended after " in again.says("it starts again in 0.2 s")
            again.stop()


def test_children_with_other_settings_are_ended_not_taken_over(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        children = (up.child("bot"), up.child("api"))
        up.process.kill()
        up.ends()
        with started(home, port, BOT_STATE_CACHE_TTL="30") as again:
            again.says("Ready in ")
            assert not any(map(lives, children))
            again.stop()


def test_a_bot_that_died_with_its_supervisor_is_offline_before_the_next_one_lives(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        bot, api = up.child("bot"), up.child("api")
        up.process.kill()
        up.ends()
        for pid in (bot, api):
            os.kill(pid, signal.SIGKILL)
        with started(home, port, {"first_delay": 30}, BOT_STAND_IN="crash") as again:
            again.says("it starts again in 30 s")
            with opened(home) as store:
                assert assess(found_runtime(store), now=datetime.now(UTC)).status is Health.OFFLINE
            again.stop()


def test_a_store_that_is_locked_for_a_while_does_not_end_the_supervisor(home: Path, port: int) -> None:
    with started(home, port) as up:
        up.says("Ready in ")
        first = up.child("api")
        blocker = sqlite3.connect(home / "botgraph.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        os.kill(first, signal.SIGKILL)
        up.child("api", other_than=first)
        blocker.execute("ROLLBACK")
        blocker.close()
        with opened(home) as store:
            assert until(lambda: found_errors(store))[0].context["program"] == "api"
        up.stop()


def test_a_store_that_is_damaged_is_named_and_nothing_starts(home: Path, port: int) -> None:
    (home / "botgraph.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with started(home, port) as up:
        assert up.ends() == 78

    assert up.complained().startswith("SYS_002: The store can't be used")
    assert "Traceback" not in up.complained()
    assert not list((home / "run").iterdir())


def test_on_postgres_it_is_the_same(home: Path, port: int, postgres_url: str) -> None:
    with started(home, port, BOTGRAPH_STORE_URL=postgres_url) as up:
        up.says("Ready in ")
        first = up.child("bot")
        os.kill(first, signal.SIGKILL)
        up.child("bot", other_than=first)
        engine = sa.create_engine(postgres_url)
        store = Store(engine, SystemClock())
        assert until(lambda: found_errors(store))[0].error_code == "BOT_006"
        code, seconds = up.stop()
        store.close()
        engine.dispose()

    assert code == 0
    assert seconds < 5.0
