"""graphql-transport-ws: every malformed message has its close code, and a bad operation ends itself only."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.api.client import Api, closed
from trading_bot.domain.errors import Scope

INIT = "connection_init"
VIEWER = {"query": "{ viewer { name } }"}


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "null",
        "7",
        "[]",
        '"connection_init"',
        "{}",
        '{"type": null}',
        '{"type": 7}',
        '{"type": "start", "id": "1", "payload": {"query": "{ viewer { name } }"}}',
        json.dumps({"type": "é" * 1000}),
        '{"type": "connection_init", "payload": []}',
        '{"type": "ping", "payload": "x"}',
        '{"type": "pong", "payload": 1}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": {}, "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": "{ viewer { name } }"}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { name } }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { name } }", "operationName": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { name } }", "extensions": 1}}',
        '{"type": "complete"}',
        '{"type": "complete", "id": 1}',
        "[" * 20_000,
        b"\x00binary",
    ],
)
@pytest.mark.parametrize("is_let_in", [False, True])
def test_a_malformed_message_closes_with_4400(shared_api: Api, frame: str | bytes, is_let_in: bool) -> None:  # noqa: FBT001
    with shared_api.session() if is_let_in else shared_api.socket() as socket:
        socket.connection.send(frame)

        assert closed(socket)[0] == 4400


def test_a_message_of_more_than_64_kib_closes_the_socket(shared_api: Api) -> None:
    with shared_api.session() as socket:
        socket.send({"type": "ping", "payload": {"x": "x" * 65_536}})

        assert closed(socket)[0] == 1009


@pytest.mark.parametrize(
    "payload",
    [None, {}, {"X-API-Key": "bg_0_wrong"}, {"X-API-Key": 7}, {"X-API-Key": None}, {"authorization": "Basic x"}],
)
def test_without_a_key_a_socket_is_closed_with_4403(shared_api: Api, payload: object) -> None:
    with shared_api.socket() as socket:
        socket.send({"type": INIT, "payload": payload})

        assert closed(socket) == (4403, "Forbidden: AUTH_001, no valid API key in connection_init's payload")


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "authorization"])
def test_a_key_in_the_payload_lets_in(shared_api: Api, name: str) -> None:
    with shared_api.socket() as socket:
        value = f"Bearer {shared_api.token}" if name == "authorization" else shared_api.token
        socket.send({"type": INIT, "payload": {name: value}})

        assert socket.receive() == {"type": "connection_ack"}


def test_an_operation_before_the_ack_closes_with_4401(shared_api: Api) -> None:
    with shared_api.socket() as socket:
        socket.send({"type": "subscribe", "id": "1", "payload": VIEWER})

        assert closed(socket) == (4401, "Unauthorized")


def test_a_second_init_closes_with_4429(shared_api: Api) -> None:
    with shared_api.session() as socket:
        socket.send({"type": INIT, "payload": {"X-API-Key": shared_api.token}})

        assert closed(socket) == (4429, "Too many initialisation requests")


def test_silence_instead_of_an_init_closes_with_4408(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.doors.websocket.INIT_SECONDS", 0.1)
    with shared_api.socket() as socket:
        assert closed(socket) == (4408, "Connection initialisation timeout")


def test_an_id_in_use_closes_with_4409(shared_api: Api) -> None:
    with shared_api.session() as socket:
        socket.subscribe("1", "subscription { botSummary { seq } }")
        assert socket.receive()["type"] == "next"
        socket.subscribe("1", "subscription { botSummary { seq } }")

        assert closed(socket) == (4409, "Subscriber for 1 already exists")


@pytest.mark.parametrize("offered", [None, ["graphql-ws"], ["soap"]])
def test_another_protocol_closes_with_4406(shared_api: Api, offered: Any) -> None:
    with shared_api.socket(subprotocols=offered) as socket:
        assert closed(socket) == (4406, "The sub-protocol must be graphql-transport-ws")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://[broken"])
def test_a_page_of_another_origin_may_not_connect(shared_api: Api, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, shared_api.socket(origin=origin):
        pass

    assert refused.value.response.status_code == 403


def test_our_own_page_may_connect(shared_api: Api) -> None:
    with shared_api.socket(origin=shared_api.url) as socket:
        socket.send({"type": INIT, "payload": {"X-API-Key": shared_api.token}})

        assert socket.receive() == {"type": "connection_ack"}


def test_a_host_that_is_not_ours_may_not_be_connected_to(start: Any) -> None:
    api = start(api_allowed_hosts=("api.example", "localhost"))
    with pytest.raises(InvalidStatus) as refused, api.socket():
        pass

    assert refused.value.response.status_code == 403


def test_a_ping_is_answered_with_its_payload(shared_api: Api) -> None:
    with shared_api.socket() as socket:
        socket.send({"type": "ping"})
        assert socket.receive() == {"type": "pong"}
        socket.send({"type": INIT, "payload": {"X-API-Key": shared_api.token}})
        socket.receive()
        socket.send({"type": "ping", "payload": {"n": 1}})
        assert socket.receive() == {"type": "pong", "payload": {"n": 1}}
        socket.send({"type": "pong"})
        socket.send({"type": "ping", "payload": {"n": 2}})
        assert socket.receive() == {"type": "pong", "payload": {"n": 2}}


@pytest.mark.parametrize(
    ("code", "payload"),
    [
        ("QRY_002", {"query": "{"}),
        ("QRY_003", {"query": "{ nonsense }"}),
        ("QRY_003", {"query": "subscription { botSummary { seq } botState { seq } }"}),
        ("QRY_005", {"query": "query A { viewer { name } }", "operationName": "B"}),
        ("QRY_004", {"query": "query($a: Int!) { trades(first: $a) { edges { cursor } } }", "variables": {"a": "x"}}),
        ("QRY_004", {"query": "subscription { botSummary(intervalSeconds: 0) { seq } }"}),
        ("QRY_004", {"query": "subscription { botState(intervalSeconds: 61) { seq } }"}),
        ("QRY_004", {"query": "subscription($a: Int!) { botState(intervalSeconds: $a) { seq } }"}),
        ("BOT_001", {"query": 'subscription { botState(botId: "nobody") { seq } }'}),
    ],
)
def test_a_bad_operation_ends_itself_only(shared_api: Api, code: str, payload: dict[str, Any]) -> None:
    with shared_api.session() as socket:
        socket.send({"type": "subscribe", "id": "bad", "payload": payload})
        answer = socket.receive()
        socket.send({"type": "subscribe", "id": "bad", "payload": VIEWER})

        assert (answer["type"], answer["id"]) == ("error", "bad")
        assert [error["extensions"]["errorCode"] for error in answer["payload"]] == [code]
        assert socket.receive() == {"type": "next", "id": "bad", "payload": {"data": {"viewer": {"name": "admin"}}}}
        assert socket.receive() == {"type": "complete", "id": "bad"}


def test_queries_and_writes_work_over_a_socket_within_the_scope(api: Api) -> None:
    mutation = 'mutation { botPause(input: {reason: "r", idempotencyKey: "k"}) { command { status } } }'
    with api.session(api.key(Scope.READ)) as socket:
        socket.subscribe("1", mutation)
        refused = socket.receive()["payload"]
    with api.session() as socket:
        socket.subscribe("1", mutation)
        done = socket.receive()["payload"]

    assert refused["errors"][0]["extensions"]["errorCode"] == "AUTH_002"
    assert done == {"data": {"botPause": {"command": {"status": "PENDING"}}}}


def test_a_socket_has_at_most_fifty_operations_open(shared_api: Api) -> None:
    with shared_api.session() as socket:
        for number in range(51):
            socket.subscribe(str(number), "subscription { botSummary(intervalSeconds: 60) { seq } }")
        answers = [socket.receive() for _ in range(51)]

    refused = [answer for answer in answers if answer["type"] == "error"]
    assert [(answer["id"], answer["payload"][0]["extensions"]["errorCode"]) for answer in refused] == [
        ("50", "API_429")
    ]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete"]) | JSON_VALUES,
        "id": st.sampled_from(["1", ""]) | JSON_VALUES,
        "payload": st.fixed_dictionaries({"query": st.sampled_from(["{ viewer { name } }", "{"]) | JSON_VALUES})
        | JSON_VALUES,
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(MESSAGES | JSON_VALUES, min_size=1, max_size=4), is_let_in=st.booleans())
def test_no_message_ends_a_socket_abnormally(shared_api: Api, messages: list[object], is_let_in: bool) -> None:  # noqa: FBT001
    with shared_api.session() if is_let_in else shared_api.socket() as socket:
        with contextlib.suppress(ConnectionClosed):
            for message in messages:
                socket.send(message)
            socket.connection.send("[]")  # ends what was not ended before

        assert closed(socket)[0] in {4400, 4401, 4403, 4409, 4429}
