"""One shape wherever an error appears, never over 1,200 bytes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog import get_logger

from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from tests.api.client import Api, closed
from tests.errors.samples import CONTEXT
from trading_bot.domain.errors import RemediationAction, Scope, SemanticError
from trading_bot.errors.catalogue import CATALOGUE
from trading_bot.errors.fault import Fault
from trading_bot.errors.shape import ERROR_BYTES, shown
from trading_bot.store import errors as stored_errors
from trading_bot.store.semantic import dumped, loaded

NOW = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
SHAPE = ErrorShape(now=lambda: NOW, log=get_logger())
PARTS = {
    "errorCode", "errorType", "cause", "impact", "remediation", "retry", "context", "severity", "timestamp", "actions",
}  # fmt: skip
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=8,
)
ACTION = RemediationAction(
    title="t" * 60, operation="botStop", variables={"r": "r" * 500}, scope=Scope.READ, writes=False
)


@given(
    st.sampled_from(sorted(CATALOGUE)),
    st.text(max_size=400),
    st.none() | st.text(max_size=400),
    st.dictionaries(st.text(max_size=40), JSON_VALUES, max_size=12),
)
@example("ORD_001", '"' * 400, '"' * 400, {"venue_text": '"' * 400, "symbol": "\\" * 60})
@example("QRY_008", "\N{CHART WITH UPWARDS TREND}" * 400, None, {"n": 10**30})
@example("QRY_001", '"' * 400, "\\" * 400, {"broken": "\ud83d"})
def test_no_error_is_over_its_bytes_wherever_it_appears(
    code: str, cause: str, message: str | None, context: dict[str, Any]
) -> None:
    fault = Fault(code, cause, message=message, after_seconds=3600.123456, context=context, actions=(ACTION, ACTION))
    entry = SHAPE.of_fault(fault)
    kept = as_stored(fault.semantic(now=NOW))

    assert len(as_json({"message": entry["message"], **entry["extensions"]})) <= ERROR_BYTES
    assert len(as_json(shown(kept))) <= ERROR_BYTES
    assert (
        len(json.dumps(dumped(kept), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
        <= ERROR_BYTES
    )
    assert entry["extensions"]["errorCode"] == code


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_ordinary_error_loses_nothing(code: str) -> None:
    error = Fault(code, "c" * 160, context=CONTEXT).semantic(now=NOW)
    known = CATALOGUE[code]

    assert (error.message, error.cause, error.remediation) == (known.title, "c" * 160, known.remediation)
    assert error.context == CONTEXT
    assert len(error.actions) >= min(1, len(known.actions))


def test_what_is_cut_first_are_actions_then_words_from_outside_then_the_largest_value() -> None:
    large = {"symbol": "SPY", "venue_text": "v" * 200, "figures": ["f" * 50] * 30}
    error = Fault("ORD_001", "c" * 160, context=large).semantic(now=NOW)

    assert error.actions == ()
    assert error.context == {"symbol": "SPY", "venue_text": "v" * 57 + "…"}
    assert (error.cause, error.impact, error.remediation) == (
        "c" * 160,
        CATALOGUE["ORD_001"].impact,
        CATALOGUE["ORD_001"].remediation,
    )


def test_a_stored_error_comes_back_as_it_was() -> None:
    error = as_stored(Fault("BOT_004", "It failed.", context={"step": "orders"}).semantic(now=NOW))

    assert loaded(json.loads(json.dumps(dumped(error)))) == error


def test_a_record_of_the_log_has_the_same_parts_as_the_api() -> None:
    error = as_stored(Fault("BOT_004", "It failed.").semantic(now=NOW))
    words = {"".join(part.title() for part in name.split("_")) for name in dumped(error)}

    assert {name.lower() for name in words} == {name.lower() for name in shown(error)}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"query": "{ nothing }"}}, 200),
        ({"json": {"query": "{"}}, 200),
        ({"json": {"query": "{ trades(first: 0) { edges { cursor } } }"}}, 200),
        ({"json": {"query": '{ botState(botId: "x") { seq } }'}}, 200),
        ({"json": {"documentId": "x"}}, 404),
        ({"json": []}, 400),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ({"json": {"query": "x" * 70_000}}, 413),
    ],
    ids=["field", "syntax", "value", "resolver", "name", "body", "type", "size"],
)
def test_an_answer_over_http_has_the_shape(shared_api: Api, sent: dict[str, Any], status: int) -> None:
    headers = {"X-API-Key": shared_api.token, **sent.pop("headers", {})}
    answer = shared_api.call("POST", "/graphql", headers=headers, **sent)

    assert answer.status_code == status
    assert has_shape(answer.json()["errors"])


@pytest.mark.parametrize("path", ["/nothing", "/schema.graphql", "/readyz", "/graphql"])
def test_an_answer_without_a_key_has_the_shape(shared_api: Api, path: str) -> None:
    assert has_shape(shared_api.call("GET", path).json()["errors"])


def test_an_error_over_a_socket_has_the_shape(shared_api: Api) -> None:
    with shared_api.session() as socket:
        socket.subscribe("1", "{ nothing }")
        message = socket.receive()

    assert message["type"] == "error"
    assert has_shape(message["payload"])


def test_a_socket_is_closed_with_the_code_of_the_catalogue(shared_api: Api) -> None:
    with shared_api.socket() as socket:
        socket.send({"type": "connection_init", "payload": {"X-API-Key": "wrong"}})
        code, reason = closed(socket)

    assert code == 4403
    assert "AUTH_001" in reason


def test_an_error_in_a_payload_and_in_a_list_has_the_same_values(api: Api) -> None:
    fault = Fault("ORD_002", "Whether it was taken is not known.", context={"symbol": "SPY"})
    with api.store.writing("main") as w:
        kept = stored_errors.save_error(w, fault.semantic(now=NOW))
    query = """{ errors(first: 1) { edges { node {
      id errorCode errorType message cause impact remediation retry { kind afterSeconds } context severity timestamp
      actions { title operation variables scope writes } } } } }"""

    assert api.data(query)["errors"]["edges"][0]["node"] == json.loads(as_json(shown(kept)))


def has_shape(errors: list[dict[str, Any]]) -> bool:
    """Whether each has all parts, and no more bytes than it may."""
    for error in errors:
        assert set(error) <= {"message", "extensions", "locations", "path"}
        assert set(error["extensions"]) == PARTS
        assert len(as_json({"message": error["message"], **error["extensions"]})) <= ERROR_BYTES
    return bool(errors)


def as_stored(error: SemanticError) -> SemanticError:
    """The error with all that is added to it later, as long as it gets."""
    counted = {**error.context, "count": 10**9, "last_seen": NOW.isoformat()} if error.context else error.context
    return replace(error, id="f" * 32, acknowledged_at=NOW, context=counted)
