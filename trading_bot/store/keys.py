"""Keys: who may call the API. They open all bots of a store; only their hashes are kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.errors import Scope
from trading_bot.store.inserts import added
from trading_bot.store.rows import made, select_of, values_of
from trading_bot.store.tables import api_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """One API key, without its secret."""

    id: str
    """Part of the token; may be shown."""
    hash: str
    """SHA-256 of the token, 64 hexadecimal digits."""
    name: str
    """What the operator calls it."""
    scope: Scope
    """What it may do."""
    rate_per_minute: int | None
    """Operations a minute; null for no limit of its own."""
    max_response_bytes: int
    """Largest answer that it is sent, in bytes."""
    created_at: datetime
    """Wall clock, UTC."""
    revoked_at: datetime | None
    """Wall clock since when it opens nothing, UTC; null while it does."""


def add_key(connection: sa.Connection, key: StoredKey) -> bool:
    """Add a key; False, and nothing changed, when its id or its token is there already."""
    return added(connection, api_keys, values_of(key))


def find_key(connection: sa.Connection, id: str) -> StoredKey | None:
    """The key of that id, revoked or not."""
    return _one(connection, api_keys.c.id == id)


def find_key_by_hash(connection: sa.Connection, hash: str) -> StoredKey | None:
    """The key of that token, revoked or not."""
    return _one(connection, api_keys.c.hash == hash)


def list_keys(connection: sa.Connection) -> tuple[StoredKey, ...]:
    """All keys, revoked ones too, oldest first."""
    query = select_of(StoredKey, api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    return tuple(made(StoredKey, row) for row in connection.execute(query))


def save_revocation(connection: sa.Connection, id: str, at: datetime | None) -> bool:
    """Revoke a key as of `at`, or let it open again with null; False when there is none of that id."""
    return connection.execute(api_keys.update().where(api_keys.c.id == id).values(revoked_at=at)).rowcount == 1


def _one(connection: sa.Connection, which: sa.ColumnElement[bool]) -> StoredKey | None:
    row: sa.Row[Any] | None = connection.execute(select_of(StoredKey, api_keys).where(which)).one_or_none()
    return None if row is None else made(StoredKey, row)
