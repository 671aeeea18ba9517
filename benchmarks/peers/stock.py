"""Stock: Strawberry as it comes, its caches of parsed and validated documents on, answering from objects in memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from benchmarks.peers.guarded import serve
from graph.scalars import SCALARS
from graph.types.state import BotState, BotSummary
from resolvers.context import Operation, Parts
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Views
from resolvers.state import find_bot_state, find_bot_summary
from trading_bot.clock import SystemClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.settings import load_settings
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


class WithContext(GraphQL[Any, Any]):
    """Gives the fields below the root what they take from the API's context."""

    operation: Operation

    async def get_context(self, request: Any, response: Any) -> Any:  # type: ignore[override]  # any context will do
        return self.operation


def main() -> None:
    """Serve until ended."""
    operation = _operation()
    state, summary = asyncio.run(_read(operation))

    @strawberry.type
    class Query:
        @strawberry.field
        async def bot_state(self) -> BotState:
            return state  # type: ignore[no-any-return]  # the domain's, which the type describes

        @strawberry.field
        async def bot_summary(self) -> BotSummary:
            return summary  # type: ignore[no-any-return]  # likewise

    parsed, validated = ParserCache(maxsize=128), ValidationCache(maxsize=128)
    caches: list[Any] = [lambda: parsed, lambda: validated]
    schema = strawberry.Schema(Query, extensions=caches, config=StrawberryConfig(scalar_map=SCALARS))
    app = WithContext(schema)
    app.operation = operation

    async def alive(request: Request) -> Response:
        return Response()

    serve(Starlette(routes=[Route("/livez", alive), Mount("/graphql", app)]))


def _operation() -> Operation:
    clock = SystemClock()
    store = Store(open_engine(load_settings().store_url), clock)
    workers = ThreadPoolExecutor(1)
    parts: Any = object.__new__(Parts)
    for name, value in {
        "store": store,
        "clock": clock,
        "workers": workers,
        "views": Views(store=store, workers=workers),
        "counters": Counters(started=clock.monotonic()),
        "memory": Memory(store=store, clock=clock, workers=workers, ttl=60.0),
    }.items():
        object.__setattr__(parts, name, value)
    caller = Caller(key_id="peer", name="peer", scope=Scope.READ, max_response_bytes=2**20, rate_per_minute=None)
    return Operation(parts, caller)


async def _read(operation: Operation) -> tuple[Any, Any]:
    context = operation.of_root("any")
    found = await find_bot_state(context), await find_bot_summary(context)
    await operation.close()
    return found


if __name__ == "__main__":
    main()
