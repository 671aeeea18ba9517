"""How long the plan of a change takes for a configuration of 200 values, beside validating the same document alone, and over HTTP."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

from benchmarks.homes import busy_home
from benchmarks.load import request
from benchmarks.load import run as load
from benchmarks.served import free_port, served
from benchmarks.table import Table
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig, BullFlag, VwapPullback
from trading_bot.domain.config_changes import ConfigView
from trading_bot.domain.decider import Decider
from trading_bot.services.config_plans import plan_change
from trading_bot.services.config_validator import mistakes
from trading_bot.services.configuration import config_hash, config_values
from trading_bot.store import configs
from trading_bot.store.configs import StoredConfig
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

LIMIT = 0.020
QUERY = "query($patch: JSON!) { configPlan(input: { patch: $patch }) { valid risk riskReasons effects planToken errors { errorCode cause context } diff { path before after description } } }"  # noqa: E501
CHANGES: dict[str, dict[str, Any]] = {
    "one limit": {"risk": {"max_open_positions": 12}},
    "every part": {
        "name": "Other",
        "symbols": [],
        "strategies": [{"kind": "vwap-pullback", "stop_pct": "0.5"}],
        "risk": {"max_exposure_pct": 40, "daily_loss_limit": "-1500", "max_rejections": 5},
        "alerts": {"min_win_rate": None},
        "retention": {"hot_days": 30},
    },
    "ten mistakes": {
        "mode": "live",
        "symbols": ["AAPL", "aapl"],
        "risk": {"max_position_size_pct": 25, "daily_loss_limit": -1500, "max_opn_positions": 3},
        "alerts": 7,
        "venue": {"feed": "replay"},
        "decider": {"kind": "language-model", "key": "x"},
        "backup": {"daily_at": "25:00"},
    },
}


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Milliseconds of three changes: judged in this process, and asked for over HTTP."""
    runs = 30 if quick else 500
    config = large()
    values = config_values(config)
    base = stored(values)
    view = ConfigView(now=datetime.now(UTC))
    wall, peer = p95(lambda: list(mistakes(values)), runs)
    rows = [row("validating alone (peer)", wall, peer, peer)]
    for name, patch in CHANGES.items():
        rows.append(row(f"plan: {name}", *p95(partial(plan_change, base, patch, view), runs), peer))
    rows += [row(f"over HTTP: {name}", seen) for name, seen in over_http(config, 50 if quick else 400).items()]
    return Table(
        title="Plan of a configuration change",
        columns=("what", "p95 ms", "p95 / limit", "CPU p95 ms", "CPU, times the peer"),
        rows=tuple(rows),
        note=f"A configuration of {count(values)} keys; the limit is 20 ms at p95, one at a time. The peer is the same JSON Schema over "
        "the whole document, without diff, rules, risk or effects; a plan judges what differs from the version in force. Over HTTP "
        "the store is read and the token sealed as well. The machine ran "
        f"{os.getloadavg()[0]:.0f} other processes on {os.cpu_count()} cores meanwhile: CPU time is what compares.",
    )


def large() -> BotConfig:
    """A configuration of some 200 values: ten strategies and fifty symbols."""
    return replace(
        BotConfig(),
        strategies=(BullFlag(), VwapPullback()) * 5,
        symbols=tuple(f"S{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(50)),
        decider=Decider(symbols=("SAA", "SAB", "SAC", "SAD", "SAE", "SAF", "SAG", "SAH", "SAI", "SAJ")),
    )


def stored(values: dict[str, Any]) -> StoredConfig:
    """It as version 1."""
    now = datetime.now(UTC)
    return StoredConfig(
        version=1, values=values, config_hash=config_hash(values), user="bench", reason="Measured.", updated_at=now
    )


def over_http(config: BotConfig, total: int) -> dict[str, float]:
    """Seconds at p95 by change, asked of a server of its own, one request at a time."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        port = free_port()
        settings, token = busy_home(Path(folder) / "home", port=port)
        values = config_values(config)
        engine = open_engine(settings.store_url)
        with Store(engine, SystemClock()).writing("main") as w:
            configs.save_config(
                w, version=2, values=values, config_hash=config_hash(values), user="bench", reason="Measured."
            )
        engine.dispose()
        with served("graph", settings.environment(), port=port):
            for name, patch in CHANGES.items():
                body = json.dumps({"query": QUERY, "variables": {"patch": patch}}).encode()
                ask = request("/graphql", body=body, headers={"X-API-Key": token, "Content-Type": "application/json"})
                asyncio.run(load(port, [ask], connections=1, total=20))
                seen = asyncio.run(load(port, [ask], connections=1, total=total))
                if seen.statuses != {200}:
                    raise RuntimeError(f"{name} was answered with {sorted(seen.statuses)}.")
                found[name] = seen.quantile(0.95)
    return found


def p95(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Seconds that 95 of 100 runs don't exceed: by the wall clock, and of CPU."""
    walls, processor = [], []
    for _ in range(runs):
        started, began = perf_counter(), thread_time()
        work()
        walls.append(perf_counter() - started)
        processor.append(thread_time() - began)
    return sorted(walls)[int(runs * 0.95)], sorted(processor)[int(runs * 0.95)]


def row(name: str, seconds: float, processor: float | None = None, peer: float | None = None) -> tuple[str, ...]:
    """One line."""
    used = "" if processor is None else f"{processor * 1000:.2f}"
    compared = "" if processor is None or peer is None else f"{processor / peer:.1f}"
    return name, f"{seconds * 1000:.2f}", f"{seconds / LIMIT:.2f}", used, compared


def count(values: Any) -> int:
    """Keys in a document, each with its value, and items of lists."""
    if not isinstance(values, dict | list):
        return 0
    inner = list(values.values()) if isinstance(values, dict) else values
    return len(inner) + sum(count(one) for one in inner)
