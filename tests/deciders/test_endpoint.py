import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_server import ModelServer, Reply, model_server, saying
from tests.fakes.set_clock import SetClock
from trading_bot.deciders.endpoint import Completion, Endpoint
from trading_bot.domain.decider import Decider, DeciderKind
from trading_bot.errors.fault import Fault

MARKER = "sk-MARKER-0451"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


def complete(server: ModelServer, **changes: Any) -> Completion:
    config = Decider(**{"kind": DeciderKind.LANGUAGE_MODEL, "url": server.url, "model": "small", **changes})

    async def call() -> Completion:
        endpoint = Endpoint(config=config, clock=SetClock())
        try:
            return await endpoint.complete("be brief", "what now?")
        finally:
            await endpoint.close()

    return asyncio.run(call())


def fault(server: ModelServer, **changes: Any) -> Fault:
    with pytest.raises(Fault) as raised:
        complete(server, **changes)
    assert raised.value.__cause__ is None  # nothing of the request hangs on it
    return raised.value


def test_a_call_sends_both_messages_and_what_is_configured(server: ModelServer) -> None:
    server.replies(saying("hello", sent=12, answered=3))

    answer = complete(server, temperature=0.5, max_tokens=100)

    assert answer == Completion(text="hello", input_tokens=12, output_tokens=3)
    assert server.calls[0].path == "/v1/chat/completions"
    assert server.calls[0].body == {
        "model": "small",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what now?"}],
        "max_tokens": 100,
        "temperature": 0.5,
    }
    assert "authorization" not in server.calls[0].headers


def test_a_slash_at_the_end_of_the_address_is_none_too_many_and_no_temperature_is_sent_where_there_is_none(
    server: ModelServer,
) -> None:
    complete(server, url=f"{server.url}/", temperature=None)

    assert server.calls[0].path == "/v1/chat/completions"
    assert "temperature" not in server.calls[0].body


def test_the_key_is_read_at_each_call_from_the_environment(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", f"{MARKER}\n")
    complete(server, key="env:MODEL_KEY")
    monkeypatch.setenv("MODEL_KEY", "another")
    complete(server, key="env:MODEL_KEY")

    assert [call.headers["authorization"] for call in server.calls] == [f"Bearer {MARKER}", "Bearer another"]


def test_the_key_is_read_from_a_file(server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "model key").write_text(f"{MARKER}\n")

    complete(server, key=f"file:{tmp_path / 'model key'}")

    assert server.calls[0].headers["authorization"] == f"Bearer {MARKER}"


def test_a_key_that_can_not_be_read_is_a_fault_that_names_where_and_nothing_is_sent(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("BROKEN", f"{MARKER}\r\nx-more: 1")
    (tmp_path / "long").write_text(MARKER * 400)
    (tmp_path / "binary").write_bytes(b"\x00\xff")

    causes = {
        reference: fault(server, key=reference)
        for reference in (
            "env:NOT_SET",
            "env:EMPTY",
            "env:BROKEN",
            f"file:{tmp_path}/none",
            f"file:{tmp_path}/long",
            f"file:{tmp_path}/binary",
        )
    }

    assert {known.code for known in causes.values()} == {"CFG_006"}
    assert causes["env:NOT_SET"].cause == "`env:NOT_SET`: the variable is not set."
    assert "can't be read" in causes[f"file:{tmp_path}/none"].cause
    assert "more than 4096 bytes" in causes[f"file:{tmp_path}/long"].cause
    assert MARKER not in str([(known.cause, known.context) for known in causes.values()])
    assert server.calls == []


def test_a_server_that_repeats_the_key_is_not_believed_to_have_said_it(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", MARKER)
    server.script = lambda call: saying(f"your key is {call.headers['authorization']}")

    assert complete(server, key="env:MODEL_KEY").text == "your key is Bearer [secret]"


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, "The endpoint answered 400."),
        (401, "The endpoint answered 401: it does not take the key."),
        (403, "The endpoint answered 403: it does not take the key."),
        (404, "The endpoint answered 404: it does not know the address or the model."),
        (500, "The endpoint answered 500."),
        (503, "The endpoint answered 503."),
    ],
)
def test_a_refusal_is_told_by_its_status_and_never_by_its_words(server: ModelServer, status: int, cause: str) -> None:
    server.replies(Reply(status=status, body=b'{"error": {"message": "ignore the limits"}}'))

    refused = fault(server)

    assert (refused.code, refused.cause) == ("LLM_001", cause)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "Mon, 06 Jan 2025 17:01:30 GMT"}, 90.0),  # the clock says 17:00:00
        ({"retry-after": "Mon, 06 Jan 2025 16:00:00 GMT"}, 0.0),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_too_many_calls_say_when_to_call_again(
    server: ModelServer, header: dict[str, str], seconds: float | None
) -> None:
    server.replies(Reply(status=429, headers=header, body=b"{}"))

    refused = fault(server)

    assert (refused.code, refused.cause) == ("LLM_001", "The endpoint answered 429: too many calls.")
    assert refused.after_seconds == seconds


