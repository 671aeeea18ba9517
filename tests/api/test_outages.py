"""When the bot or the store is down, the API says so, with the last that it knows."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from tests.api.client import Api, Serving, closed
from tests.api.conftest import NOW
from tests.fakes.seeded_watch import running
from tests.fakes.seeding import seed_bot
from tests.fakes.standing_clock import StandingClock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.health import HealthCheck
from trading_bot.store import bots, runtime
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

SUMMARY = "{ botSummary { healthStatus healthReason dataAgeSeconds warnings runState seq } }"
STATE = "{ botState { health { status reason } warnings positions { symbol } } }"


def test_a_silent_bot_is_offline_after_15_seconds(api: Api) -> None:
    api.clock.advance(14)
    assert api.data(SUMMARY)["botSummary"]["healthStatus"] == "HEALTHY"
    api.clock.advance(1.5)
    summary = api.data(SUMMARY)["botSummary"]

    assert (summary["healthStatus"], summary["healthReason"]) == ("OFFLINE", "No heartbeat for 16 s.")
    assert summary["dataAgeSeconds"] == 16.5
    assert summary["warnings"][0] == "Bot offline: No heartbeat for 16 s."


def test_an_ended_process_is_offline_at_once(api: Api) -> None:
    assert api.data(SUMMARY)["botSummary"]["healthStatus"] == "HEALTHY"
    with api.store.writing("main") as w:
        runtime.mark_process_ended(w, generation=1)
    state = api.data(STATE)["botState"]

    assert state["health"]["status"] == "OFFLINE"
    assert state["warnings"][0].startswith("Bot offline: The bot's process ended at 2026-03-02T12:00:00Z")


def test_a_failing_check_degrades(api: Api) -> None:
    check = HealthCheck(name="venue", ok=False, detail="no answer", observed_at=NOW)
    with api.store.writing("main") as w:
        runtime.save_runtime(w, replace(running(NOW), checks=(check,)))
    summary = api.data(SUMMARY)["botSummary"]

    assert (summary["healthStatus"], summary["healthReason"]) == ("DEGRADED", "venue: no answer")


def test_data_older_than_five_minutes_stand_in_the_warnings(api: Api) -> None:
    seen = NOW - timedelta(seconds=301)
    with api.store.writing("main") as w:
        runtime.save_runtime(w, replace(running(NOW), observed_at=seen))

    assert "Stale data: last read from the venue 301 s ago" in api.data(SUMMARY)["botSummary"]["warnings"]


def test_a_bot_that_has_seen_no_account_yet_has_a_summary_but_no_state(start: Callable[..., Api]) -> None:
    api = start()
    with api.store.writing("new") as w:
        bots.register_bot(w, name="New", mode=TradingMode.PAPER, venue="paper", replay_of=None)
    answer = api.post('{ botSummary(botId: "new") { healthStatus dailyPnl } botState(botId: "new") { seq } }').json()

    assert answer["data"] == {"botSummary": {"healthStatus": "OFFLINE", "dailyPnl": "0"}, "botState": None}
    assert answer["errors"][0]["extensions"]["errorCode"] == "DATA_004"


def test_reads_go_on_while_another_program_holds_the_write_lock(api: Api) -> None:
    with sqlite3.connect(api.home / "botgraph.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        assert api.data(SUMMARY)["botSummary"]["healthStatus"] == "HEALTHY"


def test_a_write_while_another_program_holds_the_lock_is_a_store_error(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation = 'mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { replayed } }'
    with sqlite3.connect(api.home / "botgraph.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert api.codes(mutation) == ["SYS_002"]  # after the five seconds that a writer waits

    assert api.data(mutation)["botPause"] == {"replayed": False}


@pytest.fixture
def cut_off(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, "Line"]]:
    """A server over PostgreSQL, and the line between them, which can be cut."""
    engine = open_engine(postgres_url)
    bring_up_to_date(engine)
    seed_bot(Store(engine, StandingClock(NOW)), NOW)
    engine.dispose()
    serving = Serving(tmp_path_factory.mktemp("home"), StandingClock(NOW), store_url=postgres_url)
    yield serving.api, Line(postgres_url)
    serving.stop()


def test_while_the_store_is_away_the_last_answer_is_given_with_a_warning(cut_off: tuple[Api, "Line"]) -> None:
    api, line = cut_off
    before = api.data(SUMMARY)["botSummary"]
    api.data(STATE)
    line.cut()
    summary = api.data(SUMMARY)["botSummary"]
    state = api.data(STATE)["botState"]

    assert before["warnings"][0] == "Replay of demo.csv, venue time is 2013-10-08T14:32Z"
    assert summary["warnings"][0].startswith("Store can't be read: shown is what was read")
    assert (summary["seq"], summary["healthStatus"]) == (4, "HEALTHY")
    assert state["positions"] == [{"symbol": "SPY"}]
    assert api.codes("{ trades { edges { cursor } } }") == ["SYS_002"]
    assert api.call("GET", "/readyz", headers={"X-API-Key": api.token}).status_code == 503
    assert api.call("GET", "/livez").status_code == 200


def test_a_bot_that_was_last_seen_before_the_outage_is_offline_by_the_clock(cut_off: tuple[Api, "Line"]) -> None:
    api, line = cut_off
    api.data(SUMMARY)
    line.cut()
    api.clock.advance(60)
    summary = api.data(SUMMARY)["botSummary"]

    assert (summary["healthStatus"], summary["dataAgeSeconds"]) == ("OFFLINE", 61.0)


def test_when_the_store_is_back_the_warning_is_gone(cut_off: tuple[Api, "Line"]) -> None:
    api, line = cut_off
    api.data(SUMMARY)
    line.cut()
    api.data(SUMMARY)
    line.mend()

    assert not any("Store" in warning for warning in api.data(SUMMARY)["botSummary"]["warnings"])


def test_what_was_never_read_can_not_be_answered(cut_off: tuple[Api, "Line"]) -> None:
    api, line = cut_off
    assert api.data("{ viewer { scope } }") == {"viewer": {"scope": "ADMIN"}}
    line.cut()

    assert api.codes(SUMMARY) == ["SYS_002"]


def test_nobody_can_tell_whose_key_it_is_while_the_store_is_away(cut_off: tuple[Api, "Line"]) -> None:
    api, line = cut_off
    line.cut()
    answer = api.post(SUMMARY, token="bg_1_unknown")
    with api.socket() as socket:
        socket.send({"type": "connection_init", "payload": {"X-API-Key": "bg_1_unknown"}})
        ended = closed(socket)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["errorCode"]) == (503, "SYS_002")
    assert ended == (1013, "SYS_002, the store can't be used; try again later")


def test_a_subscription_outlives_an_outage_of_the_store(cut_off: tuple[Api, "Line"]) -> None:
    api, line = cut_off
    with api.session() as socket:
        socket.subscribe("1", "subscription { botSummary(intervalSeconds: 1) { warnings } }")
        socket.receive()
        line.cut()
        during = socket.receive()["payload"]["data"]["botSummary"]["warnings"]
        line.mend()
        after = socket.receive()["payload"]["data"]["botSummary"]["warnings"]

    assert during[0].startswith("Store can't be read")
    assert after == ["Replay of demo.csv, venue time is 2013-10-08T14:32Z", "Paper mode: no real money moves"]


class Line:
    """The connections to one PostgreSQL database."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        self._name = str(address.database)
        self._admin = f"postgresql://postgres:@/postgres?host={address.query['host']}"

    def cut(self) -> None:
        """Let nobody in any more, and throw out who is."""
        self._run("ALTER DATABASE {} ALLOW_CONNECTIONS false")
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self._name,))

    def mend(self) -> None:
        """Let everybody in again."""
        self._run("ALTER DATABASE {} ALLOW_CONNECTIONS true")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute(SQL(statement).format(Identifier(self._name)))
