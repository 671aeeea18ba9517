"""The real server and the hub by itself, both over a copy of the demo bot's store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from graph.execution import Executor, executor
from graph.guard.errors import ErrorShape
from graph.schema import build_schema
from resolvers.context import Parts
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Views
from resolvers.stream import Stream
from tests.api.conftest import NOW, _no_log_lines, api, seeded_store, shared_api, start
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
        parts: dict[str, object] = dict.fromkeys(Parts.__dataclass_fields__)  # writes need the rest
        parts |= {
            "store": store,
            "clock": clock,
            "workers": workers,
            "views": Views(store=store, workers=workers),
            "stream": Stream(store=store, clock=clock),
            "counters": Counters(started=clock.monotonic()),
            "memory": Memory(store=store, clock=clock, workers=workers, ttl=60.0),
        }
        made = Parts(**parts)  # type: ignore[arg-type]  # see above
        yield executor(build_schema(), made, ErrorShape(now=clock.now, log=structlog.get_logger("graph")))
        made.stream.close()
    store.close()