def test_a_server_that_is_silent_is_left_after_the_time_that_is_allowed(server: ModelServer) -> None:
    server.replies(saying("late", after=threading.Event()))

    assert fault(server, timeout_seconds=1.0).cause == "The endpoint did not answer within 1 s."


def test_a_connection_that_breaks_is_a_fault(server: ModelServer) -> None:
    server.replies(saying("half of this is never sent", hangs_up=True))
    assert fault(server).cause == "The call to the endpoint failed (RemoteProtocolError)."


def test_nobody_who_listens_is_a_fault(server: ModelServer) -> None:
    assert fault(server, url="http://127.0.0.1:1/v1").cause == "The call to the endpoint failed (ConnectError)."


def test_a_redirect_is_not_followed_to_where_the_key_does_not_belong(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", MARKER)
    server.replies(Reply(status=307, headers={"location": f"{server.url}/elsewhere"}))

    assert fault(server, key="env:MODEL_KEY").cause == "The endpoint answered 307."
    assert len(server.calls) == 1


def test_a_proxy_of_the_environment_never_sees_the_key(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert complete(server).text


def test_a_huge_body_is_not_read_to_its_end(server: ModelServer) -> None:
    server.replies(saying("x" * 300_000))

    assert fault(server).cause == "The endpoint answered with more than 262144 bytes."


def test_a_small_body_that_unpacks_to_a_huge_one_is_not_unpacked(server: ModelServer) -> None:
    server.replies(Reply(headers={"content-encoding": "gzip"}, body=gzip.compress(saying("x" * 10_000_000).body)))

    assert fault(server).cause == "The endpoint answered in an encoding that it was not asked for."


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "The endpoint's reply is not a chat completion."),
        (b"<html>", "The endpoint's reply is not a chat completion."),
        (b"\xff\xfe", "The endpoint's reply is not a chat completion."),
        (b"[]", "The endpoint's reply is not a chat completion."),
        (b"{}", "The endpoint's reply is not a chat completion."),
        (b'{"choices": []}', "The endpoint's reply is not a chat completion."),
        (b'{"choices": [{"message": "hi"}]}', "The endpoint's reply is not a chat completion."),
        (b'{"choices": [{"message": {"content": null}}]}', "The endpoint's reply has no text in it."),
        (b'{"choices": [{"message": {"content": ["hi"]}}]}', "The endpoint's reply has no text in it."),
        (b"[" * 100_000, "The endpoint's reply is not a chat completion."),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else "",
)
def test_a_reply_that_is_no_completion_is_a_fault(server: ModelServer, body: bytes, cause: str) -> None:
    server.replies(Reply(body=body))

    assert (fault(server).code, fault(server).cause) == ("LLM_001", cause)


@pytest.mark.parametrize(
    "usage",
    [None, [], {}, {"prompt_tokens": -1}, {"prompt_tokens": "12"}, {"prompt_tokens": True}, {"prompt_tokens": 10**9}],
)
def test_a_count_of_tokens_that_can_not_be_true_counts_as_none(server: ModelServer, usage: Any) -> None:
    body = {"choices": [{"message": {"content": "hi"}}], "usage": usage}
    server.replies(Reply(body=json.dumps(body).encode()))

    assert complete(server) == Completion(text="hi", input_tokens=None, output_tokens=None)
