"""Snapshot: the store and the paper exchange's ledger as of one moment, copied while the bot trades on.

The bot's writes wait for the few milliseconds in which both are pinned: so nothing is half in it, and the exchange is never behind the
store. The copying, which takes long, is done from what is pinned and keeps nobody waiting.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from psycopg import sql

from trading_bot.errors.fault import Fault
from trading_bot.store import engine as engines
from trading_bot.store import outbox
from trading_bot.store.store import Store
from trading_bot.store.tables import metadata

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Both databases, pinned."""

    store: sqlite3.Connection | sa.Connection
    """The store, in a transaction that sees it as of then."""
    ledger: sqlite3.Connection | None
    """The exchange's ledger likewise; null where there is none."""
    outbox: int
    """The last number that the store had given to a record for the log."""
    at: datetime
    """Wall clock, UTC."""


@contextmanager
def pinned(store: Store, bot_id: str, ledger_file: Path) -> Iterator[Snapshot]:
    """The store and the ledger as they are now, for as long as the block lasts."""
    with ExitStack() as stack:
        with store.writing(bot_id) as w:
            number, at = outbox.last_number(w), w.now
            if store.engine.dialect.name == "sqlite":
                seen: sqlite3.Connection | sa.Connection = _pinned_file(stack, Path(str(store.engine.url.database)))
            else:
                seen = stack.enter_context(engines.reading(store.engine))
                seen.execute(sa.text("SELECT 1 FROM counters LIMIT 1"))
            ledger = _pinned_file(stack, ledger_file) if ledger_file.exists() else None
        yield Snapshot(store=seen, ledger=ledger, outbox=number, at=at)


def copy_store(snapshot: Snapshot, folder: Path, bot_id: str) -> None:
    """Copy the store into `folder`: `botgraph.db`, or one file for each table of PostgreSQL in `store/`."""
    if isinstance(snapshot.store, sqlite3.Connection):
        copy_file(snapshot.store, folder / "botgraph.db")
    else:
        _dump(snapshot.store, folder / "store", bot_id)


def copy_file(source: sqlite3.Connection, target: Path) -> None:
    """Copy a pinned SQLite database, and check the copy. BAK_001 for one that is damaged."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy)
        if copy.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise Fault("BAK_001", f"`{target.name}` is damaged: run SQLite's integrity check on it.")
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole in itself
    for leftover in ("-wal", "-shm"):
        target.with_name(target.name + leftover).unlink(missing_ok=True)


def load(connection: sa.Connection, folder: Path, bot_id: str) -> None:
    """Put what `copy_store` made of PostgreSQL into the tables, in the place of what they hold of the bot.

    Rows that the database numbers get new numbers, in their order: other bots may have theirs already.
    """
    cursor = connection.connection.cursor()
    for table in metadata.sorted_tables:
        numbered = "number" in table.c and table.c.number.primary_key
        own = [column.name for column in table.c if not (numbered and column.name == "number")]
        if "bot_id" in table.c:
            connection.execute(table.delete().where(table.c.bot_id == bot_id))
        name, columns = sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, own))
        cursor.execute(sql.SQL("CREATE TEMP TABLE _loaded (LIKE {}) ON COMMIT DROP").format(name))
        dumped = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.c)
        with (
            (folder / f"{table.name}.copy").open("rb") as file,
            cursor.copy(sql.SQL("COPY _loaded ({}) FROM STDIN").format(dumped)) as into,
        ):
            while block := file.read(_BLOCK):
                into.write(block)
        order = sql.SQL("ORDER BY number" if numbered else "")
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM _loaded {} ON CONFLICT DO NOTHING")
        cursor.execute(insert.format(name, columns, columns, order))
        cursor.execute("DROP TABLE _loaded")


def _pinned_file(stack: ExitStack, file: Path) -> sqlite3.Connection:
    connection = stack.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return connection


def _dump(connection: sa.Connection, folder: Path, bot_id: str) -> None:
    folder.mkdir(mode=0o700)
    cursor = connection.connection.cursor()
    for table in metadata.sorted_tables:
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.c)
        keys = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key)
        rows = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            columns,
            sql.Identifier(table.name),
            sql.SQL("bot_id = {}").format(sql.Literal(bot_id)) if "bot_id" in table.c else sql.SQL("true"),
            keys,
        )
        file = folder / f"{table.name}.copy"
        file.touch(mode=0o600)
        with file.open("wb") as out, cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(rows)) as copied:
            for block in copied:
                out.write(block)
