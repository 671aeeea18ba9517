"""Clients of the API: HTTP by httpx, graphql-transport-ws by websockets; and the server that they speak to."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from graph.__main__ import UVICORN
from graph.server import build_app
from tests.fakes.standing_clock import StandingClock
from trading_bot.domain.errors import Scope
from trading_bot.services.keys import Keys
from trading_bot.settings import load_settings
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

PROTOCOL = "graphql-transport-ws"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What is spoken here is plain; httpx would read all authorities of the world for each client, which takes 25 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A server, seen from outside, and the store behind it."""

    port: int
    token: str
    """Of an admin key."""
    home: Path
    store: Store
    keys: Keys
    clock: StandingClock

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """Any request, without a key unless the headers have one."""
        with httpx.Client(base_url=self.url, timeout=30, verify=NO_TLS) as client:
            return client.request(method, path, **rest)

    def post(self, query: str, variables: dict[str, Any] | None = None, **rest: Any) -> httpx.Response:
        """A GraphQL request, with the admin key unless `token` says otherwise."""
        headers = {"X-API-Key": rest.pop("token", self.token), **rest.pop("headers", {})}
        body = {"query": query, "variables": variables, **rest}
        return self.call("POST", "/graphql", json=body, headers=headers)

    def data(self, query: str, variables: dict[str, Any] | None = None, **rest: Any) -> Any:
        """The data of a query that must not fail."""
        answer = self.post(query, variables, **rest).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def codes(self, query: str, variables: dict[str, Any] | None = None, **rest: Any) -> list[str]:
        """The error codes of a request that must fail."""
        answer = self.post(query, variables, **rest).json()
        return [error["extensions"]["errorCode"] for error in answer["errors"]]

    def key(self, scope: Scope) -> str:
        """The token of a new key."""
        return self.keys.create(scope.name.lower(), scope)[1]

    def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes until the server closes, or says nothing for ten seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    @contextmanager
    def socket(self, **rest: Any) -> Iterator["Socket"]:
        """A WebSocket, not initialised yet."""
        rest.setdefault("subprotocols", [PROTOCOL])
        # Else it stops reading with 16 messages unread, and then takes ten seconds to close.
        rest.setdefault("max_queue", None)
        with connect(f"ws://127.0.0.1:{self.port}/graphql", **rest) as connection:
            yield Socket(connection)

    @contextmanager
    def session(self, token: str | None = None) -> Iterator["Socket"]:
        """A WebSocket that was let in."""
        with self.socket() as socket:
            socket.send({"type": "connection_init", "payload": {"X-API-Key": token or self.token}})
            assert socket.receive() == {"type": "connection_ack"}
            yield socket


@dataclass(frozen=True, slots=True)
class Socket:
    """One WebSocket."""

    connection: ClientConnection

    def send(self, message: object) -> None:
        self.connection.send(json.dumps(message))

    def subscribe(self, id: str, query: str, variables: dict[str, Any] | None = None) -> None:
        self.send({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}})

    def receive(self, seconds: float = 10) -> Any:
        return json.loads(self.connection.recv(timeout=seconds))


def closed(socket: Socket) -> tuple[int, str]:
    """Code and reason with which the server closes, however much it sends before; 1006 where it just goes away."""
    try:
        while True:
            socket.connection.recv(timeout=10)
    except ConnectionClosed as ended:
        return (1006, "") if ended.rcvd is None else (ended.rcvd.code, ended.rcvd.reason)


class Serving:
    """A server that runs in a thread of the test's own process."""

    def __init__(self, home: Path, clock: StandingClock, **settings: Any) -> None:
        settings.setdefault("api_rate_per_minute", 0)  # tests that are not about the rate run without one
        store_url = settings.pop("store_url", f"sqlite:///{home / 'botgraph.db'}")
        engine = open_engine(store_url)
        keys = Keys(engine, clock)
        token = keys.create("admin", Scope.ADMIN, max_response_bytes=1_048_576)[1]
        app = build_app(load_settings(home=home, store_url=store_url, **settings), clock=clock)
        listening = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, **UVICORN))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._engine = engine
        self.api = Api(
            port=listening.getsockname()[1],
            token=token,
            home=home,
            store=Store(engine, clock),
            keys=keys,
            clock=clock,
        )
        self._thread.start()
        assert self.api.call("GET", "/livez", headers={"Host": "localhost"}).status_code == 200

    def stop(self) -> None:
        """End it, as SIGTERM would."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._engine.dispose()
