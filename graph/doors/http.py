"""HTTP: GraphQL over POST and, for queries, GET. Nothing of a request is looked at before its key.

What a query over GET is answered with has an ETag, so that an unchanged answer is asked for, and not sent, again.
Follows the GraphQL-over-HTTP draft: `application/graphql-response+json` where the client asks for it (a request that could not be executed
is then 400), `application/json` otherwise (then 200, as its rules have it).
"""

import asyncio
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graph.admission import Admission, Admitted
from graph.doors.accepts import GRAPHQL_JSON, JSON, media_type
from graph.doors.operations import Operations
from graph.execution import Answer, Prepared
from graph.execution import Request as Wanted
from graph.guard.authentication import Gate, refusal, token_of
from graph.guard.json import as_json
from graph.guard.rate import Allowance
from graph.kept import Kept
from trading_bot.errors.fault import Fault

PATH = "/graphql"
MOST_BYTES = 65_536
"""Largest body and, for GET, largest query string."""
BODY_SECONDS = 10.0
"""For how long a body may take to come."""
UNSHARED = frozenset({"viewer", "configPlan", "ask"})
"""Root fields whose answers nobody keeps."""
VARY = "X-API-Key, Authorization, Accept, Accept-Encoding"
KNOWN_BYTES = 131_072
"""Of all queries that are known by their bytes; each keeps its document, so these are as few."""
KNOWN_ENTRY_BYTES = 512
"""What one takes beside them, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Answers GraphQL over HTTP."""

    admission: Admission
    gate: Gate
    operations: Operations
    known: Kept[bytes, Prepared] = field(default_factory=lambda: Kept(room=KNOWN_BYTES))
    """Queries by the bytes that they came as, so that one that comes again need not be read again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as an ASGI application."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """The answer to one request."""
        try:
            caller = await self.gate.caller(token_of(request.headers))
        except Fault as fault:
            return self._refused(request, fault, 503)
        if caller is None:
            return self._refused(request, refusal(), 401, {"WWW-Authenticate": "Bearer"})
        try:
            asked, raw = await _wanted(request)
            wanted = self._named(asked)
            wanted = (
                replace(wanted, wants_anew=True) if wants_anew(request.headers.get("cache-control", "")) else wanted
            )
        except RefusedRequestError as refused:
            return self._malformed(request, refused, self.admission.rates.draw(caller))
        admitted = self.admission.admit(wanted, caller)
        response = await self._carried_out(request, admitted, raw)
        response.headers.update(admitted.allowance.headers)
        return response

    async def _carried_out(self, request: Request, admitted: Admitted, raw: bytes) -> Response:
        prepared = admitted.outcome
        if isinstance(prepared, Answer) and not admitted.allowance.is_granted:
            return _bytes(request, prepared.raw, 429, {"Cache-Control": "no-store"})
        if isinstance(prepared, Answer):
            return _response(request, prepared)
        misplaced = _misplaced(request.method, prepared)
        if misplaced is not None:
            return self._refused(request, misplaced.fault, misplaced.status, misplaced.headers)
        request.state.operation = prepared.kind.value
        remember(self.known, raw, prepared)
        answer = await self.admission.carry_out(prepared, admitted.caller, request.headers)
        if request.method == "GET" and answer.began and _is_kept(prepared, answer):
            return _tagged(request, answer)
        return _response(request, answer)

    def _malformed(self, request: Request, refused: "RefusedRequestError", allowance: Allowance) -> Response:
        """What is no GraphQL request counts as an operation too."""
        if not allowance.is_granted:
            return self._refused(request, allowance.refusal(), 429, allowance.headers)
        return self._refused(request, refused.fault, refused.status, {**refused.headers, **allowance.headers})

    def _named(self, asked: "Asked") -> Wanted:
        """The request itself, or the named operation that it asks for; RefusedRequestError for a name that is none."""
        if isinstance(asked, Wanted):
            return asked
        try:
            wanted = self.operations.request(asked.name, asked.variables)
        except Fault as fault:
            raise RefusedRequestError(404 if fault.code == "QRY_005" else 400, fault) from None
        return replace(wanted, wants_budget=asked.wants_budget)

    def _refused(self, request: Request, fault: Fault, status: int, headers: dict[str, str] | None = None) -> Response:
        body = {"errors": [self.admission.executor.shape.of_fault(fault)]}
        return _bytes(request, body, status, {"Cache-Control": "no-store", **(headers or {})})


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A named operation that is asked for."""

    name: str
    variables: dict[str, Any] | None
    wants_budget: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer that was given before."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Those that depend on the method."""
    body: bytes


