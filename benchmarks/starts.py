"""How long a second start takes until both answer, how long the workflow `restart-bot` does, and what each process takes for it."""

import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.replay_time import CANDLES
from benchmarks.table import Table
from tests.workflows.house import RESTING, House, housed, played

START_LIMIT_SECONDS = 2.0
RESTART_LIMIT_SECONDS = 3.0


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Medians over some starts, and over as many restarts of a bot that holds positions and has an order resting."""
    rounds = 2 if quick else 7
    starts, restarts, drains = [], [], []
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        home = Path(folder) / "home"
        day = played(home, CANDLES, RESTING)
        for _ in range(rounds):
            with housed(home, day, speed="0.05") as house:
                starts.append(_ready_seconds(house))
                run = house.run("restart-bot")
                drains.append(run["outputs"]["restart"]["outcome"]["drainedSeconds"])
                restarts.append(_seconds(run) - drains[-1])
    return Table(
        title="Second start, and restart-bot",
        columns=("what", "median s", "slowest s", "limit s"),
        rows=(
            _row("`botgraph up` until both answer", starts, START_LIMIT_SECONDS),
            _row("`restart-bot`, from its start to its end, without the drain", restarts, RESTART_LIMIT_SECONDS),
            _row("the drain", drains, None),
        ),
        note=f"{rounds} rounds on one home: two positions and a resting order, a market that stands almost still.",
    )


def _row(what: str, seconds: list[float], limit: float | None) -> tuple[str, ...]:
    return what, f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}", f"{limit:g}" if limit else ""


def _ready_seconds(house: House) -> float:
    (line,) = (line for line in house.up.said().splitlines() if line.startswith("Ready in "))
    return float(line.split()[2])


def _seconds(run: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(run[name]) for name in ("startedAt", "finishedAt"))
    return (ended - begun).total_seconds()
