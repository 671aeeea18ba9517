"""The API server: the second composition root. It alone chooses the parts of the API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from graph.admission import Admission
from graph.doors import http, pages, probes, websocket
from graph.doors.entrance import Entrance
from graph.doors.operations import FOLDER, Operations, load_operations
from graph.doors.sockets import Sockets
from graph.execution import executor
from graph.guard.authentication import Gate
from graph.guard.errors import ErrorShape
from graph.guard.rate import Rates
from graph.guard.revocation import Revocations
from graph.live.hub import Live
from graph.observability.metrics import Metrics
from graph.observability.tracing import Tracing, tracing_of_environment
from graph.schema import build_schema
from resolvers.context import Parts
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Views
from resolvers.stream import Stream
from trading_bot.clock import Clock, SystemClock
from trading_bot.services.acknowledgements import Acknowledgements
from trading_bot.services.commands import Commands
from trading_bot.services.keys import Keys
from trading_bot.services.tokens import Tokens, load_secret
from trading_bot.settings import Settings
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import require_current
from trading_bot.store.store import Store

WORKERS = 4
"""Threads that read and write the store; more would wait for each other."""


def build_app(settings: Settings, *, clock: Clock | None = None) -> Starlette:
    """The API over the settings' store. Raises SYS_002 when it can't be used, SYS_003 when it is not of this release."""
    clock = clock or SystemClock()
    engine = open_engine(settings.store_url)
    require_current(engine)
    store = Store(engine, clock)
    keys = Keys(engine, clock)
    if settings.api_auth_token is not None:
        keys.import_token(settings.api_auth_token.get_secret_value())
    workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="store")
    parts = Parts(
        store=store,
        clock=clock,
        commands=Commands(store=store, clock=clock),
        acknowledgements=Acknowledgements(store=store),
        tokens=Tokens(load_secret(settings.confirm_secret_file), clock),
        workers=workers,
        views=Views(store=store, workers=workers),
        stream=Stream(store=store, clock=clock),
        counters=Counters(started=clock.monotonic()),
        memory=Memory(store=store, clock=clock, workers=workers, ttl=settings.state_cache_ttl),
    )
    gate = Gate(keys=keys, workers=workers)
    names = [path.stem for path in FOLDER.glob("*.graphql")]
    metrics = Metrics(operations=names, counters=parts.counters, clock=clock)
    tracing = tracing_of_environment(version("botgraph"))
    shape = ErrorShape(now=clock.now, log=structlog.get_logger("graph"), count=metrics.error)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        tracing.close()
        parts.stream.close()
        workers.shutdown(wait=False, cancel_futures=True)
        store.close()

    app = Starlette(
        routes=_routes(settings, parts, gate, shape, metrics=metrics, tracing=tracing),
        middleware=_middleware(settings, parts, shape, metrics),
        exception_handlers={HTTPException: pages.Pages(parts=parts, gate=gate, shape=shape).refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # an address that is nearly right is none of ours
    return app


def _routes(
    settings: Settings, parts: Parts, gate: Gate, shape: ErrorShape, *, metrics: Metrics, tracing: Tracing
) -> list[BaseRoute]:
    schema = build_schema()
    run = executor(schema, parts, shape)
    operations = Operations(load_operations(run.documents), run)
    rates = Rates(clock=parts.clock, per_minute=settings.api_rate_per_minute)
    admission = Admission(executor=run, rates=rates, metrics=metrics, tracing=tracing, door="http")
    sockets = websocket.Door(
        admission=replace(admission, door="websocket"),
        live=Live(executor=run),
        gate=gate,
        revocations=Revocations(gate=gate, clock=parts.clock),
        clock=parts.clock,
        origins=settings.api_cors_origins,
        sockets=Sockets(most=settings.api_sockets_per_key),
    )
    page = pages.Pages(parts=parts, gate=gate, shape=shape, sdl=schema.as_str)
    probe = probes.Probes(pages=page, metrics=metrics)
    return [
        Route("/graphql", AnyMethod(answer=http.Door(admission=admission, gate=gate, operations=operations).answer)),
        WebSocketRoute("/graphql", sockets.answer),
        Route("/livez", page.alive),
        Route("/api/v1/health/healthz", page.healthy),
        Route("/readyz", probe.ready),
        Route("/metrics", probe.figures),
        Route("/schema.graphql", page.schema),
    ]


def _middleware(settings: Settings, parts: Parts, shape: ErrorShape, metrics: Metrics) -> list[Middleware]:
    entrance = Middleware(
        Entrance,
        hosts=tuple(host.lower().strip("[]") for host in settings.api_allowed_hosts),
        shape=shape,
        counters=parts.counters,
        metrics=metrics,
        clock=parts.clock,
    )
    if not settings.api_cors_origins:
        return [entrance]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.api_cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["X-API-Key", "Authorization", "Content-Type", "X-Request-Id", "If-None-Match"],
        expose_headers=[
            "ETag",
            "X-Request-Id",
            "Retry-After",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
        ],
    )
    return [entrance, cors]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyMethod:
    """An ASGI application that hands every method to `answer`, which itself refuses what it does not know."""

    answer: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)
