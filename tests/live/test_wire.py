"""A socket's protocol by itself, on a transport whose buffer a test empties."""

import asyncio
import gc
import socket as sockets
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from graph.__main__ import UVICORN
from graph.doors import wire
from graph.doors.ending import Server
from graph.doors.wire import SocketProtocol

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LEAVING = b"\x88\x82\0\0\0\0\x03\xe8"
"""A client's close frame, code 1000."""
GOING = b"\x88\x02\x03\xf4"
"""The server's, code 1012."""


class FullTransport(asyncio.Transport):
    """Takes everything, sends nothing, and so is not closed until it is aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = asyncio.Event()
        self._is_closing = False

    def write(self, data: Any) -> None:
        assert not self._is_closing
        self.written.append(bytes(data))

    def close(self) -> None:
        self._is_closing = True

    def is_closing(self) -> bool:
        return self._is_closing

    def abort(self) -> None:
        self._is_closing = True
        self.aborted.set()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LINGER_SECONDS", 0.01)


async def opened() -> tuple[SocketProtocol, FullTransport]:
    """A socket that was accepted."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    protocol = SocketProtocol(uvicorn.Config(app, **UVICORN), ServerState(), {})
    transport = FullTransport()
    protocol.connection_made(transport)
    protocol.data_received(HANDSHAKE)
    async with asyncio.timeout(10):
        while not protocol.handshake_complete:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    protocol.stop_keepalive()
    return protocol, transport


def test_a_stop_tells_who_listens_and_cuts_off_who_takes_nothing() -> None:
    async def look() -> bytes:
        protocol, transport = await opened()
        protocol.shutdown()
        async with asyncio.timeout(10):
            await transport.aborted.wait()
        return transport.written[-1]

    assert asyncio.run(look()) == GOING


def test_a_stop_passes_over_who_is_leaving_with_its_buffer_full() -> None:
    async def look() -> tuple[bool, bool]:
        protocol, transport = await opened()
        protocol.data_received(LEAVING)
        was_closing = transport.is_closing()
        protocol.shutdown()
        async with asyncio.timeout(10):
            await transport.aborted.wait()
        return was_closing, GOING in transport.written

    assert asyncio.run(look()) == (True, False)


def test_what_is_left_at_the_end_is_not_searched_for_garbage() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    server = Server(uvicorn.Config(app, **{**UVICORN, "lifespan": "off"}))
    server.should_exit = True
    before = gc.get_freeze_count()
    try:
        asyncio.run(server.serve([sockets.create_server(("127.0.0.1", 0))]))

        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
