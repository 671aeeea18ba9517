"""What takes no waiting is answered from the connection itself, and nobody can tell but by the time that it takes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from graph.documents import Documents
from graph.doors.shortcut import Shortcut
from tests.api.client import NO_TLS, Api, Serving
from tests.api.conftest import NOW
from tests.fakes.application_log import logged_to
from tests.fakes.standing_clock import StandingClock

QUERY = "{ botState { seq positions { symbol quantity } } }"
BODY = json.dumps({"query": QUERY}).encode()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request that was held back: whether the shortcut answered it. However slow the machine, nothing is forgotten in between."""
    monkeypatch.setattr("trading_bot.services.keys.REMEMBERED_SECONDS", 60.0)
    monkeypatch.setattr("resolvers.memory.BOTS_HOLD_SECONDS", 60.0)
    seen: list[bool] = []
    answer = Shortcut.answer

    def noting(self: Shortcut, *given: Any) -> bytes | None:
        found = answer(self, *given)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(Shortcut, "answer", noting)
    return seen


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [("POST", {}), ("GET", {}), ("GET", {"If-None-Match": "*"}), ("GET", {"If-None-Match": '"other"'})],
)
def test_both_ways_say_the_same(
    start: Callable[..., Api], short: list[bool], method: str, accept: str, headers: dict[str, str]
) -> None:
    api = start(api_rate_per_minute=100)
    given = {"X-API-Key": api.token, "Accept": accept, **headers}
    rest = {"params": {"query": QUERY}} if method == "GET" else {"json": {"query": QUERY}}
    whole, again, named = (api.call(method, "/graphql", headers=given, **rest) for _ in range(3))

    assert short == [False, True, True]
    assert compared(again) == compared(whole)
    assert [answer.headers["RateLimit-Remaining"] for answer in (whole, again, named)] == ["99", "98", "97"]
    assert len(again.headers["X-Request-Id"]) == 16
    assert again.headers["X-Request-Id"] != named.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"X-API-Key": "bg_wrong"}, 401),
        ({"Content-Type": "text/plain"}, 415),
        ({"X-Request-ID": "mine"}, 200),
    ],
)
def test_what_is_out_of_the_ordinary_takes_the_whole_way(
    api: Api, short: list[bool], headers: dict[str, str], status: int
) -> None:
    given = {"X-API-Key": api.token, "Content-Type": "application/json", **headers}
    api.call(
        "POST", "/graphql", content=BODY, headers={**given, "Host": "localhost", "Content-Type": "application/json"}
    )
    short.clear()
    answer = api.call("POST", "/graphql", content=BODY, headers=given)

    assert (answer.status_code, any(short)) == (status, False)
    if status == 200:
        assert answer.headers["X-Request-Id"] == "mine"


def test_each_request_of_a_connection_is_known_by_its_own_head(api: Api, short: list[bool]) -> None:
    good = {"X-API-Key": api.token, "Content-Type": "application/json"}
    api.call("POST", "/graphql", content=BODY, headers=good)
    short.clear()
    with httpx.Client(base_url=api.url, verify=NO_TLS) as client:
        plain, again = (client.post("/graphql", content=BODY, headers=good) for _ in range(2))
        wrong = client.post("/graphql", content=BODY, headers={**good, "X-API-Key": "bg_wrong"})
        other = client.post("/graphql", content=BODY, headers={**good, "Accept": "application/graphql-response+json"})
        elsewhere = client.post("/graphql", content=BODY, headers={**good, "Host": "evil.example"})
        got = client.get("/graphql", params={"query": QUERY}, headers=good)

    assert [one.status_code for one in (plain, again, wrong, other, elsewhere, got)] == [200, 200, 401, 200, 400, 200]
    assert short == [True, True, False, True, False, False]
    assert other.headers["Content-Type"] == "application/graphql-response+json; charset=utf-8"
    assert (got.content, got.headers["Cache-Control"]) == (plain.content, "private, no-cache")


def test_the_body_of_a_post_is_no_query_over_get(api: Api, short: list[bool]) -> None:
    headers = {"X-API-Key": api.token, "Content-Type": "application/json"}
    asked = api.call("GET", "/graphql", params={"query": QUERY}, headers=headers).url.query
    again = api.call("GET", f"/graphql?{asked.decode()}", headers=headers)
    posted = api.call("POST", "/graphql", content=b"?" + asked, headers=headers)

    assert (again.status_code, short) == (200, [False, True])
    assert (posted.status_code, posted.json()["errors"][0]["extensions"]["errorCode"]) == (400, "QRY_001")


