"""What ten thousand subscribers to the full state cost that one process holds, and how fast it lets go of them."""

import os
import resource
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fan_out import QUERY
from benchmarks.homes import busy_home
from benchmarks.served import free_port, served
from benchmarks.subscribers import subscribed
from benchmarks.table import Table

INTERVAL = 5
CLIENTS = 2
"""Processes that subscribe."""
SPARE_FILES = 200
SHARE_LIMIT, KILOBYTES_LIMIT, STOP_LIMIT = 0.1, 50, 5


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Subscribe, watch some ticks, and end the server."""
    count, ticks = (1_000, 2) if quick else (10_000, 6)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(count, most - SPARE_FILES)
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder, ExitStack() as stack:
        port = free_port()
        settings, token = busy_home(Path(folder) / "home", port=port)
        environment = {**settings.environment(), "BOT_API_SOCKETS_PER_KEY": "0"}
        api = stack.enter_context(served("graph", environment, port=port))
        time.sleep(1)
        bare = api.resident_bytes()
        query = QUERY.replace("SECONDS", str(INTERVAL))
        begun, used = time.monotonic(), api.cpu_seconds()
        clients = [
            stack.enter_context(subscribed(port, [token], query, count=count // CLIENTS)) for _ in range(CLIENTS)
        ]
        connected = time.monotonic() - begun
        connecting = (api.cpu_seconds() - used) / count
        clients[0].measure(INTERVAL)
        for client in clients:
            client.begin(INTERVAL * ticks)
        before = api.cpu_seconds()
        seen = [client.seen() for client in clients]
        share = (api.cpu_seconds() - before) / (INTERVAL * ticks)
        held = api.resident_bytes() - bare
        begun = time.monotonic()
        os.kill(api.pid, 15)
        while Path(f"/proc/{api.pid}/fd").exists() and time.monotonic() - begun < 30:
            time.sleep(0.02)
            if _is_over(api.pid):
                break
        stopped = time.monotonic() - begun
    late = max(one.quantile(0.5) for one in seen)
    kilobytes = held / 1024 / count
    return Table(
        title="Ten thousand subscribers on one process",
        columns=(
            "subscribers",
            "messages",
            "share of a core",
            "/ limit",
            "KB a connection",
            "/ limit",
            "push p50 ms",
            "connected in s",
            "CPU ms / connection",
            "stop s",
            "/ limit",
        ),
        rows=(
            (
                f"{count:,}",
                f"{sum(one.messages for one in seen):,}",
                f"{share:.1%}",
                f"{share / SHARE_LIMIT:.2f}",
                f"{kilobytes:.1f}",
                f"{kilobytes / KILOBYTES_LIMIT:.2f}",
                f"{late * 1000:.0f}",
                f"{connected:.1f}",
                f"{connecting * 1000:.2f}",
                f"{stopped:.1f}",
                f"{stopped / STOP_LIMIT:.2f}",
            ),
        ),
        note=(
            f"The full state every {INTERVAL} s, {ticks} ticks; the server on one core, {CLIENTS} client processes on the other. Targets: "
            "under 10 % of a core, under 50 KB a connection; a stop ends all within 5 s."
        ),
    )


def _is_over(pid: int) -> bool:
    """Whether the process has ended, though nobody has asked for its exit code yet."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
