"""Homes: which bot a home belongs to."""

from trading_bot.domain.config import BotConfig
from trading_bot.store.store import Store


def bot_id_of(store: Store, from_file: BotConfig | None) -> str:
    """The bot of a home: the one that its configuration file names, else the only one of the store, else the default."""
    if from_file is not None:
        return from_file.bot_id
    known = store.bot_ids()
    return known[0] if len(known) == 1 else BotConfig().bot_id
