"""The store: everything that the bot keeps, reached by one reading or one writing at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from trading_bot.clock import Clock
from trading_bot.domain.state import Bot
from trading_bot.errors.fault import Fault
from trading_bot.store import bots, engine, transaction
from trading_bot.store.tables import counters
from trading_bot.store.transaction import Reading, Writing

__all__ = ["Reading", "Store", "Writing"]


class Store:
    """All bots of one database. Safe to share between threads; every Fault is SYS_002 or SYS_003 unless a method says otherwise."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self.engine = engine
        self._clock = clock
        self._watch: sa.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._watching = threading.Lock()

    @contextmanager
    def reading(self, bot_id: str) -> Iterator[Reading]:
        """One consistent snapshot. Keep it short: while it is open SQLite can't shrink its journal."""
        with engine.reading(self.engine) as connection:
            yield Reading(connection=connection, bot_id=bot_id, now=self._clock.now())

    @contextmanager
    def writing(self, bot_id: str, generation: int | None = None) -> Iterator[Writing]:
        """One write transaction, committed at the end and rolled back on any exception.

        With a `generation` it is a fence: BOT_002, and nothing is written, when the store's is another.
        """
        with (
            engine.writing(self.engine) as connection,
            transaction.opened(connection, bot_id, now=self._clock.now(), generation=generation) as w,
        ):
            yield w

    def list_bots(self, first: int) -> tuple[Bot, ...]:
        """Up to `first` bots, by id."""
        with engine.reading(self.engine) as connection:
            return bots.list_bots(connection, first)

    def bot_ids(self) -> tuple[str, ...]:
        """The ids of all bots, sorted."""
        with engine.reading(self.engine) as connection:
            return bots.list_ids(connection)

    def size_bytes(self) -> int:
        """How much the store takes, journal included."""
        if self.engine.dialect.name == "sqlite":
            path = Path(str(self.engine.url.database))
            journal = path.with_name(path.name + "-wal")
            return sum(file.stat().st_size for file in (path, journal) if file.exists())
        with engine.reading(self.engine) as connection:
            return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())

    def data_version(self) -> int:
        """A number that differs from the last one once somebody else has committed: a hint to look, no more.

        Costs microseconds on SQLite, one short query on PostgreSQL.
        """
        if self.engine.dialect.name != "sqlite":
            with engine.reading(self.engine) as connection:
                return int(connection.execute(sa.select(sa.func.sum(counters.c.version))).scalar() or 0)
        with self._watching:
            # SQLite counts the commits of others per connection, so this one is kept, and never writes.
            if self._watch is None:
                self._watch = self.engine.connect()
                # Past SQLAlchemy, which would begin a transaction and so look at an old snapshot for ever.
                self._cursor = cast("sqlite3.Connection", self._watch.connection.dbapi_connection).cursor()
            return self._look()

    def data_version_now(self) -> int | None:
        """The same without ever waiting; null where that can't be, as on PostgreSQL, and before the first `data_version`."""
        if not self._watching.acquire(blocking=False):
            return None
        try:
            return None if self._watch is None else self._look()
        finally:
            self._watching.release()

    def versions(self) -> tuple[tuple[str, int], ...]:
        """The state version of every bot, by id: which of its states a reading that begins now would show."""
        with engine.reading(self.engine) as connection:
            rows = connection.execute(sa.select(counters.c.bot_id, counters.c.version).order_by(counters.c.bot_id))
            return tuple((row.bot_id, row.version) for row in rows)

    def _look(self) -> int:
        assert self._cursor is not None, "there is a connection to look through"  # noqa: S101
        try:
            return int(self._cursor.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            cause = "The database file can't be looked at."
            raise Fault("SYS_002", cause, context={"driver": str(error)[:200]}) from None

    def close(self) -> None:
        """Let go of all connections."""
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = self._cursor = None
        self.engine.dispose()
