"""What fan-out is compared with: `PEER=raw|stock python -m benchmarks.fan_out_peers`, over the same home, with the same key check.

`raw` is a bare Starlette broadcast of the same bytes, `stock` is Strawberry's own server over the same schema, with the state in memory.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.config import StrawberryConfig

from graph.guard.json import as_json
from graph.scalars import SCALARS
from graph.schema import Query
from graph.types.state import BotState
from trading_bot.clock import SystemClock
from trading_bot.services.keys import Keys
from trading_bot.settings import load_settings
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

INTERVAL = float(os.environ.get("INTERVAL", "1"))


def main() -> None:
    """Serve the peer that the environment names."""
    settings = load_settings()
    clock = SystemClock()
    engine = open_engine(settings.store_url)
    keys = Keys(engine, clock)
    answer = _raw(keys) if os.environ["PEER"] == "raw" else _stock(keys, Store(engine, clock))
    routes = [Route("/livez", lambda request: PlainTextResponse("ok")), answer]
    uvicorn.run(
        Starlette(routes=routes),
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        backlog=2048,
    )


def _raw(keys: Keys) -> WebSocketRoute:
    """Everyone is sent the bytes of `MESSAGE`, with the time of the tick, one after the other."""
    before, _, after = os.environ["MESSAGE"].partition("TIME")
    clients: dict[WebSocket, None] = {}
    broadcasting: list[asyncio.Task[None]] = []

    def message() -> str:
        return f"{before}{datetime.now(UTC).isoformat()}{after}"

    async def broadcast() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += INTERVAL
            await asyncio.sleep(max(due - loop.time(), 0))
            text = message()
            for client in tuple(clients):
                await client.send_text(text)

    async def answer(websocket: WebSocket) -> None:
        await websocket.accept("graphql-transport-ws")
        init = await websocket.receive_json()
        if keys.verify(init["payload"]["X-API-Key"]) is None:
            await websocket.close(4403)
            return
        await websocket.send_text('{"type":"connection_ack"}')
        await websocket.receive_json()
        if not broadcasting:
            broadcasting.append(asyncio.create_task(broadcast()))
        await websocket.send_text(message())
        clients[websocket] = None
        try:
            while True:
                await websocket.receive_json()
        except WebSocketDisconnect:
            del clients[websocket]

    return WebSocketRoute("/graphql", answer)


def _stock(keys: Keys, store: Store) -> WebSocketRoute:
    """Strawberry's own handler: each subscriber has its own execution, over a state that is in memory already."""
    whole: list[Any] = []

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def bot_state(self, interval_seconds: int) -> AsyncGenerator[BotState, None]:
            loop = asyncio.get_running_loop()
            due = loop.time()
            while True:
                yield replace(whole[0], timestamp=datetime.now(UTC))
                due += interval_seconds
                await asyncio.sleep(max(due - loop.time(), 0))

    class View(GraphQL[Any, None]):
        async def on_ws_connect(self, context: Any) -> None:
            if not whole:
                whole.append(await _state(store))
            if keys.verify(context["connection_params"]["X-API-Key"]) is None:
                raise ConnectionRejectionError

        async def get_context(self, request: Any, response: Any) -> Any:
            return _Context()

        def encode_json(self, data: object) -> str:
            return as_json(data).decode()

    schema = strawberry.Schema(Query, None, Subscription, config=StrawberryConfig(scalar_map=SCALARS))
    view = View(schema)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await view(scope, receive, send)

    return WebSocketRoute("/graphql", _Asgi(answer))


class _Asgi:
    """An ASGI application as a route wants it: not a function, which would be taken for an endpoint."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send)


class _Context(dict[str, Any]):
    """What the schema's resolvers and Strawberry's handler need of a context."""

    def of_root(self, key: str) -> "_Context":
        """Root fields need nothing here."""
        return self


async def _state(store: Store) -> Any:
    """The state as our own API would answer it now."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - needed here only

    from resolvers.context import Operation  # noqa: PLC0415 - likewise
    from resolvers.state import find_bot_state  # noqa: PLC0415 - likewise
    from tests.fakes.parts import parts_over  # noqa: PLC0415 - likewise

    parts = parts_over(store, SystemClock(), ThreadPoolExecutor(1))
    operation = Operation(parts, None)  # type: ignore[arg-type]  # nobody asks
    try:
        return await find_bot_state(operation.of_root("botState"))
    finally:
        await operation.close()


if __name__ == "__main__":
    main()