Asked = Wanted | Named


class RefusedRequestError(Exception):
    """A request that is no GraphQL request, with the status that says so."""

    def __init__(self, status: int, fault: Fault, headers: dict[str, str] | None = None) -> None:
        super().__init__(fault.cause)
        self.status = status
        self.fault = fault
        self.headers = headers or {}


def _misplaced(method: str, prepared: Prepared) -> RefusedRequestError | None:
    """Why this operation can't be had this way; null when it can."""
    if prepared.kind is OperationType.SUBSCRIPTION:
        cause = "A subscription needs a WebSocket with the sub-protocol graphql-transport-ws."
        return RefusedRequestError(400, Fault("QRY_006", cause))
    if method == "GET" and prepared.kind is OperationType.MUTATION:
        return RefusedRequestError(405, Fault("QRY_006", "A mutation came over GET; it needs POST."), {"Allow": "POST"})
    return None


async def _wanted(request: Request) -> tuple[Asked, bytes]:
    """What the request asks for, and the bytes that say it; RefusedRequestError when it is not a GraphQL request."""
    if request.method == "GET":
        return _request_of(_parameters(request)), as_asked(request.scope["query_string"])
    if request.method != "POST":
        fault = Fault("QRY_006", f"The method {request.method:.20} is not known here.")
        raise RefusedRequestError(405, fault, {"Allow": "GET, POST"})
    _require_json(request.headers.get("content-type", ""))
    raw = await _body(request)
    return asked_of(raw), raw


def asked_of(raw: bytes) -> Asked:
    """What a body asks for; RefusedRequestError when it is not a GraphQL request."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusedRequestError(400, Fault("QRY_001", f"The body is not JSON: {error.msg}.")) from None
    return _request_of(body)


def remember(known: Kept[bytes, Prepared], raw: bytes, prepared: Prepared) -> None:
    """Have a query known by the bytes that it came as, where what it is answered with may be given again."""
    if prepared.subject is not None:
        known.put(raw, prepared.for_anyone(), len(raw) + KNOWN_ENTRY_BYTES)


def as_asked(query_string: bytes) -> bytes:
    """The bytes by which a query over GET is known; no body that is JSON begins like that."""
    return b"?" + query_string


def _require_json(content_type: str) -> None:
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    charset = next((part[8:].strip('"') for part in parameters if part.startswith("charset=")), "utf-8")
    if kind != JSON or charset != "utf-8":
        cause = f"Expected the content type application/json in UTF-8, was `{content_type:.60}`."
        raise RefusedRequestError(415, Fault("QRY_001", cause))


async def _body(request: Request) -> bytes:
    """The body, at most 64 KiB; what is longer is not even read."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _too_large()
    except TimeoutError:
        cause = f"The body did not come within {BODY_SECONDS:.0f} s."
        raise RefusedRequestError(408, Fault("QRY_001", cause), {"Connection": "close"}) from None
    except ClientDisconnect:
        raise RefusedRequestError(400, Fault("QRY_001", "The body ended before it was complete.")) from None
    return bytes(body)


def _too_large() -> RefusedRequestError:
    return RefusedRequestError(413, Fault("QRY_001", f"The body is larger than {MOST_BYTES} bytes."))


