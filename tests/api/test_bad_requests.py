"""Whatever is wrong with a request, the answer says what and how to mend it, in one shape."""

import json
from typing import Any

import pytest

from tests.api.client import Api

STRICT = "application/graphql-response+json"
EXECUTE = """mutation($a: JSON) { workflowExecute(input: {
  workflowId: "check-health", parameters: $a, reason: "r", idempotencyKey: "k", dryRun: true}) { errors { errorCode } } }"""


def nested(levels: int) -> Any:
    """Objects inside each other."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("status", "code", "request_"),
    [
        (400, "QRY_001", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        (400, "QRY_001", {"content": b"", "headers": {"Content-Type": "application/json"}}),
        (400, "QRY_001", {"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}),
        (400, "QRY_001", {"content": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}),
        (400, "QRY_001", {"json": ["{ viewer { name } }"]}),
        (400, "QRY_001", {"json": {}}),
        (400, "QRY_001", {"json": {"query": 7}}),
        (400, "QRY_001", {"json": {"query": "{ viewer { name } }", "variables": []}}),
        (400, "QRY_001", {"json": {"query": "{ viewer { name } }", "operationName": {}}}),
        (400, "QRY_001", {"json": {"query": "{ viewer { name } }", "extensions": 1}}),
        (415, "QRY_001", {"content": b"query={viewer{name}}", "headers": {"Content-Type": "text/plain"}}),
        (415, "QRY_001", {"data": {"query": "{ viewer { name } }"}}),
        (415, "QRY_001", {"content": b"{}"}),
        (415, "QRY_001", {"content": b"{}", "headers": {"Content-Type": "application/json; charset=utf-16"}}),
        (413, "QRY_001", {"json": {"query": "#" * 65_536}}),
        (413, "QRY_001", {"content": iter([b"x" * 40_000] * 2), "headers": {"Content-Type": "application/json"}}),
    ],
)
def test_what_is_no_graphql_request_is_refused(
    shared_api: Api, status: int, code: str, request_: dict[str, Any]
) -> None:
    headers = {"X-API-Key": shared_api.token, **request_.pop("headers", {})}
    answer = shared_api.call("POST", "/graphql", headers=headers, **request_)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["errorCode"]) == (status, code)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("code", "query", "variables"),
    [
        ("QRY_002", "{ viewer { name }", None),
        ("QRY_002", "", None),
        ("QRY_020", "{ viewer { name } } " + "{ a } " * 3000, None),
        ("QRY_002", "{" * 10_000, None),
        ("QRY_003", "{ viewer { colour } }", None),
        ("QRY_003", "{ viewer }", None),
        ("QRY_003", "query($a: Int!) { viewer { name } }", {"a": 1}),
        ("QRY_003", "{ trades(first: null) { edges { cursor } } }", None),
        ("QRY_003", "{ trades(filter: {minProfitLoss: 1.5}) { edges { cursor } } }", None),
        ("QRY_003", '{ trades(filter: {minProfitLoss: "NaN"}) { edges { cursor } } }', None),
        ("QRY_003", '{ trades(filter: {from: "2013-10-08T13:45:00"}) { edges { cursor } } }', None),
        ("QRY_004", "query($a: Int!) { trades(first: $a) { edges { cursor } } }", {}),
        ("QRY_004", "query($a: Int!) { trades(first: $a) { edges { cursor } } }", {"a": "x"}),
        ("QRY_004", "query($a: Decimal) { trades(filter: {minProfitLoss: $a}) { edges { cursor } } }", {"a": 1.5}),
        ("QRY_004", "query($a: Decimal) { trades(filter: {minProfitLoss: $a}) { edges { cursor } } }", {"a": True}),
        ("QRY_004", "query($a: DateTime) { trades(filter: {from: $a}) { edges { cursor } } }", {"a": "today"}),
        ("QRY_004", "query($a: DateTime) { trades(filter: {from: $a}) { edges { cursor } } }", {"a": 5}),
        ("QRY_004", "query($a: TradeFilter) { trades(filter: $a) { edges { cursor } } }", {"a": {"outcome": "win"}}),
        ("QRY_004", "{ trades(first: 0) { edges { cursor } } }", None),
        ("QRY_004", "{ trades(first: 101) { edges { cursor } } }", None),
        ("QRY_004", "{ fills(first: -1) { edges { cursor } } }", None),
        ("QRY_004", '{ errors(after: "nonsense") { edges { cursor } } }', None),
        ("QRY_004", '{ tradePlans(after: "WzFd") { edges { cursor } } }', None),
        ("QRY_004", "{ botState { orders(first: 101) { symbol } } }", None),
        ("QRY_004", "{ botState { positions(first: 0) { symbol } } }", None),
        ("QRY_004", "{ bots(first: 1000) { id } }", None),
        ("QRY_003", "{ configPlan(input: {patch: {a: 1e999}}) { valid } }", None),
        ("QRY_003", "{ configPlan(input: {patch: {a: %s}}) { valid } }" % ("[" * 60 + "]" * 60), None),
        ("QRY_003", "{ configPlan(input: {patch: {a: %s}}) { valid } }" % ("9" * 5_000), None),
        ("QRY_004", "query($a: JSON!) { configPlan(input: {patch: $a}) { valid } }", {"a": nested(60)}),
        ("QRY_004", EXECUTE, {"a": nested(250)}),
        ("QRY_004", EXECUTE, {"a": nested(900)}),
        ("QRY_004", EXECUTE, {"a": {"x": 2**63}}),
        ("QRY_003", EXECUTE.replace("($a: JSON)", "").replace("$a", "{x: 1e999}"), None),
        ("BOT_001", '{ botState(botId: "nobody") { botId } }', None),
        ("BOT_001", '{ metrics(botId: "") { ticks } }', None),
    ],
)
def test_a_document_that_can_not_be_answered_says_why(
    shared_api: Api, code: str, query: str, variables: dict[str, Any] | None
) -> None:
    answer = shared_api.post(query, variables)

    assert answer.status_code == 200
    assert {error["extensions"]["errorCode"] for error in answer.json()["errors"]} == {code}


def test_a_document_of_many_mistakes_gets_a_short_answer(shared_api: Api) -> None:
    answer = shared_api.post("{ viewer { " + " ".join(f"x{n}" for n in range(390)) + " } }")

    assert len(answer.json()["errors"]) == 10
    assert len(answer.content) < 12_000


@pytest.mark.parametrize("name", ["C", None])
def test_an_operation_that_is_not_there_is_not_found(shared_api: Api, name: str | None) -> None:
    query = "query A { viewer { name } } query B { viewer { name } }"

    assert shared_api.codes(query, operationName=name) == ["QRY_005"]
    assert shared_api.data(query, operationName="B") == {"viewer": {"name": "admin"}}


def test_a_request_that_never_ran_is_400_for_who_asks_for_the_strict_form(shared_api: Api) -> None:
    strict = shared_api.post("{ nonsense }", headers={"Accept": STRICT})
    plain = shared_api.post("{ nonsense }", headers={"Accept": "application/json"})

    assert (strict.status_code, strict.headers["Content-Type"]) == (400, f"{STRICT}; charset=utf-8")
    assert "data" not in strict.json()
    assert (plain.status_code, plain.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert plain.json()["data"] is None


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (STRICT, STRICT),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        (f"{STRICT}, application/json;q=0.9", STRICT),
        (f"{STRICT};q=0.4, application/json;q=0.5", "application/json"),
        (f"{STRICT};q=x, text/html", "application/json"),
        (f"application/json, {STRICT}", "application/json"),
    ],
)
def test_the_form_is_the_one_that_the_client_would_rather_have(shared_api: Api, accept: str, kind: str) -> None:
    answer = shared_api.post("{ viewer { name } }", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")


def test_a_query_may_come_over_get(shared_api: Api) -> None:
    parameters = {
        "query": "query A($first: Int!) { trades(first: $first) { edges { node { symbol } } } }",
        "variables": '{"first": 1}',
        "operationName": "A",
    }
    answer = shared_api.call("GET", "/graphql", params=parameters, headers={"X-API-Key": shared_api.token})

    assert answer.json() == {"data": {"trades": {"edges": [{"node": {"symbol": "SPY"}}]}}}
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "X-API-Key, Authorization, Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("status", "code", "allow", "request_"),
    [
        (405, "QRY_006", "POST", ("GET", {"query": 'mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { replayed } }'})),
        (400, "QRY_006", None, ("GET", {"query": "subscription { botSummary { seq } }"})),
        (400, "QRY_001", None, ("GET", {"query": "{ viewer { name } }", "variables": "{"})),
        (400, "QRY_001", None, ("GET", {"query": "{ viewer { name } }", "variables": "[]"})),
        (400, "QRY_001", None, ("GET", {})),
        (405, "QRY_006", "GET, POST", ("PUT", {})),
        (405, "QRY_006", "GET, POST", ("DELETE", {})),
    ],
)  # fmt: skip
def test_what_can_not_come_that_way_is_refused(
    shared_api: Api, status: int, code: str, allow: str | None, request_: tuple[str, dict[str, str]]
) -> None:
    method, parameters = request_
    answer = shared_api.call(method, "/graphql", params=parameters, headers={"X-API-Key": shared_api.token})

    assert (answer.status_code, answer.headers.get("Allow")) == (status, allow)
    assert answer.json()["errors"][0]["extensions"]["errorCode"] == code


def test_a_mutation_over_get_changes_nothing(api: Api) -> None:
    with api.store.reading("main") as r:
        before = r.version()
    mutation = 'mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { replayed } }'
    api.call("GET", "/graphql", params={"query": mutation}, headers={"X-API-Key": api.token})

    with api.store.reading("main") as r:
        assert r.version() == before


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/", 404, "QRY_005"),
    ("GET", "/graphql/", 404, "QRY_005"),
    ("POST", "/api/v1/nothing", 404, "QRY_005"),
    ("POST", "/livez", 405, "QRY_006"),
])  # fmt: skip
def test_an_address_that_is_not_there_is_not_found(
    shared_api: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = shared_api.call(method, path)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["errorCode"]) == (status, code)


def test_a_host_that_is_not_ours_is_refused(shared_api: Api) -> None:
    headers = {"Host": "evil.example", "X-API-Key": shared_api.token}
    answer = shared_api.call("POST", "/graphql", json={"query": "{ viewer { name } }"}, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["errorCode"]) == (400, "QRY_005")
    assert shared_api.call("GET", "/livez", headers={"Host": "localhost:99"}).status_code == 200


def test_the_open_pages_need_no_key(shared_api: Api) -> None:
    assert shared_api.call("GET", "/livez").json() == {"status": "alive"}
    assert shared_api.call("GET", "/api/v1/health/healthz").json() == {
        "status": "healthy",
        "timestamp": "2026-03-02T12:00:00Z",
    }


def test_listed_origins_may_read_answers(start: Any) -> None:
    api = start(api_cors_origins=("https://example.com",))
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}

    assert (
        api.call("OPTIONS", "/graphql", headers=asked).headers["Access-Control-Allow-Origin"] == "https://example.com"
    )
    other = api.call("OPTIONS", "/graphql", headers={**asked, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_every_answer_has_a_request_id_of_its_own(shared_api: Api) -> None:
    ids = {shared_api.call("GET", "/livez").headers["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3
    assert {len(request_id) for request_id in ids} == {16}


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /graphql?query=" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
    ],
    ids=["long address", "another protocol", "another version", "half a line"],
)
def test_what_can_not_be_read_at_all_is_refused_in_the_same_shape(shared_api: Api, sent: bytes) -> None:
    answer = shared_api.raw(sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    (error,) = json.loads(body)["errors"]

    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n")
    assert int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) == len(body)
    assert (error["message"], error["extensions"]["errorCode"]) == ("The request can't be read", "QRY_001")
