"""The bot's process for `store_waits`: runs for some seconds, then prints how many milliseconds a commit waited, and for the lock alone.

`python -m benchmarks.waiting_bot SECONDS` over the home that the environment names.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from trading_bot.bootstrap import bot_of
from trading_bot.settings import load_settings
from trading_bot.store import engine as engine_module

_locks: list[float] = []
_waits: list[float] = []
_writing = engine_module.writing


@contextmanager
def _timed(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A write transaction whose lock and commit are timed, and not what is done in it."""
    transaction = _writing(engine)
    begun = time.perf_counter()
    connection = transaction.__enter__()
    locked = time.perf_counter() - begun
    try:
        yield connection
    except BaseException as error:
        if not transaction.__exit__(type(error), error, error.__traceback__):
            raise
    else:
        begun = time.perf_counter()
        transaction.__exit__(None, None, None)
        _locks.append(locked)
        _waits.append(locked + time.perf_counter() - begun)


async def _run(seconds: float) -> None:
    async with bot_of(load_settings()) as bot:
        asyncio.get_running_loop().call_later(seconds, bot.loop.end)
        await bot.loop.run()


if __name__ == "__main__":
    engine_module.writing = _timed
    asyncio.run(_run(float(sys.argv[1])))
    print(f"{statistics.mean(_waits) * 1000:.4f} {statistics.mean(_locks) * 1000:.4f}")
