import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.supervision.glance import is_current


def with_version(path: Path, *versions: str) -> str:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.executemany("INSERT INTO alembic_version VALUES (?)", [(version,) for version in versions])
    return f"sqlite:///{path}"


def test_a_store_that_was_brought_up_to_date_is_current(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a store with a 100 % odd name.db"
    engine = open_engine(url)
    bring_up_to_date(engine)
    engine.dispose()

    assert is_current(url)


@pytest.mark.parametrize("versions", [(), ("0000",), ("9999",), ("0001", "0002")])
def test_a_store_of_another_version_is_not(versions: tuple[str, ...], tmp_path: Path) -> None:
    assert not is_current(with_version(tmp_path / "store.db", *versions))


def test_no_store_is_none_and_a_glance_makes_none(tmp_path: Path) -> None:
    assert not is_current(f"sqlite:///{tmp_path}/store.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_none(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database at all" * 100)

    assert not is_current(f"sqlite:///{tmp_path}/store.db")


def test_of_a_server_a_glance_tells_nothing() -> None:
    assert not is_current("postgresql+psycopg://nobody@127.0.0.1:1/none")
