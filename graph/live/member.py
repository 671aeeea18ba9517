"""Member: one subscription of one socket, and the socket's way out that nobody waits for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from graph.live.payload import Payload

Errors = list[dict[str, Any]]


class Wire(Protocol):
    """A socket's way out. Nothing here waits: who reads slowly is skipped, or waits in a task of its own."""

    @property
    def is_writable(self) -> bool:
        """Whether the client takes what it is sent."""
        ...

    def show(self, opening: bytes, payload: Payload) -> None:
        """Send one `next` message."""
        ...

    def tell(self, raw: bytes) -> None:
        """Send another message."""
        ...

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Call this once when the client has taken what it was sent; never when the socket ends before."""
        ...


def codes_of(errors: Errors) -> tuple[str, ...]:
    """Their codes."""
    return tuple(str(error["extensions"]["errorCode"]) for error in errors)


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    """One subscription of one socket."""

    wire: Wire
    opening: bytes
    """What stands before each payload."""
    began: Callable[[tuple[str, ...]], None]
    """Told the codes of the first answer."""
    ended: Callable[[Errors | None], None]
    """Told that nothing more comes, with the errors that it ended with; null for a subscription that is over."""
    is_open: bool = True
    """False once it was left or has ended."""
    has_begun: bool = False
    """Whether it was answered, or can be when there is something to answer with."""
    after_seq: int | None = None
    """Number of the event that it goes on behind, where events are numbered; null for from now on."""
    _newest: Payload | None = None

    def begin(self, codes: tuple[str, ...]) -> None:
        """Note that it has begun, with the codes of its first answer."""
        if not self.has_begun:
            self.has_begun = True
            began, self.began = self.began, _nothing  # what it holds is not needed any more, for days maybe
            began(codes)

    def show(self, payload: Payload) -> bool:
        """Send it now, or the newest one as soon as the client takes anything; False for the latter."""
        if self._newest is None and self.wire.is_writable:
            self.wire.show(self.opening, payload)
            return True
        if self._newest is None:
            self.wire.when_writable(self._catch_up)
        self._newest = payload
        return False

    def end(self, errors: Errors | None) -> None:
        """Say that nothing more comes, after what was shown last."""
        if self.is_open:
            self.begin(codes_of(errors or []))
            self._catch_up()
            self.is_open = False
            self.ended(errors)

    async def until_writable(self) -> None:
        """Wait until the client takes what it is sent."""
        while not self.wire.is_writable:
            taken = asyncio.Event()
            self.wire.when_writable(taken.set)
            await taken.wait()

    def _catch_up(self) -> None:
        newest, self._newest = self._newest, None
        if newest is not None and self.is_open:
            self.wire.show(self.opening, newest)


def _nothing(codes: tuple[str, ...]) -> None:
    pass
