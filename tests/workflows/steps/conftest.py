"""An installation over the demo bot's store, with and without a graph that answers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.doors.operations import Operations
from graph.schema import build_schema
from tests.api import test_operations_port
from tests.api.conftest import NOW, seeded_store  # noqa: F401 - the fixture
from tests.api.test_operations_port import operations  # noqa: F401 - the fixture
from tests.workflows.definitions import installed
from tests.workflows.steps.stepping import Moving
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store
from workflows.installation import Installation

SCHEMA = cache(build_schema)


@pytest.fixture(scope="module", autouse=True)
def _one_schema() -> Iterator[None]:
    """Built once: it is the same for all tests here, and takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_operations_port, "build_schema", SCHEMA)
        yield


@pytest.fixture
def clock() -> Moving:
    return Moving(NOW)


@pytest.fixture
def store(tmp_path: Path, seeded_store: Path, clock: Moving) -> Iterator[Store]:  # noqa: F811 - the fixture
    """The demo bot's store."""
    file = tmp_path / "botgraph.db"
    if not file.exists():  # the operations, where a test has them, answer from the same one
        file.write_bytes(seeded_store.read_bytes())
    engine = open_engine(f"sqlite:///{file}")
    yield Store(engine, clock)
    engine.dispose()


@pytest.fixture
def here(home: Path, store: Store, clock: Moving) -> Iterator[Installation]:
    """An installation whose operations can be looked up and not run."""
    with ThreadPoolExecutor(2) as workers:
        yield installed(home, clock=clock, workers=workers, store=store)


@pytest.fixture
def graph(home: Path, operations: Operations, store: Store, clock: Moving) -> Iterator[Installation]:  # noqa: F811 - the fixture
    """An installation whose operations answer from the demo bot's store."""
    with ThreadPoolExecutor(2) as workers:
        yield installed(home, clock=clock, workers=workers, store=store, operations=operations)


@pytest.fixture
def allow(home: Path) -> Callable[..., None]:
    """Writes the allow-list."""

    def write(**values: Any) -> None:
        folder = home / "config"
        folder.mkdir(exist_ok=True)
        (folder / "workflow_allow.yaml").write_text(yaml.safe_dump(values))

    return write
