import shutil
import socket
from pathlib import Path

import pytest

from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date


@pytest.fixture
def port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without rows: to make its tables takes a second, which most tests can do without."""
    file = tmp_path_factory.mktemp("store") / "botgraph.db"
    engine = open_engine(f"sqlite:///{file}")
    bring_up_to_date(engine)
    engine.dispose()
    return file


@pytest.fixture
def home(home: Path, empty_store: Path) -> Path:
    """A home whose store has its tables and nothing else."""
    shutil.copy(empty_store, home / "botgraph.db")
    return home
