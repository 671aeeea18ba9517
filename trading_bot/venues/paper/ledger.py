"""Ledger: the exchange's own file, which commits before the exchange replies and outlives the bot.

SQLite in WAL mode with synchronous=FULL: what was answered is on the disk. Decimals and times stand as text, as they are. One process
holds a ledger, by a lock on the file beside it; anyone may read it meanwhile with `read_ledger`.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from trading_bot.domain.money import plain
from trading_bot.domain.orders import LIVE
from trading_bot.errors.fault import Fault
from trading_bot.venues.paper.books import Books, Holding, counted_from
from trading_bot.venues.paper.rows import bar, bar_row, fill, fill_row, order_row, working_order
from trading_bot.venues.venue import VenueFill, VenueOrder, VenuePosition

_VERSION = 1
_BUSY_SECONDS = 2.0  # how long another program that writes to the file is waited for
_LIVE = ", ".join(f"'{status.value}'" for status in sorted(LIVE, key=lambda status: status.value))
_SCHEMA = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), clock TEXT NOT NULL, last_minute TEXT, cash TEXT NOT NULL,
  orders INTEGER NOT NULL, fills INTEGER NOT NULL) STRICT;
CREATE TABLE orders (number INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, client_order_id TEXT NOT NULL UNIQUE,
  symbol TEXT NOT NULL, side TEXT NOT NULL, order_type TEXT NOT NULL, quantity TEXT NOT NULL, filled TEXT NOT NULL,
  price TEXT, stop_price TEXT, status TEXT NOT NULL, reason TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  hold_price TEXT NOT NULL, expires_at TEXT, is_triggered INTEGER NOT NULL, paid TEXT NOT NULL) STRICT;
CREATE INDEX live_orders ON orders (number) WHERE status IN ({_LIVE});
CREATE TABLE fills (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, client_order_id TEXT NOT NULL,
  symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, fee TEXT NOT NULL, liquidity TEXT,
  timestamp TEXT NOT NULL) STRICT;
CREATE INDEX fills_by_time ON fills (timestamp);
CREATE TABLE holdings (symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL, opened_on TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE last_bars (symbol TEXT PRIMARY KEY, timestamp TEXT NOT NULL, open TEXT NOT NULL, high TEXT NOT NULL, low TEXT NOT NULL,
  close TEXT NOT NULL, volume TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE day_trades (number INTEGER PRIMARY KEY, day TEXT NOT NULL, symbol TEXT NOT NULL) STRICT;
CREATE INDEX day_trades_by_day ON day_trades (day);
CREATE TABLE attempts (command TEXT NOT NULL, client_order_id TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (command, client_order_id)) STRICT, WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_ORDERS = """SELECT order_id, client_order_id, symbol, side, order_type, quantity, filled, price, stop_price, status, reason, created_at,
  updated_at, number, hold_price, expires_at, is_triggered, paid FROM orders"""
_FILLS = "SELECT id, order_id, client_order_id, symbol, side, quantity, price, fee, liquidity, timestamp FROM fills"
_PUT_ORDER = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_FILL = "INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBooks:
    """Everything the exchange has on record, as of its last commit."""

    clock: datetime
    """Venue time."""
    cash: Decimal
    """In the quote currency."""
    positions: tuple[VenuePosition, ...]
    """What is held, by symbol."""
    orders: tuple[VenueOrder, ...]
    """Every order ever taken, oldest first."""
    fills: tuple[VenueFill, ...]
    """Every execution, oldest first."""


def read_ledger(path: Path) -> LedgerBooks:
    """One consistent look into the ledger at `path`, whether its exchange runs or not. SYS_002 when it can't be read."""
    with _sqlite_faults(path):
        if not path.is_file():
            msg = "no such file"
            raise sqlite3.OperationalError(msg)
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as connection:
            connection.execute("BEGIN")
            account = connection.execute("SELECT clock, cash FROM state").fetchone()
            if account is None:
                msg = "it holds no account yet"
                raise sqlite3.OperationalError(msg)
            clock, cash = account
            holdings = connection.execute("SELECT symbol, quantity FROM holdings ORDER BY symbol").fetchall()
            return LedgerBooks(
                clock=datetime.fromisoformat(clock),
                cash=Decimal(cash),
                positions=tuple(
                    VenuePosition(symbol=symbol, quantity=Decimal(quantity)) for symbol, quantity in holdings
                ),
                orders=tuple(working_order(row).order for row in connection.execute(f"{_ORDERS} ORDER BY number")),
                fills=tuple(fill(row) for row in connection.execute(f"{_FILLS} ORDER BY number")),
            )


