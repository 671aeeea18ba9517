"""Revocation: ends what is open under a key soon after the key is revoked, however silent it is. One look for all keys together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from graph.guard.authentication import Gate
from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault

LOOK_SECONDS = 0.25
"""From one look to the next. A key is trusted for 0.5 s without asking the store, so what is open ends within a second."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Revocations:
    """Watches the keys that something is open under. Used from the event loop only."""

    gate: Gate
    clock: Clock
    _watched: dict[str, dict[object, Callable[[], None]]] = field(default_factory=dict)
    """What is to be called, by key."""
    _looking: asyncio.Task[None] | None = None

    def watch(self, token: str, revoked: Callable[[], None]) -> Callable[[], None]:
        """Call `revoked` once the key opens nothing any more; what is given back ends the watch."""
        watched = self._watched.setdefault(token, {})
        place = object()
        watched[place] = revoked
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

        def end() -> None:
            watched.pop(place, None)
            if not watched and self._watched.get(token) is watched:
                del self._watched[token]
            if not self._watched and self._looking is not None:
                self._looking.cancel()
                self._looking = None

        return end

    async def _look(self) -> None:
        has_failed = False
        while True:
            await self.clock.sleep(LOOK_SECONDS)
            try:
                lost = await self.gate.lost(tuple(self._watched))
            except Exception as error:  # noqa: BLE001 - nobody can tell now; were it the last look, a revoked key would go on seeing
                if not isinstance(error, Fault) and not has_failed:
                    _log.error("revocations_not_seen", exc_info=error)
                has_failed = True
                continue
            has_failed = False
            for token in lost:
                for revoked in tuple(self._watched.pop(token, {}).values()):
                    revoked()
