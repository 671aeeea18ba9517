"""Observability: probes and figures say how the API and the bots are, with labels that nobody outside can multiply."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from graphql import GraphQLError
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from structlog.testing import capture_logs

from graph.guard.errors import ErrorShape
from graph.observability.metrics import Metrics
from resolvers.counters import Counters
from tests.api.client import Api
from tests.fakes.application_log import logged_to
from tests.fakes.standing_clock import StandingClock
from trading_bot.domain.errors import Scope
from trading_bot.store.engine import open_engine

OPERATE = Path(__file__).parents[2] / "docs" / "operate.md"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(api: Api) -> Samples:
    """All figures by name and labels."""
    answer = api.call("GET", "/metrics", headers={"X-API-Key": api.token})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def counted(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def test_the_figures_of_the_bot_are_those_of_the_api(api: Api) -> None:
    found = samples(api)
    figures = api.data(
        "{ metrics { ticks errorsLastHour ordersLastHour fillsLastHour storeBytes } botSummary { positionCount dailyPnl } }"
    )

    assert counted(found, "botgraph_bot_ticks", bot="main") == figures["metrics"]["ticks"]
    assert counted(found, "botgraph_bot_orders_last_hour", bot="main") == figures["metrics"]["ordersLastHour"]
    assert counted(found, "botgraph_bot_fills_last_hour", bot="main") == figures["metrics"]["fillsLastHour"]
    assert counted(found, "botgraph_bot_errors_last_hour", bot="main") == figures["metrics"]["errorsLastHour"]
    assert counted(found, "botgraph_store_bytes") == figures["metrics"]["storeBytes"]
    assert counted(found, "botgraph_bot_positions", bot="main") == figures["botSummary"]["positionCount"]
    assert counted(found, "botgraph_bot_daily_pnl", bot="main") == float(figures["botSummary"]["dailyPnl"])
    assert (counted(found, "botgraph_bot_healthy", bot="main"), counted(found, "botgraph_store_readable")) == (1.0, 1.0)


def test_every_figure_is_documented_and_every_documented_figure_exists(api: Api) -> None:
    api.post("{ botSummary { healthStatus } }")
    answer = api.call("GET", "/metrics", headers={"X-API-Key": api.token})
    families = [one for one in text_string_to_metric_families(answer.text) if not one.name.endswith("_created")]
    rows = re.findall(r"^\| (`botgraph_.*) \| ", OPERATE.read_text(), re.MULTILINE)

    assert sorted(re.findall(r"`(botgraph_\w+)", " ".join(rows))) == sorted(
        f"{one.name}_total" if one.type == "counter" else one.name for one in families
    )


def test_a_silent_bot_shows(api: Api) -> None:
    api.clock.advance(60)
    found = samples(api)

    assert (counted(found, "botgraph_bot_online", bot="main"), counted(found, "botgraph_bot_healthy", bot="main")) == (
        0.0,
        0.0,
    )
    assert counted(found, "botgraph_bot_data_age_seconds", bot="main") == 61.0


def test_operations_are_counted_by_catalogued_name_kind_door_and_outcome(api: Api) -> None:
    key = {"X-API-Key": api.token}
    api.call("POST", "/graphql", json={"documentId": "botSummary"}, headers=key)
    api.post("query botSummary { botSummary { seq } }")
    api.post("query mine { viewer { name } }")
    api.post('{ botState(botId: "nobody") { seq } }')
    api.post("{ nonsense }")
    with api.session() as socket:
        socket.subscribe("1", "subscription { botSummary { seq } }")
        socket.receive()
        open_now = samples(api)
    found = samples(api)

    def operations(operation: str, kind: str, door: str, outcome: str) -> float:
        return counted(found, "botgraph_operations_total", operation=operation, kind=kind, door=door, outcome=outcome)

    assert operations("botSummary", "query", "http", "ok") == 2
    assert operations("other", "query", "http", "ok") == 1
    assert operations("other", "query", "http", "error") == 1
    assert operations("other", "none", "http", "error") == 1
    assert operations("other", "subscription", "websocket", "ok") == 1
    assert counted(found, "botgraph_operation_seconds_count", operation="botSummary", kind="query") == 2
    assert counted(open_now, "botgraph_sockets") == 1
    assert counted(open_now, "botgraph_subscriptions") == 1
    assert counted(found, "botgraph_cache_misses_total") >= 1


def test_errors_and_requests_are_counted(start: Callable[..., Api]) -> None:
    api = start(api_rate_per_minute=2)
    api.post("{ nonsense }")
    api.post("{ a b }")
    assert api.post("{ viewer { name } }").status_code == 429
    api.call("POST", "/graphql", json={"query": "{ a }"})
    api.call("GET", "/nothing")
    api.call("PUT", "/livez")
    found = samples(api)

    assert counted(found, "botgraph_errors_total", code="QRY_003") == 3
    assert counted(found, "botgraph_errors_total", code="API_429") == 1
    assert counted(found, "botgraph_errors_total", code="AUTH_001") == 1
    assert counted(found, "botgraph_errors_total", code="QRY_005") == 1
    assert counted(found, "botgraph_http_requests_total", method="POST", status="429") == 1
    assert counted(found, "botgraph_http_requests_total", method="POST", status="401") == 1
    assert counted(found, "botgraph_http_requests_total", method="GET", status="404") == 1
    assert counted(found, "botgraph_http_requests_total", method="other", status="405") == 1


def test_an_answer_that_is_too_large_is_one_error_each_time(api: Api) -> None:
    token = api.keys.create("small", Scope.READ, max_response_bytes=300)[1]
    wide = "{ botState { seq positions { symbol quantity entryPrice currentPrice lastUpdated } orders { symbol status } } }"

    assert [api.codes(wide, token=token) for _ in range(3)] == [["QRY_027"]] * 3
    assert counted(samples(api), "botgraph_errors_total", code="QRY_027") == 3


def test_a_thousand_names_and_codes_make_no_new_series(api: Api) -> None:
    api.post("query first { viewer { name } }")
    before = len(samples(api))
    for number in range(10):
        api.post(f"query Q{number} {{ viewer {{ name }} }}")
    clock = StandingClock(api.clock.now())
    metrics = Metrics(operations=["viewer"], counters=Counters(started=0.0), clock=clock)
    for number in range(1000):
        metrics.operation(f"n{number}", "query", "http", is_good=True, seconds=0.1)
        metrics.error(f"X_{number}")
        metrics.request(f"M{number}", 200, 0.1)
    series = [line for line in metrics.text(None).decode().splitlines() if "{" in line and "_created" not in line]

    assert len(samples(api)) == before
    assert len([line for line in series if "botgraph_operations_total" in line]) == 1
    assert len([line for line in series if "botgraph_errors_total" in line]) == 1
    assert len([line for line in series if "botgraph_http_requests_total" in line]) == 1
    assert "n1" not in str(series)


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/readyz?verbose"])
def test_figures_and_readiness_need_a_key_of_any_scope(shared_api: Api, path: str) -> None:
    refused = shared_api.call("GET", path)

    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert shared_api.call("GET", path, headers={"X-API-Key": shared_api.key(Scope.READ)}).status_code == 200


def test_readiness_names_its_checks_and_how_the_bots_are(api: Api) -> None:
    key = {"X-API-Key": api.token}
    ready = api.call("GET", "/readyz?verbose", headers=key)
    api.clock.advance(20)
    offline = api.call("GET", "/readyz?verbose", headers=key)

    assert ready.json() == {
        "status": "ready",
        "checks": [
            {"name": "store", "ok": True, "detail": "1 bots"},
            {"name": "schema", "ok": True, "detail": ready.json()["checks"][1]["detail"]},
        ],
        "bots": [{"id": "main", "health": "HEALTHY", "reason": None, "dataAgeSeconds": 1.0}],
    }
    assert (offline.status_code, offline.json()["bots"][0]["health"]) == (200, "OFFLINE")
    assert api.call("GET", "/readyz", headers=key).json() == {"status": "ready"}


def test_a_store_of_another_release_is_not_ready(api: Api) -> None:
    with open_engine(f"sqlite:///{api.home / 'botgraph.db'}").begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    key = {"X-API-Key": api.token}
    plain, verbose = api.call("GET", "/readyz", headers=key), api.call("GET", "/readyz?verbose", headers=key)

    assert (plain.status_code, verbose.status_code) == (503, 503)
    assert plain.json()["errors"][0]["extensions"]["errorCode"] == "SYS_003"
    assert [check["ok"] for check in verbose.json()["checks"]] == [True, False]
    assert verbose.json()["checks"][1]["detail"].startswith("SYS_003: ")
    assert verbose.json()["status"] == "not ready"


@pytest.mark.parametrize("given", ["a", "A-1_b.2", "x" * 64])
def test_a_request_keeps_the_name_that_its_caller_gives_it(shared_api: Api, given: str) -> None:
    assert shared_api.call("GET", "/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "ä", '"', "a;b", "${jndi}"])
def test_a_name_that_would_not_do_in_a_log_is_replaced(shared_api: Api, given: str) -> None:
    answer = shared_api.call("GET", "/livez", headers={"X-Request-ID": given.encode()})

    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 16


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The application log as the process has it, for as long as the test runs."""
    with logged_to(tmp_path / "api.log"):
        yield tmp_path / "api.log"


