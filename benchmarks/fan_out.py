"""What a tick costs that many are subscribed to, beside a bare broadcast of the same bytes and beside stock Strawberry."""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from websockets.sync.client import connect

from benchmarks.answer_latency import STATE
from benchmarks.homes import busy_home
from benchmarks.served import Served, free_port, served
from benchmarks.subscribers import Subscribers, subscribed
from benchmarks.table import Table

INTERVAL = 1
IDLE_SECONDS = 2
STOCK_INTERVAL = 10
STOCK_MOST = 100
"""Stock Strawberry takes some seconds for one tick of a thousand, so it is measured with fewer, and reckoned by the message."""
QUERY = "subscription " + STATE.replace("{ botState {", "{ botState(intervalSeconds: SECONDS) { timestamp", 1).replace(
    "} timestamp dataAge", "} dataAge", 1
)
US, RAW, STOCK = "BotGraph", "raw Starlette broadcast", "stock Strawberry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one tick cost, over one measurement."""

    cpu: float
    """Seconds of the server's CPU, for all subscribers."""
    p50: float
    """Seconds until the median subscriber had it."""
    p99: float


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Interleaved rounds of each server, at 100 and at 1,000 subscribers."""
    rounds, ticks, counts = (1, 3, (100,)) if quick else (2, 5, (100, 1_000))
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        home = _Home(Path(folder) / "home")
        for count in counts:
            found: dict[str, list[Tick]] = {US: [], RAW: [], STOCK: []}
            for _ in range(rounds):
                found[US].append(home.measure(US, count, ticks))
                found[RAW].append(home.measure(RAW, count, ticks))
            found[STOCK].append(home.measure(STOCK, count, 1))
            rows += _rows(count, found)
    return Table(
        title="Fan-out of the full state",
        columns=("subscribers", "server", "CPU ms / tick", "our share", "push p50 ms", "push p99 ms"),
        rows=tuple(rows),
        note=(
            f"{home.size:,} bytes a message, a tick each second; medians of {rounds} interleaved rounds of {ticks} ticks, each server on "
            "one core with the same key check, the clients on the other, less what a server takes with nobody there. Stock Strawberry, "
            f"whose state is in memory, is measured with {STOCK_MOST} at ticks of {STOCK_INTERVAL} s and reckoned by the message. Push is "
            "from the time that the state bears to the message's last byte. Targets: at most 1.3 of the broadcast and 1/100 of stock at "
            "1,000; p50 under 40 ms at 1,000 and under 10 ms at 100."
        ),
    )


def _rows(count: int, found: dict[str, list[Tick]]) -> list[tuple[str, ...]]:
    ours = statistics.median(tick.cpu for tick in found[US])
    rows = []
    for server, seen in found.items():
        cpu = statistics.median(tick.cpu for tick in seen)
        p50, p99 = statistics.median(tick.p50 for tick in seen), statistics.median(tick.p99 for tick in seen)
        share = "" if server == US else f"{ours / cpu:.2f}" if ours / cpu > 0.1 else f"1/{cpu / ours:.0f}"
        rows.append((f"{count:,}", server, f"{cpu * 1000:.1f}", share, f"{p50 * 1000:.1f}", f"{p99 * 1000:.1f}"))
    return rows


class _Home:
    """A home that the servers take turns on."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._settings, self._token = busy_home(folder, port=self._port)
        self._environment = {**self._settings.environment(), "BOT_API_SOCKETS_PER_KEY": "0"}
        with served("graph", self._environment, port=self._port):
            self._message = _first_message(self._port, self._token)
        self.size = len(self._message.encode())

    def measure(self, server: str, count: int, ticks: int) -> Tick:
        """The mean of some ticks."""
        interval = STOCK_INTERVAL if server == STOCK else INTERVAL
        clients = min(count, STOCK_MOST) if server == STOCK else count
        with self._subscribed(server, clients, interval) as (api, subscribers, idle):
            subscribers.measure(interval)
            before = api.cpu_seconds()
            seen = subscribers.measure(ticks * interval)
            cpu = api.cpu_seconds() - before - idle * ticks * interval
        if not seen.messages:
            msg = f"{server} sent nothing to {clients} subscribers."
            raise RuntimeError(msg)
        return Tick(cpu=cpu / (seen.messages / count), p50=seen.quantile(0.5), p99=seen.quantile(0.99))

    @contextmanager
    def _subscribed(self, server: str, count: int, interval: int) -> Iterator[tuple[Served, Subscribers, float]]:
        query = QUERY.replace("SECONDS", str(interval))
        peer = {"PEER": "raw" if server == RAW else "stock", "MESSAGE": self._message, "INTERVAL": str(interval)}
        module = "graph" if server == US else "benchmarks.fan_out_peers"
        with ExitStack() as stack:
            api = stack.enter_context(served(module, {**self._environment, **peer}, port=self._port))
            idle = _idle(api)
            yield api, stack.enter_context(subscribed(self._port, [self._token], query, count=count)), idle


def _idle(api: Served) -> float:
    """The share of a core that the server takes with nobody there."""
    time.sleep(0.5)
    before = api.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    return (api.cpu_seconds() - before) / IDLE_SECONDS


def _first_message(port: int, token: str) -> str:
    """The first message of the subscription, with TIME where it bears the time."""
    with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]  # a str
        socket.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": token}}))
        socket.recv()
        name = "00000000-0000-0000-0000-000000000000"
        query = QUERY.replace("SECONDS", str(INTERVAL))
        socket.send(json.dumps({"type": "subscribe", "id": name, "payload": {"query": query}}))
        message = str(socket.recv())
    moment: str = json.loads(message)["payload"]["data"]["botState"]["timestamp"]
    return message.replace(moment, "TIME", 1)