def test_a_query_that_comes_for_the_first_time_is_read_here_and_known_from_then_on(api: Api, short: list[bool]) -> None:
    api.post("{ botSummary { seq } }")  # from here on the key and the bot's facts are remembered
    first, again = api.post(QUERY), api.post(QUERY)
    other = api.post(QUERY, {"not": "asked for"})
    whole = api.post(QUERY, headers={"X-Request-Id": "mine"})

    assert short == [False, True, True, True, False]
    assert {first.content, again.content, other.content} == {whole.content}
    assert compared(first) == compared(whole)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "QRY_001"),
        (b"[]", 400, "QRY_001"),
        (b'{"query": 7}', 400, "QRY_001"),
        (b'{"query": "{ nonsense }"}', 200, "QRY_003"),
        (b'{"query": "{"}', 200, "QRY_002"),
        (b'{"query": "subscription { botSummary { seq } }"}', 400, "QRY_006"),
        (b'{"query": "{ viewer { name } }"}', 200, None),
        (b'{"documentId": "botSummary"}', 200, None),
        (b'{"documentId": "nothing"}', 404, "QRY_005"),
        (b'{"query": "{ botSummary { seq } }", "variables": {"long": "' + b"x" * 2_048 + b'"}}', 200, None),
    ],
)
def test_what_can_not_be_answered_at_first_sight_takes_the_whole_way(
    api: Api, short: list[bool], body: bytes, status: int, code: str | None
) -> None:
    headers = {"X-API-Key": api.token, "Content-Type": "application/json"}
    api.post(QUERY)
    answer = api.call("POST", "/graphql", content=body, headers=headers)
    counted = api.call("GET", "/metrics", headers=headers).text

    assert (answer.status_code, short) == (status, [False, False])
    assert [error["extensions"]["errorCode"] for error in answer.json().get("errors", ())] == ([code] if code else [])
    assert code is None or f'botgraph_errors_total{{code="{code}"}} 1.0' in counted


def test_a_pause_that_comes_for_the_first_time_is_drawn_from_its_own_rate(
    start: Callable[..., Api], short: list[bool]
) -> None:
    api = start(api_rate_per_minute=1)
    api.post(QUERY)
    paused = api.post('mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { command { kind } } }')

    assert paused.json() == {"data": {"botPause": {"command": {"kind": "PAUSE"}}}}
    assert short == [False, False]


def test_nothing_is_read_for_a_key_whose_rate_is_used_up(
    start: Callable[..., Api], short: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = start(api_rate_per_minute=2)
    read: list[str] = []
    reading = Documents.read

    def noting(self: Documents, text: str, variables: dict[str, Any] | None = None) -> Any:
        read.append(text)
        return reading(self, text, variables)

    monkeypatch.setattr(Documents, "read", noting)
    statuses = [api.post(f"{{ botState {{ seq x{number}: botId }} }}").status_code for number in range(4)]

    assert statuses == [200, 200, 429, 429]
    assert len(read) == 2
    assert short == [False, True, False, False]


def test_a_rate_that_is_used_up_is_told(start: Callable[..., Api], short: list[bool]) -> None:
    api = start(api_rate_per_minute=3)
    statuses = [api.post(QUERY).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    assert short == [False, True, True, False, False]


def test_a_body_may_come_in_pieces_and_requests_one_after_another(api: Api, short: list[bool]) -> None:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {api.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n"
    ).encode()
    one, last = head + b"\r\n" + BODY, head + b"Connection: close\r\n\r\n" + BODY
    first = api.raw(last)
    three = api.raw(one + one + last)
    answer = first.partition(b"\r\n\r\n")[2]

    assert answer.startswith(b'{"data":{"botState":{"seq":')
    assert three.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert three.count(answer) == 3
    assert short == [True, True]  # one that closes the connection is not held back


def test_a_request_is_logged_alike_on_both_ways(api: Api, short: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("graph.doors.shortcut._LINES_SECONDS", 0.0)
    factory = structlog.get_config()["logger_factory"]

    class Noting:
        def info(self, line: str) -> None:
            said.append(line)

    structlog.configure(logger_factory=lambda *_: Noting())
    try:
        api.post(QUERY)
        answer = api.post(QUERY)
        api.call("GET", "/livez")
    finally:
        structlog.configure(logger_factory=factory)
    (line,) = [json.loads(line) for line in said if line.startswith('{"request_id"')]

    assert short == [False, True]
    assert line.pop("ms") >= 0
    assert line == {
        "request_id": answer.headers["X-Request-Id"],
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "operation": "query",
        "event": "request",
        "level": "info",
        "logger": "graph.requests",
        "timestamp": "2026-03-02T12:00:00Z",
    }


def test_lines_that_wait_are_written_at_an_orderly_stop(
    tmp_path: Path, seeded_store: Path, short: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.doors.shortcut._LINES_SECONDS", 3600.0)
    (tmp_path / "botgraph.db").write_bytes(seeded_store.read_bytes())
    with logged_to(tmp_path / "api.log"):
        serving = Serving(tmp_path, StandingClock(NOW))
        try:
            answers = [serving.api.post(QUERY) for _ in range(4)]
            before = (tmp_path / "api.log").read_text()
        finally:
            serving.stop()
        after = (tmp_path / "api.log").read_text()
    mine = [answer.headers["X-Request-Id"] for answer in answers]

    assert short == [False, True, True, True]
    assert [one for one in mine if one in before] == mine[:1]
    assert [one for one in mine if one in after] == mine


def test_a_fault_of_the_shortcut_is_answered_on_the_whole_way(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Shortcut, *given: Any) -> bytes | None:
        raise RuntimeError("no such luck")

    before = api.data(QUERY)
    monkeypatch.setattr(Shortcut, "answer", broken)

    assert api.data(QUERY) == before


def compared(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer but its number and what is left of the rate."""
    apart = {"x-request-id", "ratelimit-remaining", "ratelimit-reset"}
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k not in apart}
