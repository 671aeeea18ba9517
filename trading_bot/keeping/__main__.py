"""`python -m trading_bot.keeping tidy|backup|chore BOT COMMAND`: work beside the bot, in a process of its own.

`tidy` and `backup` are the daily work, started by the bot; `chore` carries one command out. Ends with 0 when it was done, else with 1.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import structlog

from trading_bot.clock import SystemClock
from trading_bot.domain.commands import CommandStatus
from trading_bot.domain.config import BotConfig
from trading_bot.errors.fault import Fault
from trading_bot.keeping import backup
from trading_bot.keeping.chores import carry_out
from trading_bot.keeping.in_force import config_in_force
from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import secrets_of
from trading_bot.logs.tidying import tidy
from trading_bot.services.homes import bot_of_home
from trading_bot.settings import Settings, load_settings
from trading_bot.store import errors
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store

_log = structlog.get_logger("trading_bot.keeping")
LOWEST_PRIORITY = 19


def main() -> int:
    """Do what the argument says for this home; what fails is stored as an error of its bot, and always logged."""
    os.umask(0o077)
    with suppress(OSError):
        os.nice(LOWEST_PRIORITY)
    try:
        settings = load_settings()
        settings.make_folders()
        log_to(settings.logs_dir / "keeping.log", secrets_of(settings))
        if sys.argv[1:2] == ["chore"]:
            return _chore(settings, SystemClock(), *sys.argv[2:4])
        return _kept(settings, SystemClock(), makes_backup=sys.argv[1:] == ["backup"])
    except Exception:  # noqa: BLE001 - nobody looks at this process: its log holds what nobody foresaw
        _log.exception("keeping_failed")
        return 1


def _kept(settings: Settings, clock: SystemClock, *, makes_backup: bool) -> int:
    config = config_in_force(settings, clock)
    faults = _tidied(settings, config, clock)
    if makes_backup:
        faults += _backed_up(settings, config, clock)
    store = Store(open_engine(settings.store_url), clock)
    try:
        bot_id = bot_of_home(store, settings.config_file)
        for fault in faults:
            _log.error("keeping_failed", code=fault.code, cause=fault.cause)
            with store.writing(bot_id) as w:
                errors.save_error(w, fault.semantic(now=w.now))
    finally:
        store.close()
    return int(bool(faults))


def _chore(settings: Settings, clock: SystemClock, bot_id: str, command_id: str) -> int:
    store = Store(open_engine(settings.store_url), clock)
    try:
        ended = carry_out(settings, store, clock, bot_id=bot_id, command_id=command_id)
    finally:
        store.close()
    _log.info("chore_ended", command=command_id, kind=ended.kind.name, status=ended.status.name)
    return int(ended.status is not CommandStatus.DONE)


def _tidied(settings: Settings, config: BotConfig, clock: SystemClock) -> list[Fault]:
    try:
        done = tidy(settings.logs_dir, config.retention, clock.now())
    except OSError as error:
        return [Fault("LOG_005", f"{error.strerror}.", context={"errno": error.errno})]
    _log.info("tidied", compressed=done.compressed, archived=done.archived, removed=done.removed)
    return [
        Fault("LOG_002", f"{place} is not as it was written; it is left as it is.", context={"place": place})
        for place in done.broken
    ]


def _backed_up(settings: Settings, config: BotConfig, clock: SystemClock) -> list[Fault]:
    steps: list[Callable[[], object]] = [
        lambda: _log.info("backed_up", backup=backup.create(settings, clock).name),
        lambda: _log.info("pruned", removed=backup.prune(settings, config.backup)),
    ]
    try:
        for step in steps:
            step()
    except Fault as fault:
        return [fault]
    return []


if __name__ == "__main__":
    sys.exit(main())