class Ledger:
    """The file, held by this process."""

    def __init__(self, path: Path) -> None:
        """Open or make the ledger at `path`. SYS_002 when another process holds it or it can't be used, SYS_003 for a newer one."""
        self._path = path
        self._lock = _locked(path)
        try:
            with _sqlite_faults(path):
                self._connection = _connected(path)
        except BaseException:
            os.close(self._lock)
            raise

    def facts(self) -> dict[str, str]:
        """What was noted once: the feed's identity and the like; empty for a new ledger."""
        with _sqlite_faults(self._path):
            return dict(self._connection.execute("SELECT name, value FROM facts"))

    def note(self, facts: dict[str, str]) -> None:
        """Write facts down, over older ones of the same name."""
        with self.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def load(self) -> Books | None:
        """The books as of the last commit; null for a new ledger."""
        with _sqlite_faults(self._path):
            read = self._connection.execute
            row = read("SELECT clock, last_minute, cash, orders, fills FROM state").fetchone()
            if row is None:
                return None
            books = Books(
                clock=datetime.fromisoformat(row[0]),
                last_minute=datetime.fromisoformat(row[1]) if row[1] else None,
                cash=Decimal(row[2]),
                order_count=row[3],
                fill_count=row[4],
            )
            for order in read(f"{_ORDERS} WHERE status IN ({_LIVE}) ORDER BY number"):
                books.orders[order[1]] = working_order(order)
            for symbol, quantity, opened_on in read("SELECT symbol, quantity, opened_on FROM holdings"):
                books.holdings[symbol] = Holding(quantity=Decimal(quantity), opened_on=date.fromisoformat(opened_on))
            for symbol, moment, *prices in read("SELECT * FROM last_bars ORDER BY symbol"):
                books.last_bars[symbol] = bar(symbol, moment, prices)
            counted = (counted_from(books.clock).isoformat(),)
            for day, symbol in read("SELECT day, symbol FROM day_trades WHERE day >= ? ORDER BY number", counted):
                books.day_trades.append((date.fromisoformat(day), symbol))
            return books

    def save(self, books: Books, *, attempt: tuple[str, str] | None = None) -> None:
        """Commit what changed in `books`, all of it or nothing, and count one attempt at (command, client order id)."""
        with self.writing() as connection:
            _write(connection, books)
            if attempt is not None:
                connection.execute(
                    "INSERT INTO attempts VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", attempt
                )
        books.written()

    def attempts(self, command: str, client_order_id: str) -> int:
        """How often that command came for that order, so far."""
        query = "SELECT count FROM attempts WHERE command = ? AND client_order_id = ?"
        with _sqlite_faults(self._path):
            row = self._connection.execute(query, (command, client_order_id)).fetchone()
        return int(row[0]) if row else 0

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Any order, live or ended."""
        with _sqlite_faults(self._path):
            row = self._connection.execute(f"{_ORDERS} WHERE client_order_id = ?", (client_order_id,)).fetchone()
        return None if row is None else working_order(row).order

    def fills_since(self, since: datetime) -> tuple[VenueFill, ...]:
        """Executions at or after `since`, oldest first."""
        # Text sorts as time does: all is UTC in one format, and a fraction sorts after the whole second.
        query = f"{_FILLS} WHERE timestamp >= ? ORDER BY number"
        with _sqlite_faults(self._path):
            return tuple(fill(row) for row in self._connection.execute(query, (since.isoformat(),)))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable when the block has ended."""
        with _sqlite_faults(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        if self._lock >= 0:
            self._connection.close()
            os.close(self._lock)
            self._lock = -1


def _locked(path: Path) -> int:
    """The descriptor that holds the lock beside `path`, with our process id written into it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Fault(
            "SYS_002", f"{path.name} can not be locked: {error.strerror}.", context={"file": path.name}
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise Fault(
            "SYS_002",
            f"Another process runs the paper exchange on {path.name}.",
            remediation="End the process in context.pid, or set BOTGRAPH_HOME to another folder.",
            context={"file": path.name, "pid": holder},
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _connected(path: Path) -> sqlite3.Connection:
    """A connection to a ledger of this version, made now if there is none."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _bring_up(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise Fault("SYS_003", f"{path.name} has version {version}, this release knows {_VERSION}.")
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")


@contextmanager
def _sqlite_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Fault(
            "SYS_002",
            f"The paper exchange's ledger {path.name} can not be used: {error}.",
            remediation="Close other programs that hold the file in context.file, check free disk space and its permissions.",
            context={"file": path.name},
        ) from error


def _write(connection: sqlite3.Connection, books: Books) -> None:
    last_minute = books.last_minute.isoformat() if books.last_minute else None
    connection.execute(
        "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?)",
        (books.clock.isoformat(), last_minute, plain(books.cash), books.order_count, books.fill_count),
    )
    if books.new_bars:
        connection.executemany(
            "INSERT OR REPLACE INTO last_bars VALUES (?, ?, ?, ?, ?, ?, ?)", map(bar_row, books.new_bars)
        )
    if books.changed_orders:
        rows = [order_row(working) for working in books.changed_orders.values()]
        connection.executemany(_PUT_ORDER, rows)
    if books.new_fills:
        first = books.fill_count - len(books.new_fills) + 1
        rows = [(number, *fill_row(new)) for number, new in enumerate(books.new_fills, start=first)]
        connection.executemany(_ADD_FILL, rows)
    for symbol in sorted(books.changed_symbols):
        holding = books.holdings.get(symbol)
        if holding is None:
            connection.execute("DELETE FROM holdings WHERE symbol = ?", (symbol,))
        else:
            row = (symbol, plain(holding.quantity), holding.opened_on.isoformat())
            connection.execute("INSERT OR REPLACE INTO holdings VALUES (?, ?, ?)", row)
    trades = [(day.isoformat(), symbol) for day, symbol in books.new_day_trades]
    connection.executemany("INSERT INTO day_trades (day, symbol) VALUES (?, ?)", trades)
