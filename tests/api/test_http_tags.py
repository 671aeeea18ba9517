"""A query over GET has a tag: who has its answer already is sent nothing but that."""

from typing import Any

import pytest

from tests.api.client import Api

TRADES = {"query": "{ trades(first: 1) { edges { node { symbol } } } }"}


def test_an_answer_that_one_has_is_not_sent_again(shared_api: Api) -> None:
    first = get(shared_api)
    again = get(shared_api, {"If-None-Match": f'"other", W/{first.headers["ETag"]}'})

    assert (first.status_code, first.headers["Cache-Control"]) == (200, "private, no-cache")
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert again.headers["Vary"] == "X-API-Key, Authorization, Accept, Accept-Encoding"
    assert get(shared_api, {"If-None-Match": "*"}).status_code == 304
    assert get(shared_api, {"If-None-Match": '"other"'}).status_code == 200


def test_each_form_of_an_answer_has_a_tag_of_its_own(shared_api: Api) -> None:
    plain = get(shared_api).headers["ETag"]
    strict = get(shared_api, {"Accept": "application/graphql-response+json", "If-None-Match": plain})

    assert (strict.status_code, strict.json()) == (200, {"data": {"trades": {"edges": [{"node": {"symbol": "SPY"}}]}}})
    assert strict.headers["ETag"] != plain


def test_a_change_in_the_store_changes_the_tag(api: Api) -> None:
    commands = {"query": "{ commands(first: 1) { edges { node { kind } } } }"}
    before = get(api, params=commands)
    api.data('mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { replayed } }')
    after = get(api, {"If-None-Match": before.headers["ETag"]}, params=commands)

    assert (after.status_code, after.json()["data"]["commands"]["edges"]) == (200, [{"node": {"kind": "PAUSE"}}])


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { name } }",
        "{ bots { id } ...V } fragment V on Query { me: viewer { name } }",
        "{ nothing }",
        '{ botState(botId: "nobody") { seq } }',
        'mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { replayed } }',
    ],
)
def test_what_nobody_may_keep_has_no_tag(shared_api: Api, query: str) -> None:
    answer = get(shared_api, {"If-None-Match": "*"}, params={"query": query})

    assert (answer.status_code in {200, 405}, answer.headers["Cache-Control"]) == (True, "no-store")
    assert "ETag" not in answer.headers


def test_a_post_has_no_tag(shared_api: Api) -> None:
    answer = shared_api.post(TRADES["query"], headers={"If-None-Match": "*"})

    assert (answer.status_code, answer.headers["Cache-Control"], "ETag" in answer.headers) == (200, "no-store", False)


def test_without_a_key_a_tag_is_worth_nothing(shared_api: Api) -> None:
    tag = get(shared_api).headers["ETag"]
    answer = shared_api.call("GET", "/graphql", params=TRADES, headers={"If-None-Match": tag})

    assert (answer.status_code, "ETag" in answer.headers) == (401, False)


def test_a_page_of_a_listed_origin_may_ask_with_a_tag(start: Any) -> None:
    api = start(api_cors_origins=("https://example.com",))
    asked = {
        "Origin": "https://example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-api-key, if-none-match",
    }
    preflight = api.call("OPTIONS", "/graphql", headers=asked)
    answer = get(api, {"Origin": "https://example.com"})
    other = get(api, {"Origin": "https://evil.example"})

    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert "etag" in answer.headers["Access-Control-Expose-Headers"].lower()
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_body_that_does_not_come_is_not_waited_for(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.doors.http.BODY_SECONDS", 0.1)
    head = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {shared_api.token}\r\n"
    answer = shared_api.raw(head.encode() + b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"errorCode":"QRY_001"' in answer


def get(api: Api, headers: dict[str, str] | None = None, params: dict[str, str] = TRADES) -> Any:
    return api.call("GET", "/graphql", params=params, headers={"X-API-Key": api.token, **(headers or {})})
