"""Guarded: a peer behind what stands before the API: Host check, request id, log line, figures, key and rate."""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.__main__ import UVICORN
from graph.doors.entrance import Entrance
from graph.guard.authentication import token_of
from graph.guard.errors import ErrorShape
from graph.guard.rate import Rates
from graph.observability.metrics import Metrics
from resolvers.counters import Counters
from trading_bot.clock import SystemClock
from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import secrets_of
from trading_bot.services.keys import Keys
from trading_bot.settings import load_settings
from trading_bot.store.engine import open_engine

ANSWERS = "BENCH_ANSWERS"
"""The variable that names the folder with what the API answered."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """Lets those with a key in, at their rate; `/livez` is open."""

    app: ASGIApp
    keys: Keys
    rates: Rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/livez":
            token = token_of(Headers(scope=scope)) or ""
            caller = self.keys.recall(token) or self.keys.verify(token)
            if caller is None or not self.rates.draw(caller).is_granted:
                await JSONResponse({}, 401 if caller is None else 429)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def answer(name: str) -> bytes:
    """What the API answered to the query of that name."""
    return (Path(os.environ[ANSWERS]) / f"{name}.json").read_bytes()


def serve(app: ASGIApp) -> None:
    """Serve `app` as the API is served, on the home and port of the environment."""
    settings = load_settings()
    clock = SystemClock()
    log_to(settings.logs_dir / f"peer-{settings.api_port}.log", secrets_of(settings))
    counters = Counters(started=clock.monotonic())
    entrance = Entrance(
        Keyed(
            app,
            Keys(open_engine(settings.store_url), clock),
            Rates(clock=clock, per_minute=settings.api_rate_per_minute),
        ),
        hosts=settings.api_allowed_hosts,
        shape=ErrorShape(now=clock.now, log=structlog.get_logger("graph")),
        counters=counters,
        metrics=Metrics(operations=(), counters=counters, clock=clock),
        clock=clock,
    )
    options = {**UVICORN, "ws": "none", "lifespan": "off"}
    uvicorn.run(entrance, host="127.0.0.1", port=settings.api_port, **options)
