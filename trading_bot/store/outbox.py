"""Outbox: what is committed and waits to be appended to the audit log. `Writing.log` puts it in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trading_bot.store.rows import made, of_bot
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
