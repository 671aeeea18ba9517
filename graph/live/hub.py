"""Hub: brings those who subscribe to the same together, so that it is carried out once for all of them, and only while there is one."""

from collections.abc import AsyncGenerator, Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, cast

from graph.execution import Executor, Prepared
from graph.live.audience import Audience
from graph.live.frames import opening
from graph.live.member import Errors, Member, Wire
from graph.live.ordered import Batch, OrderedGroup
from graph.live.shares import Shares, nobody
from graph.live.sources import CanNotBeginError, source_of
from graph.live.watching import WatchingGroup
from graph.live.writer import Writer
from resolvers.changes import Followed
from resolvers.watches import Watched
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault


class Group(Protocol):
    """All who have the same subscription open."""

    def add(self, member: Member) -> None:
        """Answer it."""
        ...

    def remove(self, member: Member) -> None:
        """Answer it no more."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """One subscription of one socket, as its session knows it."""

    member: Member
    group: Group
    left: Callable[[], None]

    def cancel(self) -> None:
        """End it; nothing more is sent for it."""
        if self.member.is_open:
            self.member.is_open = False
            self.left()
            self.group.remove(self.member)


@dataclass(slots=True, kw_only=True)
class Live:
    """All subscriptions that are open. Used from the event loop only."""

    executor: Executor
    _shares: Shares = field(default_factory=Shares)
    _groups: dict[Hashable, Group] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many distinct ones there are."""
        return len(self._groups)

    async def subscribe(
        self,
        prepared: Prepared,
        caller: Caller,
        *,
        id: str,
        wire: Wire,
        began: Callable[[tuple[str, ...]], None],
        ended: Callable[[Errors | None], None],
    ) -> Subscription:
        """Open one: from now on its messages go out on `wire`. CanNotBeginError where it can't.

        `began` is told the codes of the first answer, `ended` that nothing more comes, unless the subscription is cancelled.
        """
        counters = self.executor.parts.counters
        try:
            group, after_seq = await self._group(prepared, caller)
        except Fault as fault:
            raise CanNotBeginError([self.executor.shape.of_fault(fault)]) from None

        def over(errors: Errors | None) -> None:
            counters.subscribers -= 1
            ended(errors)

        def left() -> None:
            counters.subscribers -= 1

        member = Member(wire=wire, opening=opening(id), began=began, ended=over, after_seq=after_seq)
        counters.subscribers += 1
        group.add(member)
        return Subscription(member=member, group=group, left=left)

    async def _group(self, prepared: Prepared, caller: Caller) -> tuple[Group, int | None]:
        """Those who have the same open, and behind which event this one begins."""
        whole = self._shares.whole(prepared, caller)
        if whole in self._groups:
            return self._groups[whole], None
        writer = Writer(executor=self.executor, prepared=prepared, caller=nobody(caller))
        operation = writer.operation()
        source = await source_of(self.executor, prepared, operation)
        if isinstance(source, Followed):
            bot_id = await source.bot()
            below = ("events", bot_id, source.kinds, self._shares.without_place(prepared, caller))
            return self._known(below, partial(self._ordered, source, bot_id, writer)), source.after_seq
        writer.keeps_parts = True
        return self._known(whole, partial(self._watching, cast("Watched", source), writer)), None

    def _known(self, key: Hashable, make: Callable[[Callable[[], None]], Group]) -> Group:
        """The group of that key, made now where there is none."""
        known = self._groups.get(key)
        if known is not None:
            return known

        def forget() -> None:
            if self._groups.get(key) is made:
                del self._groups[key]

        made = self._groups[key] = make(forget)
        return made

    def _watching(self, source: Watched, writer: Writer, emptied: Callable[[], None]) -> Group:
        parts = self.executor.parts
        audience = Audience(clock=parts.clock, counters=parts.counters)
        return WatchingGroup(source=source, writer=writer, audience=audience, emptied=emptied)

    def _ordered(self, source: Followed, bot_id: str, writer: Writer, emptied: Callable[[], None]) -> Group:
        parts = self.executor.parts

        def follow(after_seq: int | None) -> AsyncGenerator[Batch, None]:
            return parts.stream.batches(bot_id, after_seq, source.kinds)

        return OrderedGroup(follow=follow, writer=writer, clock=parts.clock, counters=parts.counters, emptied=emptied)
