"""Homes: which bot a home belongs to."""

import hashlib
from pathlib import Path

from trading_bot.domain.config import BotConfig
from trading_bot.errors.fault import Fault
from trading_bot.store.config_changes import find_pointer
from trading_bot.store.store import Store


def bot_of_home(store: Store, path: Path) -> str:
    """The bot of the home whose configuration file is at `path`.

    It is the one for which the file was written, else the one that it names, else the only one of the store, else the default. A file that
    spells nothing is no fault where the store has one bot: its versions are the truth. CFG_001 and CFG_002 elsewhere.
    """
    known = store.bot_ids()
    written_for = _written_for(store, known, path)
    if written_for is not None:
        return written_for
    from trading_bot.services.config_file import read_config  # noqa: PLC0415 - reading YAML takes longer than all else here

    try:
        return bot_id_of(store, read_config(path))
    except Fault:
        if len(known) != 1:
            raise
        return known[0]


def bot_id_of(store: Store, from_file: BotConfig | None) -> str:
    """The bot of a home: the one that its configuration file names, else the only one of the store, else the default."""
    if from_file is not None:
        return from_file.bot_id
    known = store.bot_ids()
    return known[0] if len(known) == 1 else BotConfig().bot_id


def _written_for(store: Store, known: tuple[str, ...], path: Path) -> str | None:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
    for bot_id in known:
        with store.reading(bot_id) as r:
            pointer = find_pointer(r)
        if pointer is not None and digest in {pointer.file_digest, pointer.replaced_digest}:
            return bot_id
    return None
