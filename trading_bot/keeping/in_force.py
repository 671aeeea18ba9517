"""In force: the configuration of a home's bot, for work that is done beside it."""

from trading_bot.clock import Clock
from trading_bot.domain.config import BotConfig
from trading_bot.services.config_file import read_config
from trading_bot.services.configuration import parse_config
from trading_bot.services.homes import bot_of_home
from trading_bot.settings import Settings
from trading_bot.store.config_changes import find_config_in_force
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


def config_in_force(settings: Settings, clock: Clock) -> BotConfig:
    """The version that the bot trades by; the file's, or the defaults, where there is none yet. SYS_002, SYS_003, CFG_001, CFG_002."""
    store = Store(open_engine(settings.store_url), clock)
    try:
        with store.reading(bot_of_home(store, settings.config_file)) as r:
            stored = find_config_in_force(r)
    finally:
        store.close()
    return parse_config(stored.values) if stored is not None else read_config(settings.config_file) or BotConfig()
