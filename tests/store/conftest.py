"""An open store on either database, with its tables: copied from one that was brought up to date once, which takes a third of the time."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.fakes.set_clock import SetClock
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tables_url: str, clock: SetClock) -> Iterator[Store]:
    opened = Store(open_engine(tables_url), clock)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgres"])
def tables_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of `store`: a store of the test's own that has its tables and nothing in them."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_with_tables"), tmp_path / "botgraph.db")
        yield f"sqlite:///{tmp_path / 'botgraph.db'}"
        return
    server, name = request.getfixturevalue("postgres_with_tables"), f"test_{uuid4().hex}"
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={server}", autocommit=True) as admin:
        admin.execute(SQL("CREATE DATABASE {} TEMPLATE with_tables").format(Identifier(name)))
        yield f"postgresql+psycopg://postgres:@/{name}?host={server}"
        admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that was brought up to date; SQLite has put its journal into it at the last close."""
    path = tmp_path_factory.mktemp("template") / "botgraph.db"
    _bring_up_to_date(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_with_tables(postgres_server: str) -> str:
    """The server, with a database `with_tables` that was brought up to date and that nobody is connected to."""
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={postgres_server}", autocommit=True) as admin:
        admin.execute("CREATE DATABASE with_tables")
    _bring_up_to_date(f"postgresql+psycopg://postgres:@/with_tables?host={postgres_server}")
    return postgres_server


def _bring_up_to_date(url: str) -> None:
    engine = open_engine(url)
    bring_up_to_date(engine)
    engine.dispose()
