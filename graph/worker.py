"""A worker of its own: `python -m graph.worker` carries workflows on. Ends with 0 when asked to, 78 when it can't start as it is set up."""

import asyncio
import signal
import sys
import uuid

import structlog

from graph.composition import build_core, open_store
from graph.guard.errors import ErrorShape
from resolvers.counters import Counters
from trading_bot.clock import SystemClock
from trading_bot.errors.block import block
from trading_bot.errors.fault import Fault
from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import secrets_of
from trading_bot.settings import Settings, load_settings

# sysexits.h: what is wrong is how it is set up; starting it again would not help.
EX_CONFIG = 78
RETRYABLE = frozenset({"SYS_002"})


def main() -> int:
    """Carry workflows on until asked to end."""
    try:
        settings = load_settings()
        settings.make_folders()
        log_to(settings.logs_dir / "worker.log", secrets_of(settings))
        asyncio.run(_work(settings))
    except Fault as fault:
        _say(fault)
        return 1 if fault.code in RETRYABLE else EX_CONFIG
    except Exception as error:  # noqa: BLE001 - nobody is shown a bare traceback
        fault_id = uuid.uuid4().hex
        structlog.get_logger("worker").error("worker_failed", fault_id=fault_id, exc_info=error)
        _say(Fault("SYS_001", "The worker failed.", context={"fault_id": fault_id}))
        return 1
    return 0


async def _work(settings: Settings) -> None:
    clock = SystemClock()
    log = structlog.get_logger("worker")
    core = build_core(
        settings,
        open_store(settings, clock),
        clock,
        counters=Counters(started=clock.monotonic()),
        shape=ErrorShape(now=clock.now, log=log),
    )
    worker = core.worker()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, worker.end)
    log.info("worker_began", name=worker.name)
    try:
        await worker.work()
    finally:
        core.close()


def _say(fault: Fault) -> None:
    print(block(fault.semantic(now=SystemClock().now())), file=sys.stderr)  # noqa: T201 - its last words


if __name__ == "__main__":
    sys.exit(main())
