"""The demo bot's store, and what resolvers are given."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resolvers.context import Context, Operation, Parts
from tests.fakes.parts import parts_over
from tests.fakes.seeding import seed_bot
from tests.fakes.set_clock import SetClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

CALLER = Caller(key_id="k", name="k", scope=Scope.ADMIN, max_response_bytes=10_240, rate_per_minute=None)


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the demo bot, to copy."""
    path = tmp_path_factory.mktemp("seeded") / "botgraph.db"
    engine = open_engine(f"sqlite:///{path}")
    bring_up_to_date(engine)
    clock = SetClock()
    seed_bot(Store(engine, clock), clock.now())
    engine.dispose()
    return path


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def parts(tmp_path: Path, seeded_file: Path, clock: SetClock) -> Iterator[Parts]:
    """Over a copy of the demo bot's store."""
    path = tmp_path / "botgraph.db"
    path.write_bytes(seeded_file.read_bytes())
    store = Store(open_engine(f"sqlite:///{path}"), clock)
    with ThreadPoolExecutor(2) as workers:
        yield parts_over(store, clock, workers)
    store.close()


@pytest.fixture
def context(parts: Parts) -> Context:
    """Of one root field."""
    return Operation(parts, CALLER).of_root("root")
