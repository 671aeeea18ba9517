"""Configs: every version of the configuration; the latest is the one in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trading_bot.store.rows import made, of_bot, select_of, values_of
from trading_bot.store.tables import configs
from trading_bot.store.transaction import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConfig:
    """One version of the configuration."""

    version: int
    """Number of the version, from 1."""
    values: dict[str, Any]
    """The configuration as JSON data, in the order in which it was written."""
    config_hash: str
    """MD5 of the configuration, 32 hexadecimal digits."""
    user: str
    """Who wrote it: the id of an API key, or what made it."""
    reason: str
    """Why, at most 500 bytes."""
    updated_at: datetime
    """Wall clock when it was stored, UTC."""


def save_config(w: Writing, *, version: int, values: dict[str, Any], config_hash: str, user: str, reason: str) -> None:
    """Add a version; one that is there already is an IntegrityError: a version never changes."""
    row = {"version": version, "values": values, "config_hash": config_hash, "user": user, "reason": reason}
    w.connection.execute(configs.insert(), {**row, "bot_id": w.bot_id, "updated_at": w.now})


def insert_config(w: Writing, config: StoredConfig) -> None:
    """Store a version that the log has already, as when the store is rebuilt from it."""
    w.connection.execute(configs.insert(), {"bot_id": w.bot_id, **values_of(config)})


def find_config(r: Reading, version: int | None = None) -> StoredConfig | None:
    """That version, or the latest; null when there is none."""
    query = select_of(StoredConfig, configs).where(of_bot(r, configs))
    if version is not None:
        query = query.where(configs.c.version == version)
    row = r.connection.execute(query.order_by(configs.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else made(StoredConfig, row)
