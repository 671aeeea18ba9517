"""The bot's process: `python -m trading_bot`.

It ends with 0 when asked to, 78 when it can't start as it is set up, 75 when it waits for what may come back, and 1 for a fault of ours.
"""

import asyncio
import errno
import os
import signal
import sys
import uuid
from contextlib import suppress

import structlog

from trading_bot.bootstrap import bot_of
from trading_bot.clock import SystemClock
from trading_bot.errors.block import block
from trading_bot.errors.fault import Fault
from trading_bot.keeping.daily import keep
from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import Secrets, secrets_of
from trading_bot.settings import Settings, load_settings

_RETRYABLE = frozenset({"SYS_002", "API_429", "DATA_004"})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def main() -> int:
    """Run the bot of this home until it is asked to end."""
    try:
        settings = load_settings()
        settings.make_folders()
        secrets = secrets_of(settings)
        log_to(settings.logs_dir / "trading_bot.log", secrets)
        asyncio.run(_run(settings, secrets))
    except Fault as fault:
        _say(fault)
        return os.EX_TEMPFAIL if fault.code in _RETRYABLE else os.EX_CONFIG
    except Exception as error:  # noqa: BLE001 - nobody is shown a bare traceback
        fault_id = uuid.uuid4().hex
        structlog.get_logger(__name__).error("bot_failed", fault_id=fault_id, exc_info=error)
        _say(Fault("SYS_001", "The bot's process failed.", context={"fault_id": fault_id}))
        is_full = isinstance(error, OSError) and error.errno in _FULL
        return os.EX_TEMPFAIL if is_full else 1
    return 0


def _say(fault: Fault) -> None:
    """Its last words, where there is room for them."""
    with suppress(OSError):
        print(block(fault.semantic(now=SystemClock().now())), file=sys.stderr)  # noqa: T201 - nobody else shows them


async def _run(settings: Settings, secrets: Secrets) -> None:
    async with bot_of(settings, secrets=secrets) as bot:
        running = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, bot.loop.end)
        keeping = asyncio.create_task(keep(settings, lambda: bot.config, SystemClock()))
        try:
            await bot.loop.run()
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


if __name__ == "__main__":
    sys.exit(main())
