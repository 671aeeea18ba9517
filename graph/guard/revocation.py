"""Revocation: ends what is open under a key soon after the key is revoked, however silent it is. One look for all that share a key."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from graph.guard.authentication import Gate
from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault

LOOK_SECONDS = 0.25
"""From one look to the next. A key is trusted for 0.5 s without asking the store, so what is open ends within a second."""


@dataclass(slots=True, kw_only=True)
class Revocations:
    """Watches the keys that something is open under. Used from the event loop only."""

    gate: Gate
    clock: Clock
    _watched: dict[str, "_Watched"] = field(default_factory=dict)

    def watch(self, token: str, revoked: Callable[[], None]) -> Callable[[], None]:
        """Call `revoked` once the key opens nothing any more; what is given back ends the watch."""
        watched = self._watched.get(token)
        if watched is None:
            watched = self._watched[token] = _Watched(task=asyncio.create_task(self._look(token)))
        watched.callbacks.append(revoked)

        def end() -> None:
            if revoked in watched.callbacks:
                watched.callbacks.remove(revoked)
            if not watched.callbacks:
                watched.task.cancel()
                if self._watched.get(token) is watched:
                    del self._watched[token]

        return end

    async def _look(self, token: str) -> None:
        while True:
            await self.clock.sleep(LOOK_SECONDS)
            try:
                caller = await self.gate.caller(token)
            except Fault:  # nobody can tell now
                continue
            if caller is None:
                break
        for revoked in self._watched.pop(token).callbacks:
            revoked()


@dataclass(slots=True, kw_only=True)
class _Watched:
    """One key, and what is to be called."""

    task: asyncio.Task[None]
    callbacks: list[Callable[[], None]] = field(default_factory=list)
