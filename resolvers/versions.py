"""Versions: which state of the books there is now, told without reading them.

Each bot has a counter that every commit raises. To read the counters takes a trip to a thread; whether they may have moved since is told
in microseconds by SQLite's count of other connections' commits. PostgreSQL has no such count: there they are read each time.
"""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass

from trading_bot.errors.fault import Fault
from trading_bot.store.store import Store

Versions = tuple[tuple[str, int], ...]
"""The state version of every bot, by id."""


@dataclass(slots=True, kw_only=True)
class StateVersions:
    """The state versions as they are now. Used from one event loop."""

    store: Store
    workers: Executor
    """Threads in which the store is read."""
    failure: Fault | None = None
    """Why they could not be read, the last time; null where they could."""
    _seen: int | None = None
    """The store's count of commits when the versions were read."""
    _versions: Versions = ()

    @property
    def bots(self) -> tuple[str, ...]:
        """Who had a version when they were read last."""
        return tuple(bot_id for bot_id, _ in self._versions)

    def now(self) -> Versions | None:
        """The versions, where nobody has committed since they were read; null where they must be read, and while they can't be."""
        if self._seen is None:
            return None
        try:
            return self._versions if self.store.data_version_now() == self._seen else None
        except Fault:
            self._seen = None
            return None

    async def read(self) -> Versions | None:
        """The versions as they are in the store; null while it can't be read."""
        try:
            seen, versions = await asyncio.get_running_loop().run_in_executor(self.workers, self._read)
        except Fault as fault:
            self._seen, self.failure = None, fault
            return None
        self._seen, self._versions, self.failure = seen, versions, None
        return versions

    def _read(self) -> tuple[int, Versions]:
        # In this order: what is committed between the two is seen by the next look.
        return self.store.data_version(), self.store.versions()
