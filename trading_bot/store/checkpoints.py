"""Checkpoints: SQLite's journal goes back into the database beside the bot's loop, so that no commit has to carry it there.

Left to SQLite, the commit that finds a thousand pages in the journal copies them and waits for the disk twice more, which a bar then waits
for. A commit still does so where this falls behind: see `engine.JOURNAL_PAGES`.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import sqlalchemy as sa
import structlog

from trading_bot.errors.fault import Fault

EVERY_SECONDS = 5.0
_log = structlog.get_logger(__name__)


@contextmanager
def checkpointed(engine: sa.Engine, *, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Until the block ends, what was committed goes into the database file now and then. PostgreSQL does so by itself."""
    if engine.dialect.name != "sqlite":
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_go_on, args=(engine, ended, every_seconds), name="checkpoints", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _go_on(engine: sa.Engine, ended: threading.Event, every_seconds: float) -> None:
    failed = False
    while not ended.wait(every_seconds):
        try:
            _checkpoint(engine)
        except (Fault, sqlite3.Error, sa.exc.SQLAlchemyError) as error:
            if not failed:
                _log.warning("checkpoint_failed", error=str(error))
            failed = True
        else:
            failed = False


def _checkpoint(engine: sa.Engine) -> None:
    """As far as no reader still needs the older pages; it waits for nobody, and nobody waits for it."""
    with engine.connect() as connection:
        # Past SQLAlchemy, which would begin a transaction, and none may be open.
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
