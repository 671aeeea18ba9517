"""Pages: the addresses beside /graphql: liveness, readiness, the schema, and what is said of an address that does not exist."""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from graph.doors.http import VARY
from graph.guard.authentication import Gate, refusal, token_of
from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from resolvers.context import Parts
from trading_bot.errors.fault import Fault

NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Answers GET requests that are not GraphQL."""

    parts: Parts
    gate: Gate
    shape: ErrorShape
    sdl: Callable[[], str] = str

    async def alive(self, request: Request) -> Response:
        """The process answers; nothing else is looked at. Open."""
        return _json({"status": "alive"})

    async def healthy(self, request: Request) -> Response:
        """The same, with the time. Open."""
        return _json({"status": "healthy", "timestamp": self.parts.clock.now()})

    async def ready(self, request: Request) -> Response:
        """The store can be read. Needs a key."""
        refused = await self._refused_without_key(request)
        if refused is not None:
            return refused
        try:
            await asyncio.get_running_loop().run_in_executor(self.parts.workers, self.parts.store.bot_ids)
        except Fault as fault:
            return self._error(fault, 503)
        return _json({"status": "ready"})

    async def schema(self, request: Request) -> Response:
        """The schema as SDL. Needs a key."""
        refused = await self._refused_without_key(request)
        if refused is not None:
            return refused
        headers = {"Cache-Control": "private, no-cache", "Vary": VARY, "Content-Type": "text/plain; charset=utf-8"}
        return Response(self._text, headers=headers)

    async def refused(self, request: Request, error: Exception) -> Response:
        """What is said of an address or a method that does not exist."""
        status = error.status_code if isinstance(error, HTTPException) else NOT_FOUND
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if status == NOT_FOUND:
            return self._error(Fault("QRY_005", f"Nothing has the address `{request.url.path:.60}`."), status, headers)
        fault = Fault("QRY_006", f"The method {request.method:.20} is not known at `{request.url.path:.60}`.")
        return self._error(fault, status, headers)

    async def _refused_without_key(self, request: Request) -> Response | None:
        try:
            caller = await self.gate.caller(token_of(request.headers))
        except Fault as fault:
            return self._error(fault, 503)
        return self._error(refusal(), 401, {"WWW-Authenticate": "Bearer"}) if caller is None else None

    def _error(self, fault: Fault, status: int, headers: dict[str, str] | None = None) -> Response:
        return _json({"errors": [self.shape.of_fault(fault)]}, status, headers)

    @functools.cached_property
    def _text(self) -> str:
        return self.sdl()


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    fixed = {"Cache-Control": "no-store", "Vary": VARY, "Content-Type": "application/json; charset=utf-8"}
    return Response(as_json(body), status, {**(headers or {}), **fixed})
