"""Paced: a subscription with a cadence. Whoever comes is answered at once, and from then on with everyone, at the shared tick.

All answers are made one after the other, so nobody is shown an older one after a newer one. Those who come while an answer is made get
the next one together.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from graph.live.audience import Audience
from graph.live.member import Errors, Member
from graph.live.writer import Writer, Written
from resolvers.watches import Paced


class PacedGroup:
    """All who have one paced subscription open. Used from the event loop only."""

    def __init__(self, *, source: Paced[Any], writer: Writer, audience: Audience, emptied: Callable[[], None]) -> None:
        self._source = source
        self._writer = writer
        self._audience = audience
        self._emptied = emptied
        self._started = source.context.parts.clock.monotonic()
        self._coming: list[Member] = []
        self._turn = asyncio.Lock()
        self._greeting: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None

    def add(self, member: Member) -> None:
        """Answer it now, and at each tick."""
        self._coming.append(member)
        if self._greeting is None:
            self._greeting = asyncio.get_running_loop().create_task(self._greet())

    def remove(self, member: Member) -> None:
        """Answer it no more; without anyone nothing is done."""
        self._audience.discard(member)
        if member in self._coming:
            self._coming.remove(member)
        self._end_if_empty()

    async def _greet(self) -> None:
        while self._coming:
            async with self._turn:
                coming, self._coming = self._coming, []
                try:
                    first = await self._answer(self._source.look)
                except Exception as error:  # noqa: BLE001 - told to those who came, in our shape
                    _end(coming, self._writer.errors(error))
                    continue
                for member in coming:
                    self._welcome(member, first)
        self._greeting = None
        self._end_if_empty()

    def _welcome(self, member: Member, first: Written) -> None:
        if not member.is_open:
            return
        member.begin(first.codes)
        member.show(first.payload)
        self._audience.add(member)
        if self._ticking is None:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        try:
            while True:
                await self._source.until_tick(self._started)
                async with self._turn:
                    written = await self._answer(self._source.look_or_fault)
                    await self._audience.show(written.payload)
                self._end_if_empty()
        except Exception as error:  # noqa: BLE001 - told to everyone, in our shape
            self._ticking = None
            self._audience.end(self._writer.errors(error))
            self._end_if_empty()

    async def _answer(self, look: Callable[[], Awaitable[Any]]) -> Written:
        operation = self._source.context.operation
        try:
            return await self._writer.write(await look(), operation)
        finally:
            await operation.close()

    def _end_if_empty(self) -> None:
        if self._coming or len(self._audience) or self._turn.locked():
            return  # what is under way is not interrupted, for it may hold a view of the store: it comes here itself
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        self._emptied()


def _end(members: list[Member], errors: Errors) -> None:
    for member in members:
        member.end(errors)
