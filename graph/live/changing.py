"""Changing: a subscription whose source tells of each change of one thing. All see the same source; the newest answer counts.

Whoever comes is answered by a look of its own, shared with those who come at the same time, and from then on with everyone.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from graph.live.audience import Audience
from graph.live.member import Member
from graph.live.writer import Writer, Written
from resolvers.context import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """One look at a source, and what follows."""

    operation: Operation
    values: AsyncIterator[Any]

    async def close(self) -> None:
        """Let go of it."""
        if isinstance(self.values, AsyncGenerator):
            await self.values.aclose()
        await self.operation.close()


class ChangingGroup:
    """All who have one such subscription open. Used from the event loop only."""

    def __init__(
        self, *, look: Callable[[], Awaitable[Changes]], writer: Writer, audience: Audience, emptied: Callable[[], None]
    ) -> None:
        self._look = look
        self._writer = writer
        self._audience = audience
        self._emptied = emptied
        self._coming: list[Member] = []
        self._greeting: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    def add(self, member: Member) -> None:
        """Answer it now, and with each change."""
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
            coming, self._coming = self._coming, []
            changes = None
            try:
                changes = await self._look()
                first = await self._next(changes)
            except Exception as error:  # noqa: BLE001 - told to those who came, in our shape
                if changes is not None:
                    await changes.close()
                errors = self._writer.errors(error)
                for member in coming:
                    member.end(errors)
                continue
            self._welcome(coming, first)
            if first is not None and self._following is None and len(self._audience):
                self._following = asyncio.get_running_loop().create_task(self._follow(changes))
            else:
                await changes.close()
        self._greeting = None
        self._end_if_empty()

    def _welcome(self, coming: list[Member], first: Written | None) -> None:
        for member in coming:
            if not member.is_open:
                continue
            if first is None:  # it was over before it began
                member.end(None)
                continue
            member.begin(first.codes)
            member.show(first.payload)
            self._audience.add(member)

    async def _follow(self, changes: Changes) -> None:
        errors = None
        try:
            while (written := await self._next(changes)) is not None:
                await self._audience.show(written.payload)
        except Exception as error:  # noqa: BLE001 - told to everyone, in our shape
            errors = self._writer.errors(error)
        finally:
            await changes.close()
        self._following = None
        self._audience.end(errors)
        self._end_if_empty()

    async def _next(self, changes: Changes) -> Written | None:
        """The next answer; null when the source is at its end."""
        async for value in changes.values:
            try:
                return await self._writer.write(value, changes.operation)
            finally:
                await changes.operation.close()  # whoever waits must not keep a view of the store
        return None

    def _end_if_empty(self) -> None:
        if self._coming or len(self._audience) or self._greeting is not None:
            return
        if self._following is not None:
            self._following.cancel()
            self._following = None
        self._emptied()
