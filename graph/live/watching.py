"""Watching: a subscription to how something is. Whoever comes is answered at once, and then with everyone, whenever it may be another.

All answers are made one after the other, so nobody is shown an older one after a newer one, and nobody misses one in between. Those who
come while an answer is made get the next one together.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from graph.live.audience import Audience
from graph.live.member import Member
from graph.live.writer import Writer, Written
from resolvers.watches import Watched
from trading_bot.errors.fault import Fault


class WatchingGroup:
    """All who watch the same. Used from the event loop only."""

    def __init__(self, *, source: Watched, writer: Writer, audience: Audience, emptied: Callable[[], None]) -> None:
        self._source = source
        self._writer = writer
        self._audience = audience
        self._emptied = emptied
        self._coming: list[Member] = []
        self._turn = asyncio.Lock()
        self._greeting: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    def add(self, member: Member) -> None:
        """Answer it now, and whenever there is another answer."""
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
                    first, is_last = await self._answer(self._source.look)
                except Exception as error:  # noqa: BLE001 - told to those who came, in our shape
                    errors = self._writer.errors(error)
                    for member in coming:
                        member.end(errors)
                    continue
                for member in coming:
                    self._welcome(member, first, is_last=is_last)
        self._greeting = None
        self._end_if_empty()

    def _welcome(self, member: Member, first: Written, *, is_last: bool) -> None:
        if not member.is_open:
            return
        member.begin(first.codes)
        member.show(first.payload)
        if is_last:
            member.end(None)
            return
        self._audience.add(member)
        if self._following is None:
            self._following = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        errors = None
        try:
            async with aclosing(self._source.moves()) as moves:
                async for _ in moves:
                    async with self._turn:
                        written, is_last = await self._answer(self._source.look_again)
                        await self._audience.show(written.payload)
                    if is_last:
                        break
                    self._end_if_empty()
        except Exception as error:  # noqa: BLE001 - told to everyone, in our shape
            errors = self._writer.errors(error)
        self._following = None
        self._audience.end(errors)
        self._end_if_empty()

    async def _answer(self, look: Callable[[], Awaitable[Any]]) -> tuple[Written, bool]:
        """How it is now, as it is sent, and whether it stays so."""
        operation = self._source.context.operation
        try:
            seen = await look()
            written = await self._writer.write(seen, operation)
        finally:
            await operation.close()
        return written, not isinstance(seen, Fault) and self._source.is_last(seen)

    def _end_if_empty(self) -> None:
        if self._coming or len(self._audience) or self._turn.locked():
            return  # what is under way is not interrupted, for it may hold a view of the store: it comes here itself
        if self._following is not None:
            self._following.cancel()
            self._following = None
        self._emptied()
