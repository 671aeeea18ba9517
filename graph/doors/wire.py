"""Wire: uvicorn's WebSocket protocol, made to send what many are sent as bytes that are made once, and to let go of clients that are stuck.

It offers itself to the application in the scope's extensions. Compression is agreed on without a context on either side, so what is
compressed once is right for everyone; no connection keeps a compressor, and small messages go out as they are.
"""

from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.protocol import State

from graph.live import frames
from graph.live.payload import SMALLEST_DEFLATED, Payload

EXTENSION = "botgraph.wire"
"""Where the scope has it."""
STUCK_SECONDS = 10.0
"""For how long a client may leave what was sent to it unread, once the buffers are full."""
LINGER_SECONDS = 1.0
"""For how long a client that is cut off may take what was sent last."""


_DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection. To close it would wait for its buffer to empty, which a stuck client never does: it is aborted."""

    _stuck: TimerHandle | None = None
    _bits = 0
    """Window of the compression that was agreed on, as a power of two; 0 for none."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **rest: Any) -> None:
        super().__init__(config, server_state, app_state, **rest)
        self.conn.available_extensions = (_DEFLATE,)
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_writable(self) -> bool:
        """Whether the client takes what it is sent."""
        return self._stuck is None

    def show(self, opening: bytes, payload: Payload) -> None:
        """Send one `next` message."""
        if self._is_open():
            if self._bits and payload.is_large:
                self.transport.write(frames.deflated_message(opening, payload, self._bits))
            else:
                self.transport.write(frames.message(opening, payload))

    def tell(self, raw: bytes) -> None:
        """Send another message."""
        if self._is_open():
            self.transport.write(frames.text(raw))

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Call this once when the buffer has room again."""
        self._waiting.append(callback)

    def handle_connect(self, event: Request) -> None:
        """The handshake: the application is told how to send bytes."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self
        for extension in self.conn.extensions:
            if isinstance(extension, PerMessageDeflate):
                self._bits = extension.local_max_window_bits

    async def send(self, message: ASGISendEvent) -> None:
        """What the application sends; a small message goes out as it is."""
        text = message.get("text") if message["type"] == "websocket.send" and self.handshake_complete else None
        if not isinstance(text, str) or self.close_sent or (self._bits and len(text) >= SMALLEST_DEFLATED):
            await super().send(message)
            return
        await self.writable.wait()
        if self.disconnected or not self._is_open():
            raise ClientDisconnected
        self.transport.write(frames.text(text.encode()))

    def pause_writing(self) -> None:
        """The buffer is full."""
        super().pause_writing()
        self._stuck = self.loop.call_later(STUCK_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The buffer has room again."""
        self._unstick()
        super().resume_writing()
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._unstick()
        self._waiting.clear()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """A ping was not answered."""
        super().keepalive_timeout()
        self._abort_soon()

    def shutdown(self) -> None:
        """The server ends."""
        is_leaving = self.conn.state in (State.CLOSING, State.CLOSED)  # then nothing may be sent any more
        if self.close_sent or not is_leaving:
            super().shutdown()
        self._abort_soon()

    def send_receive_event_to_app(self) -> None:
        """A whole message; text that is not UTF-8 is handed on as bytes, for the door to refuse as malformed."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()

    def _is_open(self) -> bool:
        return self.conn.state is State.OPEN and not self.close_sent and not self.transport.is_closing()

    def _abort_soon(self) -> None:
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
