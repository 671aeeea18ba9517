"""What was asked before is answered from the connection itself, and nobody can tell but by the time that it takes."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import structlog

from graph.doors.shortcut import Shortcut
from tests.api.client import Api

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


def test_the_body_of_a_post_is_no_query_over_get(api: Api, short: list[bool]) -> None:
    headers = {"X-API-Key": api.token, "Content-Type": "application/json"}
    asked = api.call("GET", "/graphql", params={"query": QUERY}, headers=headers).url.query
    again = api.call("GET", f"/graphql?{asked.decode()}", headers=headers)
    posted = api.call("POST", "/graphql", content=b"?" + asked, headers=headers)

    assert (again.status_code, short) == (200, [False, True])
    assert (posted.status_code, posted.json()["errors"][0]["extensions"]["errorCode"]) == (400, "QRY_001")


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
