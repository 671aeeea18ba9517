"""WebSockets as bytes, for what no client library would do."""

import contextlib
import json
import os
import socket as sockets
import struct

from tests.api.client import PROTOCOL, Api


def shake_hands(connection: sockets.socket, api: Api, extensions: str = "") -> None:
    """Be let in by the API; the ack is read."""
    offer = f"Sec-WebSocket-Extensions: {extensions}\r\n".encode() if extensions else b""
    connection.sendall(
        b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: " + PROTOCOL.encode() + b"\r\n" + offer + b"\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    connection.sendall(masked(json.dumps({"type": "connection_init", "payload": {"X-API-Key": api.token}}).encode()))
    ack = b'{"type":"connection_ack"}'
    received = b""
    while not received.endswith(ack):
        received += connection.recv(len(ack) + 2 - len(received))


def masked(payload: bytes) -> bytes:
    """One whole text frame."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    mask = os.urandom(4)
    return b"\x81" + size + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def flood(connection: sockets.socket) -> None:
    """Send pings with large payloads and read none of the answers, until nothing more goes out."""
    connection.settimeout(0.5)
    ping = masked(json.dumps({"type": "ping", "payload": {"x": "x" * 60_000}}).encode())
    with contextlib.suppress(TimeoutError):
        for _ in range(2_000):
            connection.sendall(ping)


def until_end(connection: sockets.socket) -> bytes:
    """Everything that comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))
