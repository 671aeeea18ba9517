"""WebSocket: operations over the sub-protocol graphql-transport-ws, one socket for many of them.

A bad message closes the socket with the protocol's code, never abnormally; a bad operation ends itself only. The key comes with
connection_init and is looked at again with every operation, and four times a second, so that a revoked key sees nothing more and its
sockets close. Who opens too many sockets, or keeps one open for nothing, loses it; what becomes of clients that stop reading is decided in
`wire`. Subscriptions take no task each: `live` sends them what it makes once for all who have the same open.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from graph.admission import Admission
from graph.doors import messages
from graph.doors.messages import ClosedError, MalformedMessageError
from graph.doors.sockets import Sockets
from graph.doors.wire import EXTENSION
from graph.execution import Answer, Executor, Prepared, Request
from graph.guard.authentication import Gate
from graph.guard.json import as_json
from graph.guard.revocation import Revocations
from graph.live.hub import Live, Subscription
from graph.live.member import Errors, Wire, codes_of
from graph.live.sources import CanNotBeginError
from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault

INIT_SECONDS = 5.0
IDLE_SECONDS = 300.0
"""For how long a socket may have no operation open and say nothing."""
MOST_OPERATIONS = 50
"""Operations that one socket may have open at the same time."""
NO_KEY = "Forbidden: AUTH_001, no valid API key in connection_init's payload"
KEY_REVOKED = "Forbidden: AUTH_001, the API key was revoked"

log = structlog.get_logger("graph.sockets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Answers GraphQL over WebSocket."""

    admission: Admission
    live: Live
    gate: Gate
    revocations: Revocations
    clock: Clock
    origins: tuple[str, ...]
    """Origins besides the server's own whose pages may connect."""
    sockets: Sockets

    async def answer(self, websocket: WebSocket) -> None:
        """Serve one socket until it closes."""
        if not _is_allowed(websocket, self.origins):
            await websocket.close(1008)  # before it is accepted: the handshake is answered with 403
            return
        if messages.PROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(messages.BAD_PROTOCOL, f"The sub-protocol must be {messages.PROTOCOL}")
            return
        await websocket.accept(messages.PROTOCOL)
        started = self.clock.monotonic()
        session = Session(
            admission=self.admission,
            live=self.live,
            gate=self.gate,
            revocations=self.revocations,
            sockets=self.sockets,
            websocket=websocket,
            wire=websocket.scope["extensions"][EXTENSION],
        )
        self.admission.metrics.sockets.inc()
        try:
            await session.serve()
        finally:
            self.admission.metrics.sockets.dec()
            seconds = round(self.clock.monotonic() - started, 3)
            log.info("socket", seconds=seconds, operations=session.carried_out, close_code=session.close_code)


