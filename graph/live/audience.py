"""Audience: those who are shown the same, and how it gets to them without keeping everyone else waiting."""

from itertools import islice

from graph.live.member import Errors, Member
from graph.live.payload import Payload
from resolvers.counters import Counters
from trading_bot.clock import Clock

AT_ONCE = 100
"""Members that are served before others have their turn: some milliseconds' work."""


class Audience:
    """Members that are shown the same. Used from the event loop only."""

    def __init__(self, *, clock: Clock, counters: Counters) -> None:
        self._clock = clock
        self._counters = counters
        self._members: dict[Member, None] = {}

    def __contains__(self, member: Member) -> bool:
        return member in self._members

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: Member) -> None:
        """Show it what comes from now on."""
        self._members[member] = None

    def discard(self, member: Member) -> None:
        """Show it nothing more."""
        self._members.pop(member, None)

    async def show(self, payload: Payload) -> None:
        """Send it to everyone; who reads slowly gets the newest as soon as it can."""
        members = iter(tuple(self._members))
        while turn := tuple(islice(members, AT_ONCE)):
            for member in turn:
                if member.is_open:
                    self._counters.shown(in_time=member.show(payload))
            await self._clock.sleep(0)

    def end(self, errors: Errors | None) -> None:
        """Tell everyone that nothing more comes."""
        members, self._members = tuple(self._members), {}
        for member in members:
            member.end(errors)
