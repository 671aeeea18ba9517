"""How long the bot waits for its store while the API is under full load, beside the same bot without any load."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from benchmarks.answer_latency import STATE
from benchmarks.load import request
from benchmarks.load import run as load
from benchmarks.served import ROOT, free_port, served
from benchmarks.table import Table
from trading_bot.clock import SystemClock
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings, load_settings
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date

LIMIT = 1.1
CLIENTS = 10
SUBSCRIBERS = 100
BARS_A_SECOND = 10
_EACH_SECOND = STATE.replace("botState", "botState(intervalSeconds: 1)", 1)
_SUBSCRIBE = {"type": "subscribe", "id": "1", "payload": {"query": f"subscription {_EACH_SECOND}"}}


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Pairs of runs with and without load; the median of their ratios."""
    pairs, seconds = (1, 5) if quick else (5, 15)
    measured: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        for number in range(pairs):
            settings, token = _home(Path(folder) / str(number))
            calm = _waits(settings, seconds)
            with (
                served("benchmarks.nice_api", settings.environment(), port=settings.api_port),
                _loaded(settings.api_port, token),
            ):
                measured.append((calm, _waits(settings, seconds)))
    ratios = [loaded / calm for calm, loaded in measured]
    return Table(
        title="Waits of the bot for its store under load",
        columns=("alone ms / commit", "under load ms / commit", "median ratio", "ratio / limit"),
        rows=(
            (
                f"{statistics.median(calm for calm, _ in measured):.3f}",
                f"{statistics.median(loaded for _, loaded in measured):.3f}",
                f"{statistics.median(ratios):.2f}",
                f"{statistics.median(ratios) / LIMIT:.2f}",
            ),
        ),
        note=(
            f"{pairs} pairs of {seconds} s; a simulated market at {BARS_A_SECOND} bars a second on SQLite; {CLIENTS} clients that ask for "
            f"the whole state without pause and {SUBSCRIBERS} subscribers to it each second; the API at nice 5. Lock and commit are timed."
        ),
    )


def _home(folder: Path) -> tuple[Settings, str]:
    settings = load_settings(home=folder, api_port=free_port(), api_rate_per_minute=0, speed=60.0 * BARS_A_SECOND)
    settings.make_folders()
    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    token = Keys(engine, SystemClock()).ensure_first(settings.first_key_file)
    engine.dispose()
    return settings, token or ""


def _waits(settings: Settings, seconds: float) -> float:
    """Mean milliseconds that one commit of the bot waited."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.waiting_bot", str(seconds)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-2])


class _loaded:  # noqa: N801 - reads as a statement
    """Clients and subscribers at work until the block ends."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self._ending = threading.Event()
        self._sockets: list[ClientConnection] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> None:
        self._threads = [threading.Thread(target=self._ask, daemon=True)]
        for _ in range(SUBSCRIBERS):
            socket = connect(
                f"ws://127.0.0.1:{self._port}/graphql", subprotocols=["graphql-transport-ws"], max_queue=None
            )  # type: ignore[list-item]  # a str
            socket.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": self._token}}))
            socket.send(json.dumps(_SUBSCRIBE))
            self._sockets.append(socket)
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        for socket in self._sockets:
            socket.close()

    def _ask(self) -> None:
        import asyncio  # noqa: PLC0415 - this thread's own loop

        headers = {"X-API-Key": self._token, "Content-Type": "application/json"}
        ask = request("/graphql", body=json.dumps({"query": STATE}).encode(), headers=headers)
        while not self._ending.is_set():
            asyncio.run(load(self._port, [ask], connections=CLIENTS, total=100))
