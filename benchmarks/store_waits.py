"""How long the bot waits for its store while the API is under full load, beside the same bot without any load."""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.served import ROOT, free_port, served
from benchmarks.store_load import CLIENTS, SUBSCRIBERS
from benchmarks.table import Table
from trading_bot.clock import SystemClock
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings, load_settings
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.supervisor import API_NICENESS

LIMIT = 1.1
BARS_A_SECOND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long the bot waited for its store, a commit on average."""

    milliseconds: float
    """For the lock and the commit."""
    locked: float
    """For the lock alone, in milliseconds."""


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Runs without load, under load, and beside a busy machine, each first in turn; the medians of their ratios."""
    rounds, seconds = (1, 5) if quick else (9, 12)
    calm: list[Waits] = []
    loaded: list[Waits] = []
    beside: list[Waits] = []
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        for number in range(rounds):
            settings, token = _home(Path(folder) / str(number))
            _waits(settings, 2)  # its first bars: history, and files that grow for the first time
            turns = (
                partial(_waits, settings),
                partial(_loaded_waits, settings, token),
                partial(_waits_beside, settings),
            )
            for turn in (*range(number % 3, 3), *range(number % 3)):
                (calm, loaded, beside)[turn].append(turns[turn](seconds))
    ratios = _ratios(loaded, calm)
    machine = statistics.median(_ratios(beside, calm))
    return Table(
        title="Waits of the bot for its store under load",
        columns=(
            "alone ms / commit",
            "under load",
            "beside a busy machine",
            "median ratio",
            "ratios",
            "ratio / limit",
            "machine's ratio",
        ),
        rows=(
            (
                _shown(calm),
                _shown(loaded),
                _shown(beside),
                f"{statistics.median(ratios):.2f}",
                ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios)),
                f"{statistics.median(ratios) / LIMIT:.2f}",
                f"{machine:.2f}",
            ),
        ),
        note=(
            f"{rounds} rounds of {seconds} s each; a simulated market at {BARS_A_SECOND} bars a second on SQLite; {CLIENTS} clients that "
            f"ask for the whole state without pause and {SUBSCRIBERS} subscribers to it each second; the API at nice {API_NICENESS}, on "
            "all cores. The clients stand for other machines: they get what time nobody else wants. Lock and commit are timed. The busy "
            "machine is the same bot without any API, beside processes that only count, one a core, at the idle priority: what the "
            "machine itself adds."
        ),
    )


def _loaded_waits(settings: Settings, token: str, seconds: float) -> Waits:
    """The same while the API serves clients and subscribers, which are a process of their own."""
    with served("benchmarks.nice_api", settings.environment(), port=settings.api_port) as api:
        for task in (os.getpid(), *(int(task.name) for task in Path(f"/proc/{api.pid}/task").iterdir())):
            os.sched_setaffinity(task, range(os.cpu_count() or 1))
        command = [sys.executable, "-m", "benchmarks.store_load", str(settings.api_port)]
        load = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TOKEN": token}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert load.stdin is not None
        assert load.stdout is not None
        try:
            load.stdout.readline()  # everybody is connected
            used = api.cpu_seconds()
            waits = _waits(settings, seconds)
            if api.cpu_seconds() - used < seconds / 4:
                msg = "The API had next to nothing to do: that was no load."
                raise RuntimeError(msg)
        finally:
            load.stdin.close()
            load.wait()
        return waits


def _waits_beside(settings: Settings, seconds: float) -> Waits:
    """The same without any API, beside processes that do nothing but keep every core awake."""
    counting = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
    counters = [subprocess.Popen([sys.executable, "-c", counting]) for _ in range(os.cpu_count() or 1)]
    try:
        return _waits(settings, seconds)
    finally:
        for counter in counters:
            counter.kill()
            counter.wait()


def _ratios(one: list[Waits], other: list[Waits]) -> list[float]:
    return [waits.milliseconds / base.milliseconds for waits, base in zip(one, other, strict=True)]


def _home(folder: Path) -> tuple[Settings, str]:
    settings = load_settings(home=folder, api_port=free_port(), api_rate_per_minute=0, speed=60.0 * BARS_A_SECOND)
    settings.make_folders()
    engine = open_engine(settings.store_url)
    bring_up_to_date(engine)
    token = Keys(engine, SystemClock()).ensure_first(settings.first_key_file)
    engine.dispose()
    return settings, token or ""


def _shown(waits: list[Waits]) -> str:
    whole = statistics.median(one.milliseconds for one in waits)
    return f"{whole:.3f} (lock {statistics.median(one.locked for one in waits):.3f})"


def _waits(settings: Settings, seconds: float) -> Waits:
    """What one commit of the bot waited."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.waiting_bot", str(seconds)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    milliseconds, locked = map(float, done.stdout.split()[-2:])
    return Waits(milliseconds=milliseconds, locked=locked)
