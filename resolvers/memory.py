"""Memory: the bots and their facts as the API last read them, for when nothing changed and for when the store can't be read."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass, field

from resolvers.facts import Facts
from resolvers.versions import StateVersions
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
    versions: StateVersions = field(init=False)
    """Which state of the books there is now."""
    outages: int = 0
    """Answers that were made of what was remembered, because the store could not be read."""
    _bots: tuple[str, ...] = ()
    _bots_at: float | None = None
    _bots_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.versions = StateVersions(store=self.store, workers=self.workers)

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
        """The ids of all bots, at most a second old, and not older than another bot that is known of by its version.

        Older when the store can't be read now. Fault SYS_002 when it never could.
        """
        now, counted = self.clock.monotonic(), self.versions.bots
        is_old = self._bots_at is None or now - self._bots_at > BOTS_HOLD_SECONDS
        if is_old or not self._bots or counted != self._bots_of:
            try:
                self._bots = await asyncio.get_running_loop().run_in_executor(self.workers, self.store.bot_ids)
            except Fault:
                if not self._bots:
                    raise
            else:
                self._bots_at, self._bots_of = now, counted
        return self._bots

    def fresh(self, bot_id: str) -> Remembered | None:
        """What is remembered of the bot, unless it is older than the TTL."""
        known = self.facts.get(bot_id)
        return known if known is not None and self.clock.monotonic() - known.read_at < self.ttl else None
