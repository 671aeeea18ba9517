"""Ordered: a subscription to numbered events, of which nobody misses one. Each is written once for all who share the subscription.

Those who have seen everything are sent what comes together, as it comes. Whoever begins further back, or reads too slowly to be sent
more, goes on by itself from the number that it saw last, at its own pace, until it has caught up: nobody waits for it, and nothing is
kept for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import islice

from graph.live.member import Member
from graph.live.payload import Payload
from graph.live.writer import Writer
from resolvers.counters import Counters
from trading_bot.clock import Clock
from trading_bot.domain.events import Event

Batch = tuple[tuple[Event, ...], int]
"""Events, and the number up to which there are no others."""
REMEMBERED = 1_024
"""Payloads of the latest events that are kept for those who are a little behind."""
AT_ONCE = 100
"""Members that are served before others have their turn."""


class OrderedGroup:
    """All who follow the same events. Used from the event loop only."""

    def __init__(
        self,
        *,
        follow: Callable[[int | None], AsyncGenerator[Batch, None]],
        writer: Writer,
        clock: Clock,
        counters: Counters,
        emptied: Callable[[], None],
    ) -> None:
        self._follow = follow
        self._writer = writer
        self._clock = clock
        self._counters = counters
        self._emptied = emptied
        self._head = 0
        self._present: dict[Member, None] = {}
        self._behind: dict[Member, asyncio.Task[None]] = {}
        self._leading: asyncio.Task[None] | None = None
        self._written: dict[int, Payload] = {}

    def add(self, member: Member) -> None:
        """Send it what comes behind the number that it names."""
        self._behind[member] = asyncio.get_running_loop().create_task(self._catch_up(member))

    def remove(self, member: Member) -> None:
        """Send it nothing more; without anyone nothing is done."""
        self._present.pop(member, None)
        task = self._behind.pop(member, None)
        if task is not None:
            task.cancel()
        if not self._present and not self._behind:
            if self._leading is not None:
                self._leading.cancel()
                self._leading = None
            self._emptied()

    async def _catch_up(self, member: Member) -> None:
        """Send what one member has not seen, until it has seen what everyone has."""
        try:
            await member.until_writable()
            async with aclosing(self._follow(member.after_seq)) as batches:
                async for events, seen in batches:
                    member.begin(())
                    for event in events:
                        payload = await self._payload(event)
                        await member.until_writable()
                        member.wire.show(member.opening, payload)
                        member.after_seq = event.seq
                        self._counters.shown(in_time=True)
                    member.after_seq = seen
                    if self._arrives(member, seen):
                        return
        except Exception as error:  # noqa: BLE001 - told to the one whom it concerns, in our shape
            self._give_up(member, error)

    def _arrives(self, member: Member, seen: int) -> bool:
        """Whether it has seen what everyone has; from then on it is sent what everyone is sent."""
        if self._leading is None:
            self._head = seen
            self._leading = asyncio.get_running_loop().create_task(self._lead())
        if seen < self._head:
            return False
        del self._behind[member]
        self._present[member] = None
        return True

    async def _lead(self) -> None:
        """Send everyone what comes."""
        try:
            async with aclosing(self._follow(self._head)) as batches:
                async for events, seen in batches:
                    payloads = [(event.seq, await self._payload(event)) for event in events]
                    self._head = seen  # first: who arrives from now on has seen these
                    await self._send(payloads, seen)
        except Exception as error:  # noqa: BLE001 - told to everyone, in our shape
            self._leading = None
            for member in tuple(self._present):
                self._give_up(member, error)

    async def _send(self, payloads: list[tuple[int, Payload]], seen: int) -> None:
        members = iter(tuple(self._present))
        while turn := tuple(islice(members, AT_ONCE)):
            for member in turn:
                if member in self._present:
                    self._send_one(member, payloads, seen)
            await self._clock.sleep(0)

    def _send_one(self, member: Member, payloads: list[tuple[int, Payload]], seen: int) -> None:
        before = member.after_seq or 0
        for seq, payload in payloads:
            if seq <= before:
                continue
            if not member.wire.is_writable:
                self._counters.shown(in_time=False)
                del self._present[member]
                self.add(member)
                return
            member.wire.show(member.opening, payload)
            member.after_seq = seq
            self._counters.shown(in_time=True)
        member.after_seq = max(before, seen)

    async def _payload(self, event: Event) -> Payload:
        known = self._written.get(event.seq)
        if known is None:
            operation = self._writer.operation()
            try:
                known = (await self._writer.write(event, operation)).payload
            finally:
                await operation.close()
            self._written[event.seq] = known
            if len(self._written) > REMEMBERED:
                del self._written[next(iter(self._written))]
        return known

    def _give_up(self, member: Member, error: Exception) -> None:
        self._behind.pop(member, None)  # its task is the one that gives up
        self.remove(member)
        member.end(self._writer.errors(error))
