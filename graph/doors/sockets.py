"""Sockets: how many of them each key has open."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from graph.doors.messages import TRY_LATER, ClosedError


@dataclass(slots=True, kw_only=True)
class Sockets:
    """The open sockets of all keys. Used from the event loop only."""

    most: int
    """For each key; 0 for no limit."""
    _open: Counter[str] = field(default_factory=Counter)

    def add(self, key_id: str) -> Callable[[], None]:
        """Count one more, and give back what ends it; ClosedError where the key has as many as it may."""
        if self.most and self._open[key_id] >= self.most:
            raise ClosedError(TRY_LATER, f"API_429, a key may have {self.most} sockets open; close one first")
        self._open[key_id] += 1

        def end() -> None:
            self._open[key_id] -= 1
            if not self._open[key_id]:
                del self._open[key_id]

        return end
