"""What a socket may cost: how many a key has, how long one is kept for nothing, and what becomes of a client that stops reading."""

import contextlib
import socket as sockets
import struct
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.api.client import Api, closed
from tests.api.raw_sockets import flood, shake_hands, until_end
from trading_bot.clock import SystemClock
from trading_bot.domain.errors import Scope

CLOCK = SystemClock()
SUMMARY = "subscription { botSummary(intervalSeconds: 60) { seq } }"


def test_a_key_has_at_most_so_many_sockets_open(start: Callable[..., Api]) -> None:
    api = start(api_sockets_per_key=2)
    other = api.key(Scope.READ)
    with api.session(), api.session() as second, api.session(other):
        with api.socket() as third:
            third.send({"type": "connection_init", "payload": {"X-API-Key": api.token}})
            refused = closed(third)
        second.connection.close()

        assert refused == (1013, "API_429, a key may have 2 sockets open; close one first")
        assert eventually_in(api)


def test_a_socket_that_is_for_nothing_is_closed(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.doors.websocket.IDLE_SECONDS", 0.2)
    with shared_api.session() as idle, shared_api.session() as used:
        used.subscribe("1", SUMMARY)
        assert used.receive()["type"] == "next"
        assert closed(idle) == (1000, "Nothing was open for 0 s")
        used.send({"type": "ping"})
        assert used.receive() == {"type": "pong"}


def test_a_ping_that_can_not_be_answered_is_malformed(shared_api: Api) -> None:
    with shared_api.session() as socket:
        socket.connection.send('{"type": "ping", "payload": {"x": ' + "[" * 300 + "]" * 300 + "}}")

        assert closed(socket) == (4400, "The payload of ping is nested too deeply")


def test_a_client_that_stops_reading_is_cut_off(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.doors.wire.STUCK_SECONDS", 0.3)
    with stuck(shared_api) as connection:
        started = CLOCK.monotonic()
        assert is_cut_off(connection)

    assert CLOCK.monotonic() - started < 10


def test_a_client_that_answers_no_ping_is_cut_off(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.doors.wire.SocketProtocol.start_keepalive", quick_keepalive)
    with raw_session(shared_api) as connection:
        received = until_end(connection)

    assert received.endswith(b"\x88\x18" + struct.pack("!H", 1011) + b"keepalive ping timeout")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02{}", 1002),  # not masked
        (b"\xc1\x80\0\0\0\0", 1002),  # a reserved bit
        (b"\x83\x80\0\0\0\0", 1002),  # a reserved kind of frame
        (b"\x80\x80\0\0\0\0", 1002),  # goes on with nothing
        (b"\x09\x80\0\0\0\0", 1002),  # a ping in parts
        (b"\x89\xfe\x01\x00\0\0\0\0" + b"x" * 256, 1002),  # a ping that is too long
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009),
        (b"\x88\x82\0\0\0\0\x00\x01", 1002),  # closes with a code that is none
        (b"\x88\x81\0\0\0\0\x00", 1002),
        (b"\x81\x82\0\0\0\0\xff\xfe", 4400),
        (b"\x82\x80\0\0\0\0", 4400),
    ],
)
def test_a_frame_that_breaks_the_protocol_is_answered_with_a_close_frame(
    shared_api: Api, frame: bytes, code: int
) -> None:
    with raw_session(shared_api) as connection:
        connection.sendall(frame)
        received = connection.recv(4, sockets.MSG_WAITALL)  # the rest is the reason

    assert received[0] == 0x88
    assert struct.unpack("!H", received[2:4]) == (code,)


def quick_keepalive(protocol: Any) -> None:
    protocol.ping_interval = protocol.ping_timeout = 0.1
    protocol.schedule_ping()


def eventually_in(api: Api) -> bool:
    """Whether one more socket gets in, once the server has noticed that another is gone."""
    give_up = CLOCK.monotonic() + 10
    while CLOCK.monotonic() < give_up:
        with contextlib.suppress(ConnectionClosed), api.session():
            return True
    return False


@contextlib.contextmanager
def raw_session(api: Api) -> Any:
    """A socket that was let in, as bytes; the ack is read."""
    with sockets.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        shake_hands(connection, api)
        yield connection


@contextlib.contextmanager
def stuck(api: Api) -> Any:
    """A client that sends pings with large payloads and reads none of the answers, until nothing more goes out."""
    with sockets.socket() as connection:
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", api.port))
        connection.settimeout(10)
        shake_hands(connection, api)
        with contextlib.suppress(ConnectionError):
            flood(connection)
        yield connection


def is_cut_off(connection: sockets.socket) -> bool:
    """Whether the server resets the connection within ten seconds."""
    connection.settimeout(10)
    try:
        while connection.recv(1_048_576):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