def _parameters(request: Request) -> dict[str, Any]:
    """The parameters of a GET; `variables` and `extensions` are JSON."""
    if len(request.scope["query_string"]) > MOST_BYTES:
        raise RefusedRequestError(414, Fault("QRY_001", f"The query string is longer than {MOST_BYTES} bytes."))
    found: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in found:
            try:
                found[name] = orjson.loads(found[name])
            except orjson.JSONDecodeError as error:
                cause = f"The parameter `{name}` is not JSON: {error.msg}."
                raise RefusedRequestError(400, Fault("QRY_001", cause)) from None
    return found


def _request_of(body: object) -> Asked:
    if not isinstance(body, dict):
        raise RefusedRequestError(400, Fault("QRY_001", "Expected a JSON object as the body."))
    is_named = body.get("documentId") is not None
    for name, kind, needed in (
        ("documentId", str, is_named),
        ("query", str, not is_named),
        ("operationName", str, False),
        ("variables", dict, False),
        ("extensions", dict, False),
    ):
        value = body.get(name)
        if not isinstance(value, kind) and (needed or value is not None):
            shape = "a string" if kind is str else "an object"
            raise RefusedRequestError(
                400, Fault("QRY_001", f"Expected `{name}` to be {shape}.", context={"field": name})
            )
    if is_named and body.get("query"):
        raise RefusedRequestError(400, Fault("QRY_001", "Expected `query` or `documentId`, not both."))
    wants_budget = (body.get("extensions") or {}).get("budget") is True
    if is_named:
        return Named(name=body["documentId"], variables=body.get("variables"), wants_budget=wants_budget)
    # An empty operationName, as some clients send it, names none.
    return Wanted(
        query=body["query"],
        operation_name=body.get("operationName") or None,
        variables=body.get("variables"),
        wants_budget=wants_budget,
    )


def _is_kept(prepared: Prepared, answer: Answer) -> bool:
    return prepared.kind is OperationType.QUERY and not answer.codes and not prepared.root_fields & UNSHARED


def found_again(method: str, held: str, kind: str, answer: Answer) -> Found:
    """A whole answer to a query, as `_tagged` and `_response` would send it to who holds answers of these tags."""
    if method == "POST":
        return Found(status=200, headers=(("cache-control", "no-store"),), body=answer.raw)
    tag = _tag(answer, kind)
    headers = (("cache-control", "private, no-cache"), ("etag", tag))
    return (
        Found(status=304, headers=headers, body=b"")
        if _has_it(held, tag)
        else Found(status=200, headers=headers, body=answer.raw)
    )


def wants_anew(wishes: str) -> bool:
    """Whether a caller with that `Cache-Control` wants no answer that was given before."""
    return "no-cache" in wishes or "no-store" in wishes


def _tag(answer: Answer, kind: str) -> str:
    return f'"{blake2b(answer.raw, digest_size=16, person=kind[-16:].encode()).hexdigest()}"'


def _has_it(held: str, tag: str) -> bool:
    known = [known.strip().removeprefix("W/") for known in held.split(",")]
    return tag in known or "*" in known


def _tagged(request: Request, answer: Answer) -> Response:
    """A whole answer with the tag of its bytes; only the tag for who has it already."""
    tag = _tag(answer, media_type(request.headers.get("accept", "")))
    headers = {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": VARY}
    if _has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return _bytes(request, answer.raw, 200, headers)


def _response(request: Request, answer: Answer) -> Response:
    strict = media_type(request.headers.get("accept", "")) == GRAPHQL_JSON
    headers = {"Cache-Control": "no-store"}
    if answer.began or strict:
        return _bytes(request, answer.raw, 200 if answer.began else 400, headers)
    return _bytes(request, {**answer.body, "data": None}, 200, headers)


def _bytes(request: Request, body: dict[str, Any] | bytes, status: int, headers: dict[str, str]) -> Response:
    kind = media_type(request.headers.get("accept", ""))
    content_type = f"{kind}; charset=utf-8"
    return Response(
        body if isinstance(body, bytes) else as_json(body),
        status,
        {**headers, "Vary": VARY, "Content-Type": content_type},
    )
