"""Subscriptions through real sockets: shared, compressed once, kept apart from slow and broken ones, and ended in time."""

import contextlib
import itertools
import json
import re
import socket as sockets
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.api.client import Api, Serving, Socket, closed
from tests.api.conftest import NOW
from tests.api.raw_sockets import flood, masked, shake_hands
from tests.fakes.standing_clock import StandingClock
from tests.live.watching import CLOCK, happen
from trading_bot.domain.errors import Scope

SUMMARY = "subscription { botSummary(intervalSeconds: 1) { seq generatedAt } }"
WHOLE = (
    "subscription { botState(intervalSeconds: 1) { timestamp seq positions { symbol quantity entryPrice plan { id reason } }"
    " orders { orderId clientOrderId symbol side orderType status quantity remaining reason createdAt updatedAt }"
    " a: orders { orderId clientOrderId symbol side orderType status quantity remaining reason createdAt updatedAt } } }"
)


def test_many_sockets_share_each_answer(api: Api) -> None:
    with contextlib.ExitStack() as stack:
        open_now = [stack.enter_context(api.session()) for _ in range(20)]
        for number, socket in enumerate(open_now):
            socket.subscribe(f"id-{number}", SUMMARY + " " * number)
        for socket in open_now:
            socket.receive()
        before = pushes(api)
        answers = [[socket.receive() for _ in range(2)] for socket in open_now]
        after = pushes(api)

    assert before["written"] < 20
    assert [answer[0]["id"] for answer in answers] == [f"id-{number}" for number in range(20)]
    assert {json.dumps(answer[1]["payload"]) for answer in answers} == {json.dumps(answers[0][1]["payload"])}
    written, sent = (after[name] - before[name] for name in ("written", "sent"))
    assert written <= 4
    assert sent == 20 * written  # 20 sockets, one execution


def test_each_subscription_has_its_own_cadence(api: Api) -> None:
    with api.session() as socket:
        started = api.clock.monotonic()
        for seconds in (1, 2):
            socket.subscribe(str(seconds), f"subscription {{ botSummary(intervalSeconds: {seconds}) {{ seq }} }}")
        ids = []
        while api.clock.monotonic() - started < 4.5:
            with contextlib.suppress(TimeoutError):
                ids.append(socket.receive(4.5 - (api.clock.monotonic() - started))["id"])

    assert (ids.count("1"), ids.count("2")) == (5, 3)


