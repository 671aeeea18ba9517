"""The real server and the hub by itself, both over a copy of the demo bot's store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from graph.execution import Executor, executor
from graph.guard.errors import ErrorShape
from graph.schema import build_schema
from tests.api.conftest import NOW, _no_log_lines, api, seeded_store, shared_api, start
from tests.fakes.parts import parts_over
from tests.fakes.standing_clock import StandingClock
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

__all__ = ["_no_log_lines", "api", "seeded_store", "shared_api", "start"]


@pytest.fixture
def run(tmp_path: Path, seeded_store: Path) -> Iterator[Executor]:
    """An executor over the demo bot."""
    path = tmp_path / "botgraph.db"
    path.write_bytes(seeded_store.read_bytes())
    clock = StandingClock(NOW)
    store = Store(open_engine(f"sqlite:///{path}"), clock)
    with ThreadPoolExecutor(2) as workers:
        made = parts_over(store, clock, workers)
        yield executor(build_schema(), made, ErrorShape(now=clock.now, log=structlog.get_logger("graph")))
        made.stream.close()
    store.close()
