"""The API server: the second composition root. It alone chooses the parts of the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute

from graph.admission import Admission
from graph.composition import Core, build_core, open_store, working
from graph.doors import http, pages, probes, shortcut, websocket
from graph.doors.entrance import Entrance
from graph.doors.operations import FOLDER
from graph.doors.sockets import Sockets
from graph.guard.authentication import Gate
from graph.guard.errors import ErrorShape
from graph.guard.rate import Rates
from graph.guard.revocation import Revocations
from graph.live.hub import Live
from graph.observability.metrics import Metrics
from graph.observability.tracing import tracing_of_environment
from resolvers.context import Parts
from resolvers.counters import Counters
from trading_bot.clock import Clock, SystemClock
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings


def build_app(settings: Settings, *, clock: Clock | None = None) -> Starlette:
    """The API over the settings' store. Raises SYS_002 when it can't be used, SYS_003 when it is not of this release."""
    clock = clock or SystemClock()
    store = open_store(settings, clock)
    if settings.api_auth_token is not None:
        Keys(store.engine, clock).import_token(settings.api_auth_token.get_secret_value())
    counters = Counters(started=clock.monotonic())
    names = [path.stem for path in FOLDER.glob("*.graphql")]
    metrics = Metrics(operations=names, counters=counters, clock=clock)
    tracing = tracing_of_environment(version("botgraph"))
    shape = ErrorShape(now=clock.now, log=structlog.get_logger("graph"), count=metrics.error)
    core = build_core(settings, store, clock, counters=counters, shape=shape)
    gate = Gate(keys=core.keys, workers=core.threads)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with working(core.worker()) if settings.api_works else nullcontext():
            yield {} if short is None else {shortcut.NAME: short}
        if short is not None:
            short.lines.write()
        tracing.close()
        core.close()

    rates = Rates(clock=clock, per_minute=settings.api_rate_per_minute)
    admission = Admission(executor=core.executor, rates=rates, metrics=metrics, tracing=tracing, door="http")
    door = http.Door(admission=admission, gate=gate, operations=core.operations)
    short = None
    if not settings.api_cors_origins and not tracing.is_on:  # both have something to say to each request
        short = shortcut.Shortcut(
            admission=admission,
            gate=gate,
            known=door.known,
            hosts=frozenset(_names(settings)),
            counters=counters,
            metrics=metrics,
            clock=clock,
        )
    app = Starlette(
        routes=_routes(settings, core, gate, shape, metrics=metrics, door=door),
        middleware=_middleware(settings, core.parts, shape, metrics),
        exception_handlers={HTTPException: pages.Pages(parts=core.parts, gate=gate, shape=shape).refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # an address that is nearly right is none of ours
    return app


def _routes(
    settings: Settings, core: Core, gate: Gate, shape: ErrorShape, *, metrics: Metrics, door: http.Door
) -> list[BaseRoute]:
    parts, run = core.parts, core.executor
    sockets = websocket.Door(
        admission=replace(door.admission, door="websocket"),
        live=Live(executor=run),
        gate=gate,
        revocations=Revocations(gate=gate, clock=parts.clock),
        clock=parts.clock,
        origins=settings.api_cors_origins,
        sockets=Sockets(most=settings.api_sockets_per_key),
    )
    page = pages.Pages(parts=parts, gate=gate, shape=shape, sdl=core.schema.as_str)
    probe = probes.Probes(pages=page, metrics=metrics)
    return [
        Route(http.PATH, door),
        WebSocketRoute("/graphql", sockets.answer),
        Route("/livez", page.alive),
        Route("/api/v1/health/healthz", page.healthy),
        Route("/readyz", probe.ready),
        Route("/metrics", probe.figures),
        Route("/schema.graphql", page.schema),
        Route("/config.schema.json", page.config_schema),
    ]


def _middleware(settings: Settings, parts: Parts, shape: ErrorShape, metrics: Metrics) -> list[Middleware]:
    entrance = Middleware(
        Entrance,
        hosts=_names(settings),
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


def _names(settings: Settings) -> tuple[str, ...]:
    """The names under which this server lets itself be called."""
    return tuple(host.lower().strip("[]") for host in settings.api_allowed_hosts)
