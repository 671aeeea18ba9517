"""The bot's process: `python -m trading_bot`. Ends with 0 when asked to, 78 when it can't start as it is set up, 1 for a fault of ours."""

import asyncio
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

# sysexits.h: what is wrong is how it is set up; starting it again would not help.
EX_CONFIG = 78
_RETRYABLE = frozenset({"SYS_002", "API_429", "DATA_004"})


def main() -> int:
    """Run the bot of this home until it is asked to end."""
    try:
        settings = load_settings()
        settings.make_folders()
        secrets = secrets_of(settings)
        log_to(settings.logs_dir / "trading_bot.log", secrets)
        asyncio.run(_run(settings, secrets))
    except Fault as fault:
        print(block(fault.semantic(now=SystemClock().now())), file=sys.stderr)  # noqa: T201 - its last words
        return 1 if fault.code in _RETRYABLE else EX_CONFIG
    except Exception as error:  # noqa: BLE001 - nobody is shown a bare traceback
        fault_id = uuid.uuid4().hex
        structlog.get_logger(__name__).error("bot_failed", fault_id=fault_id, exc_info=error)
        unexpected = Fault("SYS_001", "The bot's process failed.", context={"fault_id": fault_id})
        print(block(unexpected.semantic(now=SystemClock().now())), file=sys.stderr)  # noqa: T201 - its last words
        return 1
    return 0


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