BAD: list[dict[str, Any]] = [
    {"content": b"\x00\xff" * 30_000},
    {"content": b"[" * 60_000},
    {"json": {"query": "{ " + "\n" * 20_000 + "nonsense }"}},
    {"json": {"query": "{" + "a " * 20_000 + "}"}},
    {"json": {"query": "\u2028\x1b[31m" * 3_000, "operationName": "\r\nX-Evil: 1"}},
    {"json": {"query": "{ viewer { name } }", "variables": {"x" * 9_000: "y" * 9_000}}},
    {"json": {"query": '{ botState(botId: "' + "b" * 9_000 + '") { seq } }'}},
    {"json": {"query": "{ " + " ".join(f'a{n}: botState(botId: "x{n}") {{ seq }}' for n in range(20)) + " }"}},
]


@pytest.mark.parametrize("request_", BAD, ids=range(len(BAD)))
def test_a_request_has_one_short_line_in_the_log_however_bad_it_is(
    log: Path, start: Callable[..., Api], request_: dict[str, Any]
) -> None:
    api = start()
    headers = {"X-API-Key": api.token, "X-Request-ID": "mine", "User-Agent": "u" * 5_000}
    path = "/graphql?" + "p" * 5_000
    api.call("POST", path, headers=headers, **request_)
    api.call("GET", "/livez")  # the line is written once the answer is out
    lines = [line for line in log.read_text().splitlines() if json.loads(line).get("request_id") == "mine"]

    assert len(lines) == 1
    assert len(lines[0]) < 500
    assert api.token not in log.read_text()


def test_the_record_of_a_fault_is_bounded_too(log: Path) -> None:
    error = RuntimeError("begin " + "x" * 1_000_000 + " end")
    structlog.get_logger("graph").error("fault", fault_id="f", exc_info=error)
    (line,) = log.read_text().splitlines()
    text = json.loads(line)["exception"]

    assert (len(line) < 8_400, text.startswith("RuntimeError: begin"), text.endswith("end")) == (True, True, True)


def test_faults_of_our_own_in_one_answer_share_one_record(shared_api: Api) -> None:

    codes: list[str] = []
    shape = ErrorShape(now=shared_api.clock.now, log=structlog.get_logger("graph"), count=codes.append)
    errors = [GraphQLError("x", original_error=RuntimeError(str(number)), path=[number]) for number in range(5)]
    with capture_logs() as lines:
        entries = shape.of_execution(errors)

    assert [line["event"] for line in lines] == ["fault"]
    assert {entry["extensions"]["context"]["fault_id"] for entry in entries} == {lines[0]["fault_id"]}
    assert codes == ["SYS_001"] * 5
