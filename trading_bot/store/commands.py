"""Commands: what was asked of the bot and what came of it, and the intents that keep a write from happening twice."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.commands import Addressee, Command, CommandKind, CommandStatus, Intent
from trading_bot.domain.records import record_of, value_of
from trading_bot.errors.fault import Fault
from trading_bot.store.inserts import added
from trading_bot.store.paging import Page, page_of
from trading_bot.store.rows import made, of_bot, select_of, values_of
from trading_bot.store.semantic import dumped, loaded
from trading_bot.store.tables import commands, intents
from trading_bot.store.transaction import Reading, Writing

INTENTS_KEPT = timedelta(hours=24)
"""How long an idempotency key is remembered."""
_ADDRESSEES = {
    CommandKind.RESTART_PROCESS: Addressee.SUPERVISOR,
    CommandKind.BACKUP: Addressee.WORKER,
    CommandKind.EXPORT: Addressee.WORKER,
}
"""Who acts on a command; the bot on all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIntent:
    """A write that was carried out under an idempotency key."""

    digest: str
    """SHA-256 of what was asked."""
    subject_id: str
    """Id of what the write made, such as a command."""
    created_at: datetime
    """Wall clock when it was stored, UTC."""


def add_command(w: Writing, command: Command) -> None:
    """Store a new command, with a line for the log; an id that is there already is an IntegrityError."""
    insert_command(w, command)
    w.log("commands", _record(command))


def insert_command(w: Writing, command: Command) -> None:
    """Store a command that the log has already, as when the store is rebuilt from it."""
    addressee = _ADDRESSEES.get(command.kind, Addressee.BOT)
    w.connection.execute(commands.insert(), {**_row(command), "bot_id": w.bot_id, "addressee": addressee})


def save_command(w: Writing, command: Command) -> None:
    """Keep what has become of the command, with a line for the log."""
    where = of_bot(w, commands), commands.c.id == command.id
    w.connection.execute(commands.update().where(*where).values({**_row(command), "bot_id": w.bot_id}))
    w.log("commands", _record(command))


def read_record(record: dict[str, Any]) -> Command:
    """The command that a line of the log holds."""
    command = value_of(Command, {**record, "error": None})
    return replace(command, error=loaded(record["error"]) if record["error"] else None)


def find_command(r: Reading, id: str) -> Command | None:
    """The command of that id."""
    row = r.connection.execute(_all(r).where(commands.c.id == id)).one_or_none()
    return None if row is None else _command(row)


def list_pending_commands(r: Reading, addressee: Addressee = Addressee.BOT) -> tuple[Command, ...]:
    """Commands that their addressee has not ended, oldest first: PENDING ones, and RUNNING ones to go on with after a restart."""
    unfinished = (CommandStatus.PENDING, CommandStatus.RUNNING)
    waiting = commands.c.status.in_(unfinished), commands.c.addressee == addressee
    # Sorted here, for they are few: asked for their order, SQLite would walk through all commands instead.
    rows = r.connection.execute(_all(r).where(*waiting).add_columns(commands.c.number)).all()
    return tuple(_command(row) for row in sorted(rows, key=lambda row: int(row.number)))


def list_commands(r: Reading, first: int, after: str | None = None) -> Page[Command]:
    """Commands, newest first."""
    return page_of(r, _all(r), (commands.c.number,), first=first, after=after, load=_command)


def find_intent(r: Reading, *, key_id: str, idempotency_key: str) -> StoredIntent | None:
    """What the API key `key_id` did under that idempotency key in the last 24 hours, on whichever bot."""
    query = select_of(StoredIntent, intents).where(
        intents.c.key_id == key_id,
        intents.c.idempotency_key == idempotency_key,
        intents.c.created_at > r.now - INTENTS_KEPT,
    )
    row = r.connection.execute(query).one_or_none()
    return None if row is None else made(StoredIntent, row)


def is_token_used(r: Reading, token_id: str) -> bool:
    """Whether a write of the last 24 hours used the confirm token up."""
    used = sa.select(intents.c.token_id).where(intents.c.token_id == token_id)
    return r.connection.execute(used).one_or_none() is not None


def add_intent(w: Writing, intent: Intent, *, subject_id: str) -> None:
    """Note that `intent` is being carried out and made `subject_id`; forgets those of more than 24 hours ago.

    QRY_007 when the API key has used the idempotency key before, or the confirm token was used.
    """
    w.connection.execute(intents.delete().where(intents.c.created_at <= w.now - INTENTS_KEPT))
    row = {
        "key_id": intent.caller.key_id,
        "idempotency_key": intent.idempotency_key,
        "bot_id": w.bot_id,
        "digest": intent.digest,
        "reason": intent.reason,
        "token_id": intent.token_id,
        "subject_id": subject_id,
        "created_at": w.now,
    }
    if not added(w.connection, intents, row):
        raise Fault(
            "QRY_007",
            "The idempotency key or the confirm token was used for another write.",
            context={"idempotencyKey": intent.idempotency_key},
        )


def _all(r: Reading) -> sa.Select[Any]:
    return select_of(Command, commands).where(of_bot(r, commands))


def _row(command: Command) -> dict[str, Any]:
    return {**values_of(command), "error": dumped(command.error) if command.error else None}


def _record(command: Command) -> dict[str, Any]:
    return {**record_of(command), "error": dumped(command.error) if command.error else None}


def _command(row: sa.Row[Any]) -> Command:
    return replace(made(Command, row), error=loaded(row.error) if row.error else None)
