"""Queued: the way out of a socket whose server lets nothing be written to it at once: a queue of the newest, and a task that empties it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from graph.live.payload import Payload


class QueuedWire:
    """A socket's way out. While the client has not taken what it was sent it is not writable, so a slow one is sent the newest only."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._outbox: deque[bytes] = deque()
        self._emptying: asyncio.Task[None] | None = None
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_writable(self) -> bool:
        """Whether the client has taken what it was sent."""
        return self._emptying is None

    def show(self, opening: bytes, payload: Payload) -> None:
        """Send one `next` message."""
        self.tell(opening + payload.raw + b"}")

    def tell(self, raw: bytes) -> None:
        """Send another message."""
        self._outbox.append(raw)
        if self._emptying is None:
            self._emptying = asyncio.get_running_loop().create_task(self._empty())

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Call this once when the client has taken what it was sent."""
        self._waiting.append(callback)

    def close(self) -> None:
        """Send nothing more."""
        self._outbox.clear()
        self._waiting.clear()
        if self._emptying is not None:
            self._emptying.cancel()

    async def _empty(self) -> None:
        try:
            while self._outbox:
                await self._send(self._outbox.popleft().decode())
        except Exception:  # noqa: BLE001 - the socket is gone, which its session learns from its own receiving
            self._outbox.clear()
            return
        finally:
            self._emptying = None
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()
