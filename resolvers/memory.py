"""Memory: the bots and their facts as the API last read them, for when nothing changed and for when the store can't be read."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass, field

from resolvers.facts import Facts
from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.store.store import Store

BOTS_HOLD_SECONDS = 1.0
"""How long the list of bots may be used without a look into the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What was last read of one bot."""

    facts: Facts
    version: int
    """State version of the bot's books then."""
    read_at: float
    """Monotonic seconds when it was read."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """What was last read."""

    store: Store
    clock: Clock
    workers: Executor
    ttl: float
    """Longest time in seconds for which facts may be used without reading them anew."""
    facts: dict[str, Remembered] = field(default_factory=dict)
    """By bot."""
    _bots: tuple[str, ...] = ()
    _bots_at: float | None = None

    async def bot(self, wanted: str | None) -> str:
        """The id of the bot that is meant; Fault BOT_001 for an unknown one, and for none named among several."""
        bots = await self.bots()
        if wanted is not None and wanted not in bots:
            raise Fault("BOT_001", f"No bot has the id `{wanted:.40}`.", context={"botId": wanted[:40]})
        if wanted is not None:
            return wanted
        if len(bots) != 1:
            cause = f"There are {len(bots)} bots: name one with botId." if bots else "No bot has been started yet."
            raise Fault("BOT_001", cause, context={"bots": list(bots[:20])})
        return bots[0]

    async def bots(self) -> tuple[str, ...]:
        """The ids of all bots, at most a second old; older when the store can't be read now. Fault SYS_002 when it never could."""
        now = self.clock.monotonic()
        if self._bots_at is None or not self._bots or now - self._bots_at > BOTS_HOLD_SECONDS:
            try:
                self._bots = await asyncio.get_running_loop().run_in_executor(self.workers, self.store.bot_ids)
            except Fault:
                if not self._bots:
                    raise
            else:
                self._bots_at = now
        return self._bots

    def fresh(self, bot_id: str) -> Remembered | None:
        """What is remembered of the bot, unless it is older than the TTL."""
        known = self.facts.get(bot_id)
        return known if known is not None and self.clock.monotonic() - known.read_at < self.ttl else None
