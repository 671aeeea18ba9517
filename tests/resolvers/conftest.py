"""The demo bot's store, and what resolvers are given."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resolvers.context import Context, Operation, Parts
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Views
from resolvers.stream import Stream
from tests.fakes.no_workflows import no_workflows
from tests.fakes.seeding import seed_bot
from tests.fakes.set_clock import SetClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.services.acknowledgements import Acknowledgements
from trading_bot.services.commands import Commands
from trading_bot.services.config_apply import ConfigChanges
from trading_bot.services.config_tokens import PlanTokens
from trading_bot.services.tokens import Tokens
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store
from workflows.desk import Desk

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
        yield Parts(
            store=store,
            clock=clock,
            commands=Commands(store=store, clock=clock),
            acknowledgements=Acknowledgements(store=store),
            tokens=Tokens(bytes(32), clock),
            workers=workers,
            views=Views(store=store, workers=workers),
            stream=Stream(store=store, clock=clock),
            counters=Counters(started=clock.monotonic()),
            memory=Memory(store=store, clock=clock, workers=workers, ttl=60.0),
            workflows=Desk(no_workflows),
            plan_tokens=PlanTokens(bytes(32), clock),
            config_changes=ConfigChanges(store=store, clock=clock, tokens=PlanTokens(bytes(32), clock)),
        )
    store.close()


@pytest.fixture
def context(parts: Parts) -> Context:
    """Of one root field."""
    return Operation(parts, CALLER).of_root("root")