@dataclass(slots=True, kw_only=True)
class Session:
    """One socket: its caller, and what it has open."""

    admission: Admission
    live: Live
    gate: Gate
    revocations: Revocations
    sockets: Sockets
    websocket: WebSocket
    wire: Wire
    """The way out of what subscriptions send."""
    carried_out: int = 0
    """Operations so far."""
    close_code: int | None = None
    """Why it ended."""
    _token: str | None = None
    _caller: Caller | None = None
    _open: dict[str, asyncio.Task[None] | Subscription] = field(default_factory=dict)
    _endings: list[Callable[[], None]] = field(default_factory=list)
    """What is to be called when it is over."""

    @property
    def executor(self) -> Executor:
        """What carries operations out."""
        return self.admission.executor

    async def serve(self) -> None:
        """Take messages until either side closes."""
        ending = asyncio.get_running_loop().create_future()
        receiver = asyncio.create_task(self._receive_all(ending))
        ended: list[asyncio.Task[None]] = []
        try:
            await ending
        except ClosedError as closed:
            # First: to tell a client that is stuck may take long, and it is to be shown nothing more.
            ended = self._let_go(receiver)
            await self._close(closed)
        except WebSocketDisconnect as gone:
            self.close_code = gone.code
        finally:
            await asyncio.gather(*ended, *self._let_go(receiver), return_exceptions=True)

    def _let_go(self, receiver: asyncio.Task[None]) -> list[asyncio.Task[None]]:
        """End all that is open, and give back the tasks that have yet to notice."""
        while self._endings:
            self._endings.pop()()
        opened, self._open = (receiver, *self._open.values()), {}
        for each in opened:
            each.cancel()
        return [each for each in opened if isinstance(each, asyncio.Task)]

    async def _receive_all(self, ending: asyncio.Future[None]) -> None:
        """Handle messages one by one; what ends the socket is set on `ending`, by the tasks of operations too."""
        try:
            token, caller = await self._initialise()
            self._endings.append(self.sockets.add(caller.key_id))
            revoked = ClosedError(messages.FORBIDDEN, KEY_REVOKED)
            self._endings.append(self.revocations.watch(token, lambda: _end(ending, revoked)))
            await self._send({"type": "connection_ack"})
            while True:
                await self._handle(messages.read(await self._receive_in_time()), ending)
        except MalformedMessageError as malformed:
            _end(ending, ClosedError(messages.INVALID_MESSAGE, str(malformed)))
        except (ClosedError, WebSocketDisconnect) as reason:
            _end(ending, reason)
        except Exception as error:  # noqa: BLE001 (masked for the client, whole in the log)
            self.executor.shape.of_unexpected(error)
            _end(ending, ClosedError(1011, "SYS_001, an unexpected fault of the API"))

    async def _initialise(self) -> tuple[str, Caller]:
        """Wait for connection_init, and give back its key and its caller, who may come in."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while True:
                    message = messages.read(await self._receive())
                    match message["type"]:
                        case "connection_init":
                            break
                        case "ping":
                            await self._pong(message)
                        case "subscribe":
                            raise ClosedError(messages.UNAUTHORIZED, "Unauthorized")
                        case _:
                            pass
        except TimeoutError:
            raise ClosedError(messages.INIT_TIMEOUT, "Connection initialisation timeout") from None
        self._token = _token_of(message.get("payload") or {})
        caller = await self._current_caller() if self._token is not None else None
        if self._token is None or caller is None:
            raise ClosedError(messages.FORBIDDEN, NO_KEY)
        return self._token, caller

    async def _handle(self, message: dict[str, Any], ending: asyncio.Future[None]) -> None:
        match message["type"]:
            case "connection_init":
                raise ClosedError(messages.TOO_MANY_INITS, "Too many initialisation requests")
            case "ping":
                await self._pong(message)
            case "subscribe":
                await self._begin(message["id"], message["payload"], ending)
            case "complete":
                opened = self._open.pop(message["id"], None)
                if opened is not None:
                    opened.cancel()
            case _:
                pass

    async def _begin(self, id: str, payload: dict[str, Any], ending: asyncio.Future[None]) -> None:
        if id in self._open:
            raise ClosedError(messages.ID_IN_USE, f"Subscriber for {id} already exists")
        if len(self._open) >= MOST_OPERATIONS:
            cause = f"A socket may have {MOST_OPERATIONS} operations open; complete one first."
            await self._error(id, [self.executor.shape.of_fault(Fault("API_429", cause))])
            return
        self._open[id] = asyncio.create_task(self._operate(id, payload, ending))

    async def _operate(self, id: str, payload: dict[str, Any], ending: asyncio.Future[None]) -> None:
        """Carry one operation out; only what concerns the whole socket goes beyond it."""
        try:
            await self._carry_out(id, payload)
        except (ClosedError, WebSocketDisconnect) as reason:
            _end(ending, reason)
        except Exception as error:  # noqa: BLE001 (masked for the client, whole in the log)
            entry = self.executor.shape.of_unexpected(error)
            with contextlib.suppress(Exception):  # the socket may be gone
                await self._send({"type": "error", "id": id, "payload": [entry]})
        finally:
            if self._open.get(id) is asyncio.current_task():
                del self._open[id]

    async def _carry_out(self, id: str, payload: dict[str, Any]) -> None:
        self.carried_out += 1
        request = Request(
            query=payload["query"],
            operation_name=payload.get("operationName") or None,
            variables=payload.get("variables"),
            wants_budget=(payload.get("extensions") or {}).get("budget") is True,
        )
        admitted = self.admission.admit(request, await self._required_caller())
        prepared = admitted.outcome
        parts = self.executor.parts
        if isinstance(prepared, Answer):
            await self._error(id, prepared.body["errors"])
        elif prepared.kind is OperationType.SUBSCRIPTION:
            await self._subscribe(id, prepared, admitted.caller)
        else:
            started = parts.clock.monotonic()
            answer = await self.admission.carry_out(prepared, admitted.caller, self.websocket.headers)
            parts.counters.answered((parts.clock.monotonic() - started) * 1000)
            if answer.began:
                await self._next(id, answer)
                await self._complete(id)
            else:
                await self._error(id, answer.body["errors"])

    async def _subscribe(self, id: str, prepared: Prepared, caller: Caller) -> None:
        def began(codes: tuple[str, ...]) -> None:
            self.admission.began(prepared, self.websocket.headers, codes)

        def ended(errors: Errors | None) -> None:
            self._open.pop(id, None)
            last = {"type": "complete", "id": id} if errors is None else {"type": "error", "id": id, "payload": errors}
            self.wire.tell(as_json(last))

        try:
            self._open[id] = await self.live.subscribe(
                prepared, caller, id=id, wire=self.wire, began=began, ended=ended
            )
        except CanNotBeginError as refused:
            began(codes_of(refused.errors))
            await self._error(id, refused.errors)

    async def _required_caller(self) -> Caller:
        """Whose socket this is; closes it when the key is not good any more."""
        caller = await self._current_caller()
        if caller is None:
            raise ClosedError(messages.FORBIDDEN, KEY_REVOKED)
        return caller

    async def _current_caller(self) -> Caller | None:
        try:
            self._caller = await self.gate.caller(self._token)
        except Fault:  # nobody can tell now; a socket that was let in stays in
            if self._caller is None:
                raise ClosedError(messages.TRY_LATER, "SYS_002, the store can't be used; try again later") from None
        return self._caller

    async def _next(self, id: str, answer: Answer) -> None:
        await self._send_text(f'{{"type":"next","id":{as_json(id).decode()},"payload":{answer.raw.decode()}}}')

    async def _error(self, id: str, errors: list[dict[str, Any]]) -> None:
        self._open.pop(id, None)
        await self._send({"type": "error", "id": id, "payload": errors})

    async def _complete(self, id: str) -> None:
        self._open.pop(id, None)  # first: the client may use the id again as soon as it reads this
        await self._send({"type": "complete", "id": id})

    async def _pong(self, ping: dict[str, Any]) -> None:
        payload = {"payload": ping["payload"]} if ping.get("payload") is not None else {}
        try:
            answer = as_json({"type": "pong", **payload})
        except TypeError:  # JSON is read to any depth, and written to 254 levels
            raise MalformedMessageError("The payload of ping is nested too deeply") from None
        await self._send_text(answer.decode())

    async def _receive_in_time(self) -> str | None:
        """The next message; ClosedError where none comes on a socket that has nothing open."""
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    return await self._receive()
            except TimeoutError:
                if not self._open:
                    raise ClosedError(messages.NOTHING_MORE, f"Nothing was open for {IDLE_SECONDS:.0f} s") from None

    async def _receive(self) -> str | None:
        message = await self.websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        text: str | None = message.get("text")
        return text

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(as_json(message).decode())

    async def _send_text(self, text: str) -> None:
        if self.websocket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect(1006)
        await self.websocket.send_text(text)

    async def _close(self, closed: ClosedError) -> None:
        self.close_code = closed.code
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):  # the client may have gone first
            await self.websocket.close(closed.code, messages.close_reason(closed.reason))


def _end(ending: asyncio.Future[None], reason: Exception) -> None:
    if not ending.done():
        ending.set_exception(reason)


def _token_of(payload: dict[str, Any]) -> str | None:
    """The key in connection_init's payload, whatever the capitals of its name."""
    named = {str(name).lower(): value for name, value in payload.items()}
    token = named.get("x-api-key")
    if token is None and str(named.get("authorization", "")).lower().startswith("bearer "):
        token = str(named["authorization"])[7:]
    return token.strip() if isinstance(token, str) else None


def _is_allowed(websocket: WebSocket, origins: tuple[str, ...]) -> bool:
    """Whether the page that opens the socket may: our own, a listed one, or no page at all."""
    origin = websocket.headers.get("origin")
    if origin is None or origin in origins:
        return True
    return origin.partition("://")[2] == websocket.headers.get("host")
