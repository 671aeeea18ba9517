"""A chat endpoint on a port of this machine that answers, or misbehaves, as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply, byte by byte as it leaves."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: threading.Event | None = None
    """Held back until this is set."""
    hangs_up: bool = False
    """The connection is closed in the middle of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any


Script = Callable[[Call], Reply]


def saying(text: str, *, sent: int = 1000, answered: int = 100, **more: Any) -> Reply:
    """The reply of a well-behaved endpoint whose model says `text`."""
    message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered}
    return Reply(body=json.dumps({"id": "c-1", "choices": [message], "usage": usage}).encode(), **more)


def answering(**values: Any) -> Reply:
    """The same, with a JSON answer."""
    return saying(json.dumps(values))


NOTHING = {"action": "none", "reasoning": "Nothing stands out."}


class ModelServer:
    """The endpoint: set `script` to what it shall do, read `calls` for what came."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.calls: list[Call] = []
        self.script: Script = lambda call: answering(**NOTHING)
        self.arrived = threading.Condition()
        self.called = threading.Event()
        """Set by the first call."""
        self.done = threading.Event()
        """Set at the end: whatever is held back gives up."""

    def replies(self, *replies: Reply) -> None:
        """Give these in turn, the last of them for ever."""
        left = list(replies)
        self.script = lambda call: left.pop(0) if len(left) > 1 else left[0]

    def asked(self, times: int, seconds: float) -> bool:
        """Whether it was called that often, within that many seconds."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.calls) >= times, seconds)

    def situation(self, number: int = -1) -> Any:
        """The document that a call sent."""
        return json.loads(self.calls[number].body["messages"][1]["content"])


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """The endpoint while it runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            call = Call(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=json.loads(body))
            with server.arrived:
                server.calls.append(call)
                server.arrived.notify_all()
            server.called.set()
            self._send(server.script(call))

        def _send(self, reply: Reply) -> None:
            while reply.after is not None and not reply.after.wait(0.02):
                if server.done.is_set():
                    self.close_connection = True
                    return
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.hangs_up else reply.body)
            except OSError:  # the client has gone
                self.close_connection = True
            if reply.hangs_up:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    server = ModelServer(listening.server_address[1])
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.done.set()
        listening.shutdown()
        thread.join()
        listening.server_close()
