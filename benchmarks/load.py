"""Load: keep-alive connections that send one request after the other, and how long each answer took.

A client of its own, on raw sockets, so that what is measured is the server and not the client.
"""

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load run saw."""

    latencies: tuple[float, ...]
    """Seconds for each answer, ascending."""
    bytes_received: int
    """Of all bodies."""
    statuses: frozenset[int]
    """HTTP statuses that were answered."""

    def quantile(self, share: float) -> float:
        """The latency that this share of the answers stayed within, in seconds."""
        return self.latencies[min(int(share * len(self.latencies)), len(self.latencies) - 1)]


def request(path: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """One HTTP/1.1 request: POST with a body, GET without."""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def run(port: int, requests: list[bytes], *, connections: int, total: int) -> Load:
    """Send `total` requests over that many connections, going round the given ones."""
    left = iter(range(total))
    latencies: list[float] = []
    statuses: set[int] = set()
    received = 0

    async def work() -> None:
        nonlocal received
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for index in left:
            begun = time.perf_counter()
            writer.write(requests[index % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            size = _content_length(head)
            await reader.readexactly(size)
            latencies.append(time.perf_counter() - begun)
            statuses.add(int(head[9:12]))
            received += size
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return Load(latencies=tuple(sorted(latencies)), bytes_received=received, statuses=frozenset(statuses))


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(b"content-length:") + 15
    return int(lowered[start : lowered.index(b"\r\n", start)])
