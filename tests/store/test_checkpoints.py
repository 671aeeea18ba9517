import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.fakes.set_clock import SetClock
from trading_bot.domain.events import EventKind
from trading_bot.store.checkpoints import checkpointed
from trading_bot.store.engine import JOURNAL_PAGES, open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store

PAGE_BYTES = 4096
LONG_AGO = 1_000  # pages: where SQLite by itself would have a commit do it
PATIENCE_SECONDS = 30.0


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Store]:
    store = Store(open_engine(f"sqlite:///{tmp_path / 'botgraph.db'}"), SetClock())
    bring_up_to_date(store.engine)
    with store.engine.connect() as connection:
        connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield store
    store.close()


def pages_written(store: Store, pages: int) -> None:
    with store.writing("main") as w:
        for _ in range(pages):
            w.changed(EventKind.HEALTH, "main", "Written.", {"x": "x" * PAGE_BYTES})


def database_bytes(store: Store) -> int:
    return Path(str(store.engine.url.database)).stat().st_size


def grows_beyond(store: Store, before: int) -> bool:
    """Whether the database file does, sooner or later."""
    waited = threading.Event()
    return any(database_bytes(store) > before or waited.wait(0.01) for _ in range(int(PATIENCE_SECONDS / 0.01)))


def test_a_commit_leaves_the_journal_as_it_is(kept: Store) -> None:
    before = database_bytes(kept)

    for _ in range(3):
        pages_written(kept, LONG_AGO // 2)

    assert database_bytes(kept) == before


def test_a_commit_brings_the_journal_in_where_nobody_else_did(kept: Store) -> None:
    before = database_bytes(kept)

    pages_written(kept, JOURNAL_PAGES + 1)

    assert database_bytes(kept) > before + JOURNAL_PAGES * PAGE_BYTES / 2


def test_what_was_committed_goes_into_the_database_beside_it(kept: Store) -> None:
    before = database_bytes(kept)

    with checkpointed(kept.engine, every_seconds=0.01):
        pages_written(kept, 100)
        assert grows_beyond(kept, before)


def test_a_checkpoint_that_fails_is_tried_again(kept: Store, caplog: pytest.LogCaptureFixture) -> None:
    refused = threading.Event()

    def refuse_once(*_: object) -> None:
        if not refused.is_set():
            refused.set()
            msg = "no more connections"
            raise sa.exc.TimeoutError(msg)

    sa.event.listen(kept.engine, "engine_connect", refuse_once)
    before = database_bytes(kept)

    with checkpointed(kept.engine, every_seconds=0.01):
        assert refused.wait(PATIENCE_SECONDS)
        pages_written(kept, 100)
        assert grows_beyond(kept, before)


def test_it_ends_with_its_block(kept: Store) -> None:
    with checkpointed(kept.engine):
        during = [thread.name for thread in threading.enumerate()]

    assert "checkpoints" in during
    assert "checkpoints" not in [thread.name for thread in threading.enumerate()]
