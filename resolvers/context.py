"""Context: what a resolver may use: the store, the clock, the one service that writes, and who asks.

`Parts` live as long as the server, an `Operation` as long as one query, mutation or subscription, a `Context` belongs to one root field.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Snapshot, Views
from resolvers.stream import Stream
from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault
from trading_bot.services.acknowledgements import Acknowledgements
from trading_bot.services.commands import Commands
from trading_bot.services.config_apply import ConfigChanges
from trading_bot.services.config_tokens import PlanTokens
from trading_bot.services.tokens import Tokens
from trading_bot.store.store import Reading, Store
from workflows.desk import Desk

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all operations share."""

    store: Store
    clock: Clock
    commands: Commands
    tokens: Tokens
    """Gives out and checks what confirms a write."""
    acknowledgements: Acknowledgements
    workers: Executor
    """Threads for what is short in the store, and for writes; views have their own."""
    stream: Stream
    """Events as they are committed."""
    views: Views
    counters: Counters
    memory: Memory
    workflows: Desk
    """What can be run, and runs."""
    plan_tokens: PlanTokens
    """Seals planned changes of the configuration."""
    config_changes: ConfigChanges
    """Writes them, once opened."""


class Operation:
    """One operation: one caller, one moment, one view of the books. Must be closed."""

    def __init__(self, parts: Parts, caller: Caller) -> None:
        self.parts = parts
        self.caller = caller
        self._now: datetime | None = None
        self.snapshot = Snapshot(parts.views)
        self._roots: dict[str, Context] = {}

    @property
    def now(self) -> datetime:
        """The wall clock as it was when it was first asked for, which is mostly after the first read: no data is newer than its date."""
        if self._now is None:
            self._now = self.parts.clock.now()
        return self._now

    def of_root(self, key: str) -> "Context":
        """The context of the root field with that response key and of everything below it."""
        return self._roots.setdefault(key, Context(self))

    async def renew(self) -> None:
        """Go on to this moment: the next read sees the books as they are now."""
        await self.close()
        self._now = None

    async def close(self) -> None:
        """Let go of the view; a read that comes later makes a new one."""
        await self.snapshot.close()

    def end(self) -> None:
        """Forget the contexts: they and the operation hold each other, and all of it would stay until somebody looks for garbage."""
        self._roots.clear()


class Context:
    """What the resolvers of one root field use."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.parts = operation.parts
        self.caller = operation.caller
        self._bot_id: str | None = None

    @property
    def now(self) -> datetime:
        """The wall clock, the same all through the operation, UTC."""
        return self.operation.now

    def fork(self) -> "Context":
        """Another context of the same operation, to be about another bot."""
        return Context(self.operation)

    async def choose_bot(self, bot_id: str | None) -> str:
        """The bot that the field is about; Fault BOT_001 for one that does not exist, or where several do and none is named."""
        self._bot_id = await self.parts.memory.bot(bot_id)
        return self._bot_id

    async def read(self, work: Callable[[Reading], T]) -> T:
        """What `work` makes of the chosen bot's books; Fault SYS_002 when they can't be read."""
        if self._bot_id is None:
            raise Fault("SYS_001", "A field read the store before its bot was chosen.")
        return await self.operation.snapshot.read(self._bot_id, work)
