"""Entrance: what every HTTP request passes first and last: the Host check, one log line, and a masked answer when we fail."""

import re
import secrets
from dataclasses import KW_ONLY, dataclass

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.doors.http import VARY
from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from graph.observability.metrics import Metrics
from resolvers.counters import Counters
from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault

LONGEST_SHOWN_PATH = 100
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a caller may call its request; anything else gets a name of ours."""

log = structlog.get_logger("graph.requests")


@dataclass(frozen=True, slots=True)
class Entrance:
    """An ASGI application around `app`."""

    app: ASGIApp
    _: KW_ONLY
    hosts: tuple[str, ...]
    """Names under which this server lets itself be called; `*` for any."""
    shape: ErrorShape
    counters: Counters
    metrics: Metrics
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif not self._is_known(_host(scope)):
            await send({"type": "websocket.close", "code": 1008, "reason": "Host is not allowed"})
        else:
            with structlog.contextvars.bound_contextvars(request_id=_request_id(scope)):
                await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = self.clock.monotonic()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                if self._is_known(_host(scope)):
                    await self.app(scope, receive, noting)
                else:
                    await self._refuse_host(scope, noting)
        except Exception as error:
            if status:  # half of an answer is out: the server must cut the connection
                raise
            await _send_error(noting, 500, self.shape.of_unexpected(error))
        finally:
            milliseconds = round((self.clock.monotonic() - started) * 1000, 3)
            self.counters.answered(milliseconds)
            self.metrics.request(scope["method"], status, milliseconds / 1000)
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"][:20],
                path=scope["path"][:LONGEST_SHOWN_PATH],
                status=status,
                ms=milliseconds,
                operation=state.get("operation"),
            )

    def _is_known(self, host: str) -> bool:
        return "*" in self.hosts or host in self.hosts

    async def _refuse_host(self, scope: Scope, send: "Send") -> None:
        fault = Fault(
            "QRY_005",
            f"The Host header `{_host(scope):.60}` is not one of BOT_API_ALLOWED_HOSTS.",
            remediation="Call the API under one of the names in BOT_API_ALLOWED_HOSTS, or add this one to it and start again.",
        )
        await _send_error(send, 400, self.shape.of_fault(fault))


def _request_id(scope: Scope) -> str:
    """What the caller calls its request; a name of ours where it says none, or one that would not do in a log."""
    raw = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    given = raw.decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def host_of(header: bytes) -> str:
    """The name that the client called, by its Host header: without port and brackets, in small letters."""
    host = header.decode("latin-1").lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _host(scope: Scope) -> str:
    return host_of(next((value for name, value in scope["headers"] if name == b"host"), b""))


async def _send_error(send: Send, status: int, entry: dict[str, object]) -> None:
    body = as_json({"errors": [entry]})
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", VARY.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
