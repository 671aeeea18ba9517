"""The real server on a loopback port over a seeded store, and clients that speak to it through real sockets."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from tests.api.client import Api, Serving
from tests.fakes.seeding import seed_bot
from tests.fakes.standing_clock import StandingClock
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _no_log_lines() -> Iterator[None]:
    """A server in a thread would print its log lines between the tests' dots."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def seeded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the demo bot, to copy."""
    path = tmp_path_factory.mktemp("seeded") / "botgraph.db"
    engine = open_engine(f"sqlite:///{path}")
    bring_up_to_date(engine)
    seed_bot(Store(engine, StandingClock(NOW)), NOW)
    engine.dispose()
    return path


@pytest.fixture
def start(tmp_path: Path, seeded_store: Path) -> Iterator[Callable[..., Api]]:
    """Starts a server of the test's own over a copy of the demo bot's store."""
    serving: list[Serving] = []

    def run(**settings: object) -> Api:
        home = tmp_path / f"home-{len(serving)}"
        home.mkdir()
        (home / "botgraph.db").write_bytes(seeded_store.read_bytes())
        serving.append(Serving(home, StandingClock(NOW), **settings))
        return serving[-1].api

    yield run
    for one in serving:
        one.stop()


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    """A server of the test's own."""
    return start()


@pytest.fixture(scope="session")
def shared_api(tmp_path_factory: pytest.TempPathFactory, seeded_store: Path) -> Iterator[Api]:
    """One server for all tests that only read."""
    home = tmp_path_factory.mktemp("shared")
    (home / "botgraph.db").write_bytes(seeded_store.read_bytes())
    serving = Serving(home, StandingClock(NOW))
    yield serving.api
    serving.stop()
