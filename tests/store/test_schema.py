import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.fakes.set_clock import SetClock
from trading_bot.errors.fault import Fault
from trading_bot.store import schema
from trading_bot.store.engine import open_engine, writing
from trading_bot.store.store import Store
from trading_bot.store.tables import metadata
from trading_bot.store.versions import HEAD, VERSIONS


def refused(engine: sa.Engine) -> Fault:
    with pytest.raises(Fault) as refusal:
        schema.require_current(engine)
    return refusal.value


def test_the_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_give_sqlite_its_own_options_which_alembic_does_not_compare(tmp_path: Path) -> None:
    migrated = open_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    schema.bring_up_to_date(migrated)
    made_at_once = open_engine(f"sqlite:///{tmp_path / 'metadata.db'}")
    metadata.create_all(made_at_once)

    def tables(engine: sa.Engine) -> dict[str, str]:
        query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'alembic%'")
        with engine.connect() as connection:
            return {name: " ".join(sql.split()) for name, sql in connection.execute(query)}

    assert tables(migrated) == tables(made_at_once)
    assert "AUTOINCREMENT" in tables(migrated)["outbox"]
    assert "WITHOUT ROWID" in tables(migrated)["candles"]
    migrated.dispose()
    made_at_once.dispose()


def test_every_version_has_its_module_and_the_last_is_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)

    assert scripts.get_heads() == [HEAD]
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == VERSIONS


def test_an_empty_store_is_refused_until_it_is_brought_up_to_date(store_url: str) -> None:
    engine = open_engine(store_url)
    assert (refused(engine).code, refused(engine).cause) == ("SYS_003", "The store has no tables yet.")

    schema.bring_up_to_date(engine)
    schema.require_current(engine)
    schema.bring_up_to_date(engine)
    schema.require_current(engine)
    engine.dispose()


def test_a_newer_store_is_refused_and_left_alone(store: Store) -> None:
    with writing(store.engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    assert refused(store.engine).cause == "The store has version 9999, which is newer than this release's 0001."
    with pytest.raises(Fault) as refusal:
        schema.bring_up_to_date(store.engine)
    assert refusal.value.code == "SYS_003"
    with store.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_an_older_store_is_refused_by_those_who_may_not_change_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "VERSIONS", ("0001", "0002"))
    monkeypatch.setattr(schema, "HEAD", "0002")

    assert refused(store.engine).cause == "The store has version 0001, needed is 0002."


def test_a_store_without_our_tables_is_no_bare_traceback(store_url: str) -> None:
    engine = open_engine(store_url)
    bare = Store(engine, SetClock())
    with pytest.raises(Fault) as refusal, bare.reading("main") as r:
        r.seq()
    assert refusal.value.code == "SYS_003"
    with pytest.raises(Fault) as refusal, bare.writing("main"):
        pass
    assert refusal.value.code == "SYS_003"
    bare.close()


def test_processes_that_start_together_make_the_tables_once(store_url: str) -> None:
    engines = [open_engine(store_url) for _ in range(3)]
    at_once = threading.Barrier(len(engines))

    def start(engine: sa.Engine) -> None:
        at_once.wait(5)
        schema.bring_up_to_date(engine)

    with ThreadPoolExecutor(len(engines)) as pool:
        assert list(pool.map(start, engines)) == [None] * len(engines)
    schema.require_current(engines[0])
    for engine in engines:
        engine.dispose()
