"""Engine: how a store is reached, and what its failures are called.

SQLite as shipped would tear reads (no transaction around SELECTs), lose committed data on power loss (synchronous=NORMAL) and grow its
journal without end; each connection is set up against that here. Every failure that an operator can resolve leaves as a Fault: SYS_002
for a store that can't be used now, SYS_003 for one without our tables. No message ever holds the address's password.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from trading_bot.errors.fault import Fault
from trading_bot.store.columns import exact_difference

BUSY_SECONDS = 5.0
"""How long a write waits for another program's write before it fails."""
_JOURNAL_BYTES = 16 * 1024 * 1024
JOURNAL_PAGES = _JOURNAL_BYTES // 4096
"""How long the journal grows before a commit itself has to bring it into the database: the bot does so beside its loop, long before."""
_CONNECTIONS = 8  # the API's bounded thread pool, and no more

# Result codes of SQLite (https://www.sqlite.org/rescode.html), without their extensions.
_SQLITE_CAUSES = {
    sqlite3.SQLITE_BUSY: "The database is locked by another program.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another connection.",
    sqlite3.SQLITE_PERM: "The database file may not be opened.",
    sqlite3.SQLITE_READONLY: "The database file may not be written.",
    sqlite3.SQLITE_IOERR: "The disk failed to read or write the database file.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_FULL: "The disk is full.",
    sqlite3.SQLITE_CANTOPEN: "The database file can't be opened.",
    sqlite3.SQLITE_PROTOCOL: "The database is locked by another program.",
    sqlite3.SQLITE_AUTH: "The database file may not be opened.",
    sqlite3.SQLITE_NOTADB: "The file is not a database.",
}


def open_engine(url: str) -> sa.Engine:
    """An engine for `url`: `sqlite:///<path>` or `postgresql+psycopg://…`. The file and its folder are made when missing.

    CFG_003 for another address; SYS_002 when the file can't be made. A server that can't be reached shows at the first use.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        _make_file(Path(str(address.database)))
        engine = sa.create_engine(
            address,
            connect_args={"timeout": BUSY_SECONDS},
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_timeout=BUSY_SECONDS,
            hide_parameters=True,
        )
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = sa.create_engine(
            address,
            connect_args={
                "application_name": "botgraph",
                "connect_timeout": int(BUSY_SECONDS),
                "options": f"-c timezone=UTC -c lock_timeout={int(BUSY_SECONDS * 1000)}",
            },
            json_serializer=_json,
            json_deserializer=orjson.loads,
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_timeout=BUSY_SECONDS,
            pool_pre_ping=True,  # a server that was restarted costs one look, not one failure for each connection
            hide_parameters=True,
        )
    sa.event.listen(engine, "handle_error", _as_fault)
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on which every SELECT sees the store as it was at the first, and nothing can be written."""
    with _connected(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.execution_options(reads=True)
        else:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in a write transaction: committed at the end, rolled back on any exception."""
    with _connected(engine) as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            yield connection


@contextmanager
def _connected(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        connection = engine.connect()
    except sa.exc.TimeoutError:
        raise Fault("SYS_002", f"All {2 * _CONNECTIONS} connections to the store are in use.") from None
    with connection:
        yield connection


def _address(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise _wrong_address("the address can't be read") from None
    if address.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"):
        raise _wrong_address(f"`{address.drivername[:40]}` is not known")
    if address.get_backend_name() == "sqlite" and (not address.database or address.database == ":memory:"):
        raise _wrong_address("a database in memory can't be shared by two processes")
    return address.set(drivername="postgresql+psycopg") if address.get_backend_name() == "postgresql" else address


def _wrong_address(reason: str) -> Fault:
    return Fault(
        "CFG_003",
        f"Expected sqlite:///<path> or postgresql+psycopg://<server>/<database>: {reason}.",
        context={"setting": "BOTGRAPH_STORE_URL"},
    )


def _make_file(path: Path) -> None:
    """The database file, readable by its owner only; SQLite gives its journal the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Fault(
            "SYS_002", f"The database file can't be made or opened: {error.strerror}.", context={"file": path.name}
        ) from None


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # we say BEGIN: the driver would leave SELECTs outside of any transaction
    connection.create_function("exact_difference", 2, exact_difference, deterministic=True)
    # The change to WAL fails at once when another connection is busy, so it is asked for only when it is missing.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {JOURNAL_PAGES}")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA query_only = {int(options.get('reads', False))}")
    # A write that began as a read fails at once when another write came between; one that begins as a write waits.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _as_fault(context: sa.engine.ExceptionContext) -> None:
    if context.is_pre_ping and context.is_disconnect:
        return  # the pool was only looking, and makes a new connection
    error = context.original_exception
    fault = _of_sqlite(error) if isinstance(error, sqlite3.Error) else _of_postgres(error)
    if fault is not None:
        raise fault from None


def _of_sqlite(error: sqlite3.Error) -> Fault | None:
    # The driver sets no code where it fails by itself, such as on a closed connection.
    cause = _SQLITE_CAUSES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if cause is not None:
        return Fault("SYS_002", cause, context={"driver": str(error)[:200]})
    if re.match(r"no such (table|column)|table \w+ has no column", str(error)):
        return Fault("SYS_003", f"The store is not as this release needs it: {str(error)[:80]}.")
    return None


def _of_postgres(error: BaseException) -> Fault | None:
    import psycopg  # noqa: PLC0415 - a tenth of a second at every start, which a store on SQLite need not pay
    from psycopg import errors as pg  # noqa: PLC0415 - likewise

    if isinstance(error, pg.UndefinedTable | pg.UndefinedColumn):
        return Fault("SYS_003", "The store is not as this release needs it: a table or column is missing.")
    if isinstance(error, pg.LockNotAvailable):
        return Fault("SYS_002", "The database is locked by another program.")
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return Fault("SYS_002", "The server takes no writes now.")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # The driver's text may name user and server, so only its class and code are kept.
        context = {"driver": type(error).__name__, "sqlstate": error.sqlstate}
        return Fault("SYS_002", "The database server can't be reached or refuses to work.", context=context)
    return None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
