"""Shortcut: what takes no waiting is answered straight from the connection, before there is a task or a response for it.

A query is known by the bytes that it came as; a short one that came by POST for the first time is read here. Its answer is the one that was
given before, or is made anew of what is remembered of the bots. Whatever must be waited for, such as a read of the store, and whatever is
out of the ordinary, such as a key that was not seen just now, another host, a document with a mistake or a rate that is used up, goes the
whole way, through `graph.doors.entrance` and `graph.doors.http`, which say so. What is sent, counted and logged is the same on both ways.
"""

import asyncio
import secrets
from asyncio import TimerHandle
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import structlog

from graph.admission import Admission
from graph.doors.accepts import JSON, media_type
from graph.doors.entrance import host_of
from graph.doors.http import VARY, Found, RefusedRequestError, asked_of, found_again, remember, wants_anew
from graph.execution import Prepared, Request
from graph.guard.authentication import Gate
from graph.guard.rate import Allowance
from graph.kept import Kept
from graph.observability.metrics import Metrics
from resolvers.counters import Counters
from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller

NAME = "shortcut"
"""Where the state of the application has it."""
_JSON_TYPE = JSON.encode()
_LINES_SECONDS = 0.1
"""How long a line may wait for others, to be written with them."""
_MOST_LINES = 500
LONGEST_READ = 2_048
"""Bytes of a body that is read here when it comes for the first time: one with a mistake is read once more on the whole way."""
_IDS = 2**32


@dataclass(slots=True, kw_only=True)
class Lines:
    """Lines of the log, written some at a time: to write each alone takes longer than to answer."""

    _waiting: list[str] = field(default_factory=list)
    _timer: TimerHandle | None = None

    def add(self, line: str) -> None:
        """Have a line of JSON written soon."""
        self._waiting.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LINES_SECONDS, self.write)
        elif len(self._waiting) >= _MOST_LINES:
            self.write()

    def write(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            text, self._waiting = "\n".join(self._waiting), []
            structlog.get_config()["logger_factory"]("graph.requests").info(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the head of a request says that may be answered at once. Clients send the same again and again, so a connection remembers it."""

    method: str
    """GET or POST."""
    token: str | None
    """The key that it names."""
    is_anew: bool
    """Whether no answer is wanted that was given before."""
    kind: str
    """The media type to answer in."""
    held: str
    """Tags of the answers that the client has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """Answers at once, or not at all."""

    admission: Admission
    gate: Gate
    known: Kept[bytes, Prepared]
    """Queries by the bytes that they came as."""
    hosts: frozenset[str]
    """Names under which this server lets itself be called; `*` for any."""
    counters: Counters
    metrics: Metrics
    clock: Clock
    lines: Lines = field(default_factory=Lines)
    _ids: Iterator[int] = field(default_factory=count)
    _id_begins: str = field(default_factory=lambda: secrets.token_hex(4))

    def head(self, method: str, headers: list[tuple[bytes, bytes]]) -> Head | None:
        """What the headers say; null where the whole way must be taken."""
        given = dict(reversed(headers))  # of two of one name, the first counts, as it does on the whole way
        if not self._is_plain(method, given):
            return None
        return Head(
            method=method,
            token=_token(given),
            is_anew=wants_anew(given.get(b"cache-control", b"").decode("latin-1")),
            kind=media_type(given.get(b"accept", b"").decode("latin-1")),
            held=given.get(b"if-none-match", b"").decode("latin-1"),
        )

    def answer(self, head: Head | None, asked: bytes) -> bytes | None:
        """The whole response to a request for `/graphql`, as it goes over the wire; null where the whole way must be taken."""
        started = self.clock.monotonic()
        caller = None if head is None else self.gate.recall(head.token)
        if head is None or caller is None:
            return None
        prepared = self.known.get(asked) or self._read(head.method, asked, caller)
        told = None if prepared is None else self.admission.at_once(prepared, caller, is_anew=head.is_anew)
        if prepared is None or told is None:
            return None
        found = found_again(head.method, head.held, head.kind, told[0])
        request_id = f"{self._id_begins}{next(self._ids) % _IDS:08x}"
        self._note(head.method, found.status, prepared.kind.value, request_id, started)
        return _response(found, head.kind, told[1], request_id)

    def _read(self, method: str, asked: bytes, caller: Caller) -> Prepared | None:
        """A query that comes for the first time; null for what must be read on the whole way."""
        if method == "GET" or len(asked) > LONGEST_READ:
            return None
        try:
            request = asked_of(asked)
        except RefusedRequestError:
            return None
        prepared = self.admission.read(request, caller) if isinstance(request, Request) else None
        if prepared is not None:
            remember(self.known, asked, prepared)
        return prepared

    def _is_plain(self, method: str, given: dict[bytes, bytes]) -> bool:
        if "*" not in self.hosts and host_of(given.get(b"host", b"")) not in self.hosts:
            return False
        if b"x-request-id" in given:  # a name that someone chose must first be looked at
            return False
        return method == "GET" or given.get(b"content-type") == _JSON_TYPE

    def _note(self, method: str, status: int, operation: str, request_id: str, started: float) -> None:
        ms = round((self.clock.monotonic() - started) * 1000, 3)
        self.counters.answered(ms)
        self.metrics.request(method, status, ms / 1000)
        moment = self.clock.now().isoformat().replace("+00:00", "Z")
        self.lines.add(
            f'{{"request_id": "{request_id}", "method": "{method}", "path": "/graphql", "status": {status}, "ms": {ms}, '
            f'"operation": "{operation}", "event": "request", "level": "info", "logger": "graph.requests", "timestamp": "{moment}"}}'
        )


def _token(given: dict[bytes, bytes]) -> str | None:
    """The key that a request names, as `graph.guard.authentication.token_of` reads it; null for another way to name one."""
    named = given.get(b"x-api-key")
    if named is not None:
        return named.decode("latin-1").strip()
    scheme, _, token = given.get(b"authorization", b"").partition(b" ")
    return token.decode("latin-1").strip() if scheme.lower() == b"bearer" else None


def _response(found: Found, kind: str, allowance: Allowance, request_id: str) -> bytes:
    is_whole = found.status == 200  # noqa: PLR2004 - the words say it
    given = allowance.headers
    shown = "".join([f"{name.lower()}: {value}\r\n" for name, value in given.items()]) if given else ""
    kept = "".join([f"{name}: {value}\r\n" for name, value in found.headers])
    body = f"content-type: {kind}; charset=utf-8\r\ncontent-length: {len(found.body)}\r\n" if is_whole else ""
    line = "HTTP/1.1 200 OK" if is_whole else "HTTP/1.1 304 Not Modified"
    head = f"{line}\r\n{shown}vary: {VARY}\r\n{kept}{body}x-request-id: {request_id}\r\n\r\n"
    return head.encode("latin-1") + found.body
