import sqlite3
import stat
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.domain.samples import sample_account
from tests.fakes.set_clock import SetClock
from trading_bot.domain.events import EventKind
from trading_bot.errors.fault import Fault
from trading_bot.store import accounts, engine
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "botgraph.db"


@pytest.fixture
def kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store on SQLite that gives up quickly."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    store = Store(open_engine(f"sqlite:///{file}"), SetClock())
    bring_up_to_date(store.engine)
    yield store
    store.close()


def write(store: Store) -> None:
    with store.writing("main") as w:
        w.changed(EventKind.HEALTH, "main", "Written.", {"x": "x" * 2000})


def refusal_of_write(store: Store) -> Fault:
    with pytest.raises(Fault) as refusal:
        write(store)
    return refusal.value


def test_a_new_file_and_its_folder_are_for_the_owner_only(kept: Store, file: Path) -> None:
    write(kept)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (file.parent, *file.parent.iterdir())}
    assert modes == {"home": 0o700, "botgraph.db": 0o600, "botgraph.db-wal": 0o600, "botgraph.db-shm": 0o600}


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("journal_size_limit", 16 * 1024 * 1024),
        ("busy_timeout", 50),
    ],
)
def test_every_connection_is_set_up_to_lose_nothing(kept: Store, pragma: str, value: object) -> None:
    with kept.engine.connect() as first, kept.engine.connect() as second:
        found = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for connection in (first, second)]

    assert found == [value, value]


def test_a_store_locked_by_another_program_is_a_fault_and_then_usable_again(kept: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    fault = refusal_of_write(kept)
    with kept.reading("main") as r:
        assert r.seq() == 0
    other.execute("ROLLBACK")
    other.close()

    assert (fault.code, fault.cause) == ("SYS_002", "The database is locked by another program.")
    write(kept)


def test_a_table_locked_on_the_server_is_a_fault(postgres_url: str) -> None:
    store = Store(open_engine(postgres_url), SetClock())
    bring_up_to_date(store.engine)
    other = sa.create_engine(postgres_url)
    with other.connect() as holder:
        holder.execute(sa.text("LOCK TABLE counters IN ACCESS EXCLUSIVE MODE"))
        with store.engine.connect() as connection, pytest.raises(Fault) as refusal:
            connection.exec_driver_sql("SET lock_timeout = '20ms'; UPDATE counters SET seq = 0")
    assert (refusal.value.code, refusal.value.cause) == ("SYS_002", "The database is locked by another program.")
    write(store)
    store.close()
    other.dispose()


def test_a_full_disk_is_a_fault_and_loses_nothing_that_was_committed(kept: Store) -> None:
    write(kept)
    with kept.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    sa.event.listen(kept.engine, "begin", lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))

    written = 1
    with suppress(Fault):
        while written < 20:
            write(kept)
            written += 1

    fault = refusal_of_write(kept)
    assert (fault.code, fault.cause) == ("SYS_002", "The disk is full.")
    with kept.reading("main") as r:
        assert (r.seq(), r.version()) == (written, written)


def test_a_file_that_is_no_database_is_a_fault(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"not a database, but long enough to look at " * 20)
    store = Store(open_engine(f"sqlite:///{file}"), SetClock())

    with pytest.raises(Fault) as refusal, store.reading("main"):
        pass
    assert (refusal.value.code, refusal.value.cause) == ("SYS_002", "The file is not a database.")
    store.close()


def test_a_folder_that_can_not_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(Fault) as refusal:
        open_engine(f"sqlite:///{tmp_path / 'taken' / 'botgraph.db'}")
    assert (refusal.value.code, refusal.value.context) == ("SYS_002", {"file": "botgraph.db"})


def test_a_server_that_is_not_there_is_a_fault_without_the_password(tmp_path: Path) -> None:
    store = Store(
        open_engine(f"postgresql+psycopg://me:s3cret-word@/bots?host={tmp_path}&password=s3cret-word"), SetClock()
    )

    with pytest.raises(Fault) as refusal, store.reading("main"):
        pass

    assert (refusal.value.code, refusal.value.cause) == (
        "SYS_002",
        "The database server can't be reached or refuses to work.",
    )
    assert "s3cret-word" not in "".join(traceback.format_exception(refusal.value)) + str(refusal.value.context)
    store.close()


def test_a_server_that_was_restarted_is_used_again(postgres_url: str) -> None:
    store = Store(open_engine(postgres_url), SetClock())
    bring_up_to_date(store.engine)
    write(store)
    other = sa.create_engine(postgres_url)
    with other.connect() as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'botgraph'")
        )

    write(store)

    with store.reading("main") as r:
        assert r.seq() == 2
    store.close()
    other.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no address",
        "mysql://me:s3cret-word@host/bots",
        "postgresql+asyncpg://me:s3cret-word@host/bots",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_an_address_that_is_none_of_ours_names_its_setting_and_no_secret(url: str) -> None:
    with pytest.raises(Fault) as refusal:
        open_engine(url)

    assert (refusal.value.code, refusal.value.context) == ("CFG_003", {"setting": "BOTGRAPH_STORE_URL"})
    assert "s3cret-word" not in refusal.value.cause


def test_a_plain_postgresql_address_takes_our_driver(postgres_url: str) -> None:
    opened = open_engine(postgres_url.replace("postgresql+psycopg:", "postgresql:"))

    assert opened.driver == "psycopg"
    opened.dispose()


def test_a_commit_of_somebody_else_changes_the_data_version(store: Store, tables_url: str) -> None:
    other = Store(open_engine(tables_url), SetClock())
    before = store.data_version()
    assert store.data_version() == before

    write(other)
    after = store.data_version()

    assert after != before
    assert store.data_version() == after
    other.close()


def test_the_size_grows_with_what_is_kept(store: Store) -> None:
    before = store.size_bytes()
    for _ in range(40):
        write(store)

    assert store.size_bytes() > before > 0


def test_a_reading_can_not_write(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        return  # SQLite has no such guard per transaction; the types (Reading, Writing) are what keeps it
    with store.reading("main") as r, pytest.raises(Fault) as refusal:
        r.connection.execute(sa.text("DELETE FROM counters"))
    assert refusal.value.code == "SYS_002"


def test_the_store_can_be_closed_twice(store: Store) -> None:
    store.data_version()
    store.close()
    store.close()
    with store.writing("main") as w:
        accounts.save_account(w, sample_account())
