"""How long six recorded sessions take through the whole bot, beside as many bare durable commits."""

import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.table import Table
from tests.fakes.playing import play, replay_settings

CANDLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "candles" / "us-equities-1m-2013-10-04_11.csv.gz"
LIMIT_SECONDS = 60.0
SYMBOL_BARS = 13_429
"""Rows of the file: bars of one symbol each."""


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Wall and CPU seconds of a replay at full speed, store and log written and fsynced."""
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        begun, cpu = time.monotonic(), time.process_time()
        bars = play(replay_settings(home, CANDLES, f"sqlite:///{home / 'botgraph.db'}"))
        wall, used = time.monotonic() - begun, time.process_time() - cpu
        bare = _bare_commits(Path(folder) / "bare.db", 2 * bars)
    return Table(
        title="Six sessions replayed at full speed",
        columns=("minutes", "seconds", "seconds / limit", "CPU ms / bar and symbol", "seconds / bare commits"),
        rows=(
            (
                str(bars),
                f"{wall:.1f}",
                f"{wall / LIMIT_SECONDS:.2f}",
                f"{used / SYMBOL_BARS * 1000:.2f}",
                f"{wall / bare:.1f}",
            ),
        ),
        note=(
            "SPY, IBM, BAC and AIG, six sessions of October 2013, on SQLite; the limits are 60 s and 3 ms. Beside it: as many bare durable "
            "SQLite commits of one row as the bot and the exchange make at least (two a bar)."
        ),
    )


def _bare_commits(path: Path, count: int) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (n INTEGER)")
    begun = time.monotonic()
    for number in range(count):
        connection.execute("INSERT INTO rows VALUES (?)", (number,))
    return time.monotonic() - begun
