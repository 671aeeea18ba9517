"""Wire: uvicorn's WebSocket protocol, made to let go of clients that are stuck and to stay quiet about what is no message."""

from asyncio import TimerHandle

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STUCK_SECONDS = 10.0
"""For how long a client may leave what was sent to it unread, once the buffers are full."""
LINGER_SECONDS = 1.0
"""For how long a client that is cut off may take what was sent last."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection. To close it would wait for its buffer to empty, which a stuck client never does: it is aborted."""

    _stuck: TimerHandle | None = None

    def pause_writing(self) -> None:
        """The buffer is full."""
        super().pause_writing()
        self._stuck = self.loop.call_later(STUCK_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The buffer has room again."""
        self._unstick()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._unstick()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """A ping was not answered."""
        super().keepalive_timeout()
        self._abort_soon()

    def shutdown(self) -> None:
        """The server ends."""
        super().shutdown()
        self._abort_soon()

    def send_receive_event_to_app(self) -> None:
        """A whole message; text that is not UTF-8 is handed on as bytes, for the door to refuse as malformed."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()

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
