"""A way out that keeps what it was given, and is as writable as a test says."""

import json
from collections.abc import Callable
from typing import Any

from graph.live.payload import Payload


class CollectingWire:
    """Keeps messages, as the client would read them."""

    def __init__(self) -> None:
        self.is_writable = True
        self.messages: list[Any] = []
        self._waiting: list[Callable[[], None]] = []

    def show(self, opening: bytes, payload: Payload) -> None:
        self.messages.append(json.loads(opening + payload.raw + b"}"))

    def tell(self, raw: bytes) -> None:
        self.messages.append(json.loads(raw))

    def when_writable(self, callback: Callable[[], None]) -> None:
        self._waiting.append(callback)

    def stop(self) -> None:
        """Take nothing more."""
        self.is_writable = False

    def go_on(self) -> None:
        """Take what comes."""
        self.is_writable = True
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()
