"""Commits: wakes whoever waits for somebody else's commit. PostgreSQL tells of each; SQLite tells of none, so there one looks often.

A transaction that writes a bot's part of the store notifies by itself (`trading_bot.store.transaction`). What is told is a hint to look,
and no more: while nothing is heard, because the connection was lost, one looks as often as on SQLite; what was swallowed on the way, as by
a pooler that hands each statement to another connection, is found PATIENCE_SECONDS later.
"""

import asyncio
import contextlib

import sqlalchemy as sa
import structlog

from trading_bot.clock import Clock

CHANNEL = "botgraph"
"""Of this database; all its bots share it."""
PATIENCE_SECONDS = 1.0
"""Longest time between two looks while commits are told."""
RETRY_SECONDS = 0.5
"""From a connection that was lost to the next."""
_OPTIONS = {
    "application_name": "botgraph listens",
    "connect_timeout": 5,
    "keepalives_idle": 5,  # seconds; with the next two a dead network is noticed after some ten
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
_log = structlog.get_logger(__name__)


class Commits:
    """Those of one database. Used from one event loop, by one who waits."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self.told = asyncio.Event()
        """Set when there may be something new; whoever looks clears it first."""
        self._engine = engine
        self._clock = clock
        self._is_listening = False

    async def pause(self, seconds: float) -> None:
        """Wait until something is told; where nothing can be, for no longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS if self._is_listening else seconds):
                await self.told.wait()

    async def listen(self) -> None:
        """Hear what is told, until cancelled: on PostgreSQL, over a connection of its own that is made anew whenever it is lost."""
        if self._engine.dialect.name != "postgresql":
            return
        is_told_of = False
        while True:
            try:
                await self._hear()
            except Exception as error:  # noqa: BLE001 - who hears nothing looks often, and is to hear again
                if self._is_listening or not is_told_of:
                    # The driver's text may name user and server.
                    _log.warning("commits_not_heard", driver=type(error).__name__)
                is_told_of = True
            finally:
                self._is_listening = False
                self.told.set()  # so that nobody waits on for what can't be told
            await self._clock.sleep(RETRY_SECONDS)

    async def _hear(self) -> None:
        import psycopg  # noqa: PLC0415 - a tenth of a second at every start, which a store on SQLite need not pay

        _, address = self._engine.dialect.create_connect_args(self._engine.url)
        async with await psycopg.AsyncConnection.connect(autocommit=True, **{**_OPTIONS, **address}) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._is_listening = True
            self.told.set()  # what was committed before was told to nobody
            async for _ in connection.notifies():
                self.told.set()
