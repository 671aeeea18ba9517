"""Outbox: what is committed and waits to be appended to the audit log. `Writing.log` puts it in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trading_bot.store.log_tables import delivered
from trading_bot.store.rows import made, of_bot, put
from trading_bot.store.tables import outbox
from trading_bot.store.transaction import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One record that waits for the audit log."""

    id: int
    """Rises with each record of the bot, and is never given twice."""
    stream: str
    """The log's stream that it belongs to."""
    record: dict[str, Any]
    """JSON data, with the bot's id."""
    recorded_at: datetime
    """Wall clock when it was stored, UTC."""


def list_outbox(r: Reading, first: int) -> tuple[OutboxRow, ...]:
    """Up to `first` waiting records, oldest first."""
    c = outbox.c
    query: sa.Select[Any] = sa.select(c.number.label("id"), c.stream, c.record, c.recorded_at).where(of_bot(r, outbox))
    return tuple(made(OutboxRow, row) for row in r.connection.execute(query.order_by(c.number).limit(first)))


def delete_outbox(w: Writing, up_to_id: int) -> None:
    """Forget the records up to that id: the log has them."""
    w.connection.execute(outbox.delete().where(of_bot(w, outbox), outbox.c.number <= up_to_id))
    note_delivered(w, up_to_id)


def note_delivered(w: Writing, number: int) -> None:
    """Remember that the log has the bot's record of that number."""
    put(w, delivered, {"number": number})


def last_delivered(r: Reading) -> int:
    """The last number of the bot that the log is known to have; zero before the first."""
    return r.connection.execute(sa.select(delivered.c.number).where(of_bot(r, delivered))).scalar() or 0


def last_number(r: Reading) -> int:
    """The last number that was given to a record, of whichever bot; zero before the first."""
    if r.connection.dialect.name == "sqlite":
        seq = r.connection.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")).scalar()
        return int(seq or 0)
    # A sequence of PostgreSQL is not part of a transaction: it shows what was given so far, also to writes under way.
    last = sa.text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_number_seq")
    return int(r.connection.execute(last).scalar_one())


def raise_numbers(w: Writing, to: int) -> bool:
    """Let the next record's number be larger than `to`; False, and nothing changed, when it is so already."""
    if last_number(w) >= to:
        return False
    if w.connection.dialect.name == "sqlite":
        w.connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'outbox'"))
        w.connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', :to)"), {"to": to})
    else:
        w.connection.execute(sa.text("SELECT setval('outbox_number_seq', :to)"), {"to": to})
    return True


def renumber(w: Writing, row: OutboxRow) -> None:
    """Give a waiting record the next number."""
    w.connection.execute(outbox.delete().where(of_bot(w, outbox), outbox.c.number == row.id))
    w.log(row.stream, row.record)
