"""Transactions: one consistent reading, or one writing, of one bot's part of the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.events import EventKind
from trading_bot.domain.records import data_of
from trading_bot.domain.streams import LINE_FIELDS, STREAMS
from trading_bot.errors.fault import Fault
from trading_bot.store.commits import CHANNEL
from trading_bot.store.inserts import insert_for
from trading_bot.store.tables import changes, counters, outbox


@dataclass(slots=True, kw_only=True)
class Reading:
    """One consistent snapshot of one bot's part of the store."""

    connection: sa.Connection
    """In a transaction."""
    bot_id: str
    """Whose part."""
    now: datetime
    """Wall clock when the transaction began, UTC."""

    def seq(self) -> int:
        """The number of the bot's last event; zero before the first."""
        return self._counter(counters.c.seq)

    def version(self) -> int:
        """The bot's state version: raised by every commit of a writing."""
        return self._counter(counters.c.version)

    def _counter(self, column: sa.Column[Any]) -> int:
        query = sa.select(column).where(counters.c.bot_id == self.bot_id)
        return self.connection.execute(query).scalar() or 0


@dataclass(slots=True, kw_only=True)
class Writing(Reading):
    """One write transaction; the bot's state version is raised already. What is read here sees what is written here."""

    version_raised: int
    """The state version that this commit makes."""
    last_seq: int
    """The number of the bot's last event, with those of this transaction."""
    has_log: bool = field(default=False)
    """Whether something was put into the outbox."""

    def seq(self) -> int:
        """The number of the bot's last event, with those of this transaction."""
        return self.last_seq

    def version(self) -> int:
        """The state version that this commit makes."""
        return self.version_raised

    def changed(self, kind: EventKind, subject: str, summary: str, data: dict[str, Any]) -> int:
        """Append an event to the bot's stream and return its number: the last one plus one, without gaps."""
        seq = self.last_seq + 1
        self.connection.execute(
            changes.insert(),
            {
                "bot_id": self.bot_id,
                "seq": seq,
                "at": self.now,
                "kind": kind,
                "subject": subject,
                "summary": summary,
                "data": data,
            },
        )
        self.last_seq = seq
        return seq

    def log(self, stream: str, record: dict[str, Any]) -> None:
        """Hand `record` (JSON data; decimals and times as text) to the audit log, once this transaction is committed.

        The bot's id is added to it, and the wall clock of this transaction where it does not say when it was recorded. ValueError for an
        unknown stream or a field that the log itself writes: such a record could never leave the outbox again.
        """
        reserved = sorted(record.keys() & set(LINE_FIELDS))
        if stream not in STREAMS or reserved:
            msg = f"Expected a stream of {', '.join(STREAMS)}, and no field {', '.join(LINE_FIELDS)}; was {stream}, {reserved}."
            raise ValueError(msg)
        row = {"bot_id": self.bot_id, "stream": stream, "recorded_at": self.now}
        told = record if "recorded_at" in record else {**record, "recorded_at": data_of(self.now)}
        self.connection.execute(outbox.insert(), {**row, "record": {**told, "bot_id": self.bot_id}})
        self.has_log = True


@contextmanager
def opened(
    connection: sa.Connection, bot_id: str, *, now: datetime, generation: int | None = None
) -> Iterator[Writing]:
    """A writing of one bot within a write transaction.

    BOT_002 when `generation` is given and is not the store's: another process has taken the bot over.
    """
    # First of all: on PostgreSQL this row's lock makes the writers of one bot wait for each other.
    first = {"bot_id": bot_id, "version": 1, "seq": 0, "generation": 0}
    kept = connection.execute(_raised(connection.dialect.name), first).one()
    if generation is not None and kept.generation != generation:
        raise Fault(
            "BOT_002",
            f"Process generation {generation} was replaced by {kept.generation}; it may not write any more.",
            context={"generation": generation, "current": kept.generation},
        )
    w = Writing(connection=connection, bot_id=bot_id, now=now, version_raised=kept.version, last_seq=kept.seq)
    yield w
    if w.last_seq != kept.seq:
        connection.execute(counters.update().where(counters.c.bot_id == bot_id).values(seq=w.last_seq))


@cache
def _raised(dialect: str) -> sa.sql.dml.ReturningInsert[Any]:
    """Raise a bot's state version, or begin it; gives the counters, and tells who listens once it is committed."""
    raised = insert_for(dialect, counters)
    raised = raised.on_conflict_do_update(index_elements=["bot_id"], set_={"version": counters.c.version + 1})
    told = [sa.func.pg_notify(CHANNEL, "")] if dialect == "postgresql" else []
    return raised.returning(*counters.c, *told)
