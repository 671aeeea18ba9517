"""How long an event takes from its commit to a subscriber, beside how long the WebSocket itself takes there and back."""

import json
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from benchmarks.homes import busy_home
from benchmarks.served import free_port, served
from benchmarks.table import Table
from trading_bot.clock import SystemClock
from trading_bot.domain.events import EventKind
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

LIMIT_SECONDS = 0.1
SUBSCRIBE = {"type": "subscribe", "id": "1", "payload": {"query": "subscription { events { seq } }"}}


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Latencies of events, one at a time and at random moments."""
    count = 50 if quick else 500
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        port = free_port()
        settings, token = busy_home(Path(folder) / "home", port=port)
        store = Store(open_engine(settings.store_url), SystemClock())
        with served("graph", settings.environment(), port=port) as api, _session(port, token) as socket:
            bare = [_ping(socket) for _ in range(count)]
            socket.send(json.dumps(SUBSCRIBE))
            _warm_up(store, socket)
            before = api.cpu_seconds()
            begun = time.monotonic()
            seen = _events(store, socket, count)
            share = (api.cpu_seconds() - before) / (time.monotonic() - begun)
        store.close()
    return Table(
        title="Events from commit to subscriber",
        columns=("p50 ms", "p95 ms", "p99 ms", "max ms", "max / limit", "ping p50 ms", "server CPU"),
        rows=(
            (
                *(f"{_quantile(seen, part) * 1000:.1f}" for part in (0.5, 0.95, 0.99, 1.0)),
                f"{max(seen) / LIMIT_SECONDS:.2f}",
                f"{statistics.median(bare) * 1000:.2f}",
                f"{share:.1%}",
            ),
        ),
        note=f"{count} commits of one event at random moments, about ten a second; the limit is 100 ms. Beside it: ping and pong.",
    )


def _session(port: int, token: str) -> ClientConnection:
    socket = connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]  # a str
    socket.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": token}}))
    socket.recv()
    return socket


def _ping(socket: ClientConnection) -> float:
    begun = time.perf_counter()
    socket.send('{"type": "ping"}')
    socket.recv()
    return time.perf_counter() - begun


def _warm_up(store: Store, socket: ClientConnection) -> None:
    """Commit until the first event comes: from then on the subscription stands."""
    while True:
        _commit(store)
        try:
            socket.recv(timeout=0.5)
        except TimeoutError:
            continue
        time.sleep(0.5)
        _drain(socket)
        return


def _drain(socket: ClientConnection) -> None:
    try:
        while True:
            socket.recv(timeout=0.2)
    except TimeoutError:
        pass


def _events(store: Store, socket: ClientConnection, count: int) -> list[float]:
    committed: dict[int, float] = {}
    chance = random.Random(7)

    def write() -> None:
        for _ in range(count):
            time.sleep(chance.uniform(0.0, 0.2))
            seq = _commit(store)
            committed[seq] = time.perf_counter()

    writer = threading.Thread(target=write)
    writer.start()
    arrived: dict[int, float] = {}
    while len(arrived) < count:
        seq = json.loads(socket.recv(timeout=10))["payload"]["data"]["events"]["seq"]
        arrived[seq] = time.perf_counter()
    writer.join()
    return [max(arrived[seq] - moment, 0.0) for seq, moment in committed.items()]


def _commit(store: Store) -> int:
    with store.writing("main") as w:
        return w.changed(EventKind.HEALTH, "main", "The bot is RUNNING.", {"status": "DONE"})


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
