"""Subscribers: many WebSockets in a process of their own, which note when each message came: `python -m benchmarks.subscribers`.

A client on raw bytes: it reads the heads of frames and the time that each message bears, and nothing else, so that it costs less than
what it measures. It takes one JSON object on its first line; each further line names seconds to measure for, and gets one line back.
"""

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from uuid import UUID

import uvloop

from benchmarks.served import ROOT

MARK = b'"timestamp":"'
PATIENCE_SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came in one measurement."""

    messages: int
    """Messages of subscriptions."""
    bytes_received: int
    """On the wire."""
    latencies: tuple[float, ...]
    """Seconds from the time that a message bears to its last byte, ascending."""

    def quantile(self, share: float) -> float:
        """The latency that this share of the messages stayed within, in seconds."""
        return self.latencies[min(int(share * len(self.latencies)), len(self.latencies) - 1)]


class Subscribers:
    """The process, seen from the benchmark."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child

    def measure(self, seconds: float) -> Seen:
        """What comes in the next `seconds`."""
        self.begin(seconds)
        return self.seen()

    def begin(self, seconds: float) -> None:
        """Measure for that long; `seen` waits for it."""
        self.tell(str(seconds))

    def seen(self) -> Seen:
        """What came in the measurement that was begun."""
        found = self.hear()
        return Seen(**{**found, "latencies": tuple(found["latencies"])})

    def tell(self, line: str) -> None:
        """Write one line to the process."""
        stdin, _ = self._pipes()
        stdin.write(line + "\n")
        stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Read one line of the process."""
        _, stdout = self._pipes()
        heard: dict[str, Any] = json.loads(stdout.readline())
        return heard

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._child.stdin is None or self._child.stdout is None:
            msg = "The subscribers have no pipes."
            raise RuntimeError(msg)
        return self._child.stdin, self._child.stdout


@contextmanager
def subscribed(port: int, tokens: list[str], query: str, *, count: int) -> Iterator[Subscribers]:
    """`count` sockets that have the subscription open and were answered once, until the block ends."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.subscribers"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        subscribers = Subscribers(child)
        subscribers.tell(json.dumps({"port": port, "tokens": tokens, "query": query, "count": count}))
        subscribers.hear()
        yield subscribers
    finally:
        child.kill()
        child.wait()


class _Log:
    """What all sockets of this process saw."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes_received = 0
        self.latencies: list[float] = []
        self.answered = 0
        self._time: tuple[bytes, float] = (b"", 0.0)

    def start(self) -> None:
        self.messages = self.bytes_received = 0
        self.latencies = []

    def note(self, head: bytes, size: int) -> None:
        self.messages += 1
        self.bytes_received += size
        at = head.find(MARK)
        if at >= 0:
            text = head[at + len(MARK) : head.index(b'"', at + len(MARK))]
            if text != self._time[0]:
                self._time = (text, datetime.fromisoformat(text.decode()).timestamp())
            self.latencies.append(time.time() - self._time[1])


class _Socket(asyncio.Protocol):
    """One WebSocket."""

    def __init__(self, log: _Log, token: str, query: str, number: int, ready: asyncio.Future[None]) -> None:
        self._log = log
        self._messages = iter(
            (
                {"type": "connection_init", "payload": {"X-API-Key": token}},
                {"type": "subscribe", "id": str(UUID(int=number)), "payload": {"query": query}},
            )
        )
        self._ready = ready
        self._head = b""
        self._left = 0
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._transport.write(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left:
                taken = min(self._left, len(data))
                self._left -= taken
                data = data[taken:]
                if not self._left:
                    self._whole()
                continue
            data = self._begin(self._head + data)

    def _begin(self, data: bytes) -> bytes:
        """Take the head of a frame and as much of it as there is."""
        self._head = b""
        if data.startswith(b"HTTP/1.1 101"):
            _, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                self._head = data
                return b""
            self._say()
            return rest
        short = data[1] & 0x7F if len(data) > 1 else 127
        start = 2 if short < 126 else 4 if short == 126 else 10
        if len(data) < start:
            self._head = data
            return b""
        size = short if start == 2 else int.from_bytes(data[2:start], "big")
        self._size = start + size
        body = data[start : start + size]
        self._kind = data[0]
        self._first = bytes(body[:256])
        self._left = size - len(body)
        if not self._left:
            self._whole()
        return data[start + size :]

    def _whole(self) -> None:
        if self._kind == 0x89:  # a ping
            self._transport.write(b"\x8a\x84\0\0\0\0" + self._first)
        elif self._kind == 0x88:
            if not self._first.startswith(b"\x03\xf4"):  # 1012: the server ends
                print(f"closed: {self._first!r}", file=sys.stderr)
        elif self._first.startswith(b'{"type":"connection_ack"'):
            self._say()
        elif not self._ready.done():
            self._ready.set_result(None)
        else:
            self._log.note(self._first, self._size)

    def _say(self) -> None:
        raw = json.dumps(next(self._messages)).encode()
        size = struct.pack("!B", 0x80 | len(raw)) if len(raw) < 126 else struct.pack("!BH", 0xFE, len(raw))
        self._transport.write(b"\x81" + size + b"\0\0\0\0" + raw)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    spec = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    log = _Log()
    waiting = []
    for number in range(spec["count"]):
        ready = loop.create_future()
        token = spec["tokens"][number % len(spec["tokens"])]
        await loop.create_connection(
            lambda token=token, number=number, ready=ready: _Socket(log, token, spec["query"], number, ready),  # type: ignore[misc]
            "127.0.0.1",
            spec["port"],
        )
        waiting.append(ready)
        if len(waiting) >= 50:
            await asyncio.wait_for(waiting.pop(0), PATIENCE_SECONDS)
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_SECONDS)
    print("{}", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        log.start()
        await asyncio.sleep(float(line))
        seen = {
            "messages": log.messages,
            "bytes_received": log.bytes_received,
            "latencies": sorted(log.latencies),
        }
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    uvloop.run(_main())
