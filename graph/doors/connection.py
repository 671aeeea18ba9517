"""Connection: uvicorn's HTTP protocol, made to answer at once what takes no waiting.

A query that may be known by its bytes is held back until its body is there, for a moment at most. Then either the shortcut has an
answer, or uvicorn learns of the request as if it had only just come. What is no HTTP request is answered in the shape of all errors.
"""

from asyncio import TimerHandle
from typing import Any

import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from graph.doors import shortcut
from graph.doors.http import MOST_BYTES, PATH, as_asked
from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault

_SHAPE = ErrorShape(now=SystemClock().now, log=structlog.get_logger(__name__))
_LOG = structlog.get_logger(__name__)
_LINES = (
    "HTTP/1.1 400 Bad Request",
    "Content-Type: application/json; charset=utf-8",
    "Content-Length: {}",
    "Cache-Control: no-store",
    "Connection: close",
    "\r\n",
)


HELD_SECONDS = 0.05
"""How long a request may be held back for the rest of its body."""
_POSTED = PATH.encode()
_GOT = as_asked(b"")


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **rest: Any) -> None:
        super().__init__(config, server_state, app_state, **rest)
        self._shortcut: shortcut.Shortcut | None = app_state.get(shortcut.NAME)
        self._held: bytes | None = None
        """What has come of the body of the request that is held back; null where none is."""

        self._known: tuple[bytes, list[tuple[bytes, bytes]], shortcut.Head | None] = (b"", [], None)
        """Method and headers of the request that was held back last, and what they said."""

        self._patience: TimerHandle | None = None
        """Ends the wait for the rest of it."""

    def on_headers_complete(self) -> None:
        """Hold the request back where it may be known."""
        if self._shortcut is not None and self._may_be_known():
            self._held = b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body
            if len(self._held) > MOST_BYTES:
                self._let_go()

    def on_message_complete(self) -> None:
        """The end of a request."""
        if self._held is not None:
            if self._is_answered(self._held):
                self._take()
                return
            self._let_go()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Some bytes; many clients send head and body one after the other."""
        super().data_received(data)
        if self._held is not None and self._patience is None:
            self._patience = self.loop.call_later(HELD_SECONDS, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._take()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends; what has come is answered first."""
        self._let_go()
        super().shutdown()

    def _may_be_known(self) -> bool:
        """Whether it is a plain query, and nothing stands between it and its answer."""
        method, parser = self.parser.get_method(), self.parser
        is_got = method == b"GET" and self.url.startswith(_POSTED + _GOT)
        return (
            (is_got or (method == b"POST" and self.url == _POSTED))
            and _is_over(self.cycle)
            and not (self.expect_100_continue or self.flow.write_paused or self.transport.is_closing())
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def _is_answered(self, body: bytes) -> bool:
        """Whether the shortcut had an answer, which is sent then."""
        assert self._shortcut is not None, "nothing is held back without a shortcut"  # noqa: S101
        is_post = self.url == _POSTED
        if is_post and body.startswith(_GOT):  # no JSON, but a query over GET may be known by these bytes
            return False
        asked = body if is_post else self.url[len(_POSTED) :]
        try:
            answer = self._shortcut.answer(self._head(self._shortcut), asked)
        except Exception as error:  # noqa: BLE001 - the whole way has the same fault, and answers it
            _LOG.warning("shortcut_failed", exc_info=error)
            return False
        if answer is None:
            return False
        self.transport.write(answer)
        self.on_response_complete()
        return True

    def _head(self, way: shortcut.Shortcut) -> shortcut.Head | None:
        """What the head of this request says, worked out unless it is that of the last one."""
        method, headers, head = self._known
        if headers != self.headers or method != self.parser.get_method():
            method = self.parser.get_method()
            head = way.head(method.decode("ascii"), self.headers)
            self._known = (method, list(self.headers), head)
        return head

    def _let_go(self) -> None:
        """Let uvicorn know of the request that is held back, where one is."""
        held = self._take()
        if held is not None and not self.transport.is_closing():
            super().on_headers_complete()
            if held:
                super().on_body(held)

    def _take(self) -> bytes | None:
        """What has come of the body; nothing is held back any more."""
        held, self._held = self._held, None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        return held

    def send_400_response(self, msg: str) -> None:
        """Say that nothing was read, and close the connection."""
        fault = Fault(
            "QRY_001",
            "It is not HTTP/1.1, or its address or headers are too long to be read.",
            message="The request can't be read",
            remediation="Send HTTP/1.1 with an address below 60,000 bytes: a long document goes into the body of a POST.",
        )
        body = as_json({"errors": [_SHAPE.of_fault(fault)]})
        self.transport.write("\r\n".join(_LINES).format(len(body)).encode() + body)
        self.transport.close()


def _is_over(cycle: RequestResponseCycle | None) -> bool:
    """Whether the request before is answered, where there was one."""
    return cycle is None or cycle.response_complete