def test_a_stuck_reader_keeps_nobody_waiting_and_then_sees_the_newest(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.doors.wire.STUCK_SECONDS", 60)  # else it might be cut off on a slow machine
    with stuck_subscriber(api) as late:
        with api.session() as socket:
            socket.subscribe("1", WHOLE)
            started = api.clock.monotonic()
            moments = []
            for _ in range(4):
                socket.receive()
                moments.append(api.clock.monotonic() - started)
            happen(api.store, 3)
            while socket.receive()["payload"]["data"]["botState"]["seq"] != 7:
                pass
        skipped = pushes(api)["skipped"]
        seqs = shown(late)

    assert moments[0] < 0.9
    assert all(later - earlier < 1.8 for earlier, later in itertools.pairwise(moments))
    assert skipped >= 3
    assert seqs[-1] == 7
    assert len(seqs) < 4  # of at least five that the others were shown meanwhile


def test_sockets_that_break_leave_nothing_to_do(api: Api) -> None:
    with contextlib.ExitStack() as stack:
        broken = [stack.enter_context(api.session()) for _ in range(30)]
        for number, socket in enumerate(broken):
            socket.subscribe("1", SUMMARY)
            socket.subscribe("2", "subscription { events(afterSeq: 4) { seq } }")
            socket.subscribe("3", f"subscription {{ botSummary(intervalSeconds: 1) {{ a{number}: seq }} }}")
        for socket in broken:
            for _ in range(2):
                socket.receive()
        assert subscriptions(api) == 90
        for socket in broken:
            socket.connection.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            socket.connection.socket.close()
    give_up = api.clock.monotonic() + 5
    while subscriptions(api):
        assert api.clock.monotonic() < give_up
    before = pushes(api)
    with api.session() as waiting:
        waiting.subscribe("1", "subscription { botSummary(intervalSeconds: 60) { seq } }")
        waiting.receive()
        with pytest.raises(TimeoutError):
            waiting.receive(1.5)
    after = pushes(api)

    assert after["written"] - before["written"] == 1


def test_a_revoked_key_ends_its_own_subscriptions_only(api: Api) -> None:
    token = api.key(Scope.ADMIN)
    with api.session(token) as ended, api.session() as goes_on:
        ended.subscribe("1", "subscription { botSummary(intervalSeconds: 60) { seq } }")
        goes_on.subscribe("1", "subscription { events { seq } }")
        ended.receive()
        api.keys.revoke(token.split("_")[1])
        started = api.clock.monotonic()
        assert closed(ended)[0] == 4403
        assert api.clock.monotonic() - started < 1.0
        happen(api.store, 1)
        assert goes_on.receive()["payload"]["data"]["events"]["seq"] == 5


def test_a_revoked_key_is_shown_nothing_more_though_it_was_stuck(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.doors.wire.STUCK_SECONDS", 60)  # else it might be cut off before
    token = api.key(Scope.READ)
    with stuck_subscriber(replace(api, token=token)) as revoked:
        assert subscriptions(api) == 1
        api.keys.revoke(token.split("_")[1])
        give_up = api.clock.monotonic() + 10
        while subscriptions(api):
            assert api.clock.monotonic() < give_up
        happen(api.store, 3)
        revoked.settimeout(10)
        received = b""
        while not received.endswith(b"the API key was revoked"):
            received += revoked.recv(1_048_576) or pytest.fail("it was told nothing")

    assert b'"seq":7' not in received


def test_a_stop_ends_all_within_five_seconds(tmp_path: Path, seeded_store: Path) -> None:
    (tmp_path / "botgraph.db").write_bytes(seeded_store.read_bytes())
    serving = Serving(tmp_path, StandingClock(NOW))
    with contextlib.ExitStack() as stack:
        open_now = [stack.enter_context(serving.api.session()) for _ in range(10)]
        for socket in open_now:
            socket.subscribe("1", SUMMARY)
            socket.subscribe("2", "subscription { events { seq } }")
            socket.receive()
        stack.enter_context(stuck_subscriber(serving.api))
        started = CLOCK.monotonic()
        serving.stop()
        seconds = CLOCK.monotonic() - started

        assert seconds < 5
        assert [closed(socket)[0] for socket in open_now] == [1012] * 10


def test_large_answers_are_compressed_for_those_who_offer_it_and_small_ones_never(api: Api) -> None:
    with api.socket(compression=None) as plain, api.socket() as packed:
        answers = []
        for socket in (plain, packed):
            socket.send({"type": "connection_init", "payload": {"X-API-Key": api.token}})
            socket.receive()
            socket.subscribe("x", WHOLE)
            answers.append(socket.receive())
        assert agreed(packed) == "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        assert agreed(plain) is None

    assert answers[0] == answers[1]
    kind, size = first_state(api)
    assert kind == 0xC1
    assert size < len(json.dumps(answers[0], separators=(",", ":"))) / 2


@pytest.mark.parametrize("bits", [9, 12])
def test_a_client_may_ask_for_a_smaller_window(api: Api, bits: int) -> None:
    offer = ClientPerMessageDeflateFactory(server_max_window_bits=bits)
    with api.socket(extensions=[offer], compression=None) as socket:
        socket.send({"type": "connection_init", "payload": {"X-API-Key": api.token}})
        socket.receive()
        socket.subscribe("x", WHOLE)
        assert socket.receive()["payload"]["data"]["botState"]["seq"] == 4
        assert f"server_max_window_bits={bits}" in (agreed(socket) or "")
        socket.subscribe("y", "{ errorCodes(first: 60) { errorCode title meaning impact remediation } }")
        while (message := socket.receive())["id"] != "y":
            pass
        assert len(message["payload"]["data"]["errorCodes"]) == 60


def test_a_compressed_message_is_not_larger_inside_than_any_other(api: Api) -> None:
    with api.session() as socket:
        socket.connection.send('{"type": "ping", "payload": {"x": "' + "x" * 1_000_000 + '"}}')

        assert closed(socket)[0] == 1009


def agreed(socket: Socket) -> str | None:
    """The extensions that were agreed on."""
    response = socket.connection.response
    assert response is not None
    return response.headers.get("Sec-WebSocket-Extensions")


def pushes(api: Api) -> dict[str, int]:
    """What was written, sent and skipped so far."""
    text = api.call("GET", "/metrics", headers={"X-API-Key": api.token}).text
    return {name: int(float(value)) for name, value in re.findall(r"(?m)^botgraph_pushes_(\w+)_total (\S+)$", text)}


def subscriptions(api: Api) -> int:
    count: int = api.data("{ metrics { subscribers } }")["metrics"]["subscribers"]
    return count


@contextlib.contextmanager
def stuck_subscriber(api: Api) -> Any:
    """A client that has the whole state open, takes nothing more, and was sent more than fits."""
    with sockets.socket() as connection:
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65_536)
        connection.connect(("127.0.0.1", api.port))
        connection.settimeout(10)
        shake_hands(connection, api)
        connection.sendall(masked(json.dumps({"type": "subscribe", "id": "s", "payload": {"query": WHOLE}}).encode()))
        first = b""
        while b'"seq":4' not in first:
            first += connection.recv(65_536)
        flood(connection)
        yield connection


def shown(connection: sockets.socket) -> list[int]:
    """The `seq` of each state that a client reads until it has seen number 7."""
    connection.settimeout(10)
    received = b""
    while b'"seq":7' not in received:
        received += connection.recv(1_048_576)
    return [int(seq) for seq in re.findall(rb'"botState":{"timestamp":"[^"]*","seq":(\d+)', received)]


def first_state(api: Api) -> tuple[int, int]:
    """The first byte and the size of the frame that answers a subscription on a socket that offered compression."""
    with sockets.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        shake_hands(connection, api, "permessage-deflate")
        connection.sendall(masked(json.dumps({"type": "subscribe", "id": "s", "payload": {"query": WHOLE}}).encode()))
        kind, short = connection.recv(2, sockets.MSG_WAITALL)
        assert short == 126
        return kind, struct.unpack("!H", connection.recv(2, sockets.MSG_WAITALL))[0]
