"""Daily: what is done once a day beside trading, in a process of its own: old logs are tidied, and a backup is made when it is due.

The bot's process only looks at the time and starts it, at the lowest priority, so that no bar waits for a disk or a compression.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

import structlog

from trading_bot.clock import Clock
from trading_bot.domain.config import BotConfig
from trading_bot.keeping.backup_times import last_made
from trading_bot.settings import Settings

_log = structlog.get_logger(__name__)
LOOK_EVERY_SECONDS = 60.0
RETRY_AFTER = timedelta(hours=1)
"""How long after a backup that failed the next one is tried."""
LONGEST = timedelta(hours=2)
"""How long it may take; what hangs longer is ended, for nothing else would be started before it."""
ARGV = (sys.executable, "-P", "-m", "trading_bot.keeping")


async def keep(settings: Settings, config: Callable[[], BotConfig], clock: Clock) -> None:
    """Look once a minute whether something is to be done by what `config` says then, and have it done, until cancelled."""
    tidied: date | None = None
    tried: datetime | None = None
    while True:
        await clock.sleep(LOOK_EVERY_SECONDS)
        now = clock.now()
        is_due = config().backup.is_due(now, _last_backup(settings))
        backs_up = is_due and (tried is None or now - tried >= RETRY_AFTER)
        if tidied == now.date() and not backs_up:
            continue
        tidied, tried = now.date(), now if backs_up else tried
        await _done(settings, "backup" if backs_up else "tidy")


def _last_backup(settings: Settings) -> datetime | None:
    """When the last one was made; null also where the folder can't be read: whoever makes the next one tells why."""
    try:
        return last_made(settings.backups_dir)
    except OSError as error:
        _log.warning("backups_not_found", error=str(error))
        return None


async def _done(settings: Settings, what: str) -> None:
    """Have it done by a process of its own; how that ended stands in its log, and in the store where it failed."""
    environment = os.environ | settings.environment()
    try:
        process = await asyncio.create_subprocess_exec(*ARGV, what, env=environment, stdin=asyncio.subprocess.DEVNULL)
    except OSError as error:
        _log.warning("keeping_not_started", what=what, error=str(error))
        return
    try:
        code = await asyncio.wait_for(process.wait(), LONGEST.total_seconds())
        _log.info("keeping_ended", what=what, exit_code=code)
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        _log.error("keeping_hung", what=what, hours=LONGEST / timedelta(hours=1))
