"""Pages: the addresses beside /graphql that are plain: liveness, the schema, and what is said of an address that does not exist."""

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
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault
from trading_bot.services.config_fields import schema_bytes

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
        return json_answer({"status": "alive"})

    async def healthy(self, request: Request) -> Response:
        """The same, with the time. Open."""
        return json_answer({"status": "healthy", "timestamp": self.parts.clock.now()})

    async def schema(self, request: Request) -> Response:
        """The schema as SDL. Needs a key."""
        caller = await self.caller(request)
        if isinstance(caller, Response):
            return caller
        headers = {"Cache-Control": "private, no-cache", "Vary": VARY, "Content-Type": "text/plain; charset=utf-8"}
        return Response(self._text, headers=headers)

    async def config_schema(self, request: Request) -> Response:
        """The JSON Schema of the configuration. Needs a key."""
        caller = await self.caller(request)
        if isinstance(caller, Response):
            return caller
        headers = {"Cache-Control": "private, no-cache", "Vary": VARY, "Content-Type": "application/schema+json"}
        return Response(schema_bytes(), headers=headers)

    async def refused(self, request: Request, error: Exception) -> Response:
        """What is said of an address or a method that does not exist."""
        status = error.status_code if isinstance(error, HTTPException) else NOT_FOUND
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if status == NOT_FOUND:
            return self.error(
                Fault("QRY_005", f"Nothing has the address `{request.scope['path']:.60}`."), status, headers
            )
        fault = Fault("QRY_006", f"The method {request.method:.20} is not known at `{request.scope['path']:.60}`.")
        return self.error(fault, status, headers)

    async def caller(self, request: Request) -> Caller | Response:
        """Who asks; the refusal where that is nobody, or where nobody can tell."""
        try:
            caller = await self.gate.caller(token_of(request.headers))
        except Fault as fault:
            return self.error(fault, 503)
        return caller or self.error(refusal(), 401, {"WWW-Authenticate": "Bearer"})

    def error(self, fault: Fault, status: int, headers: dict[str, str] | None = None) -> Response:
        """An answer that says what is wrong."""
        return json_answer({"errors": [self.shape.of_fault(fault)]}, status, headers)

    @functools.cached_property
    def _text(self) -> str:
        return self.sdl()


def json_answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON body that nobody keeps."""
    fixed = {"Cache-Control": "no-store", "Vary": VARY, "Content-Type": "application/json; charset=utf-8"}
    return Response(as_json(body), status, {**(headers or {}), **fixed})
