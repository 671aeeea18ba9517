"""Changes: what happened behind a point that the caller remembers, asked for or followed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from resolvers.context import Context
from resolvers.paging import require_first
from trading_bot.domain.events import Event, EventKind
from trading_bot.errors.fault import Fault
from trading_bot.store import changes


async def list_changes(
    context: Context,
    *,
    bot_id: str | None = None,
    after_seq: int,
    first: int,
    kinds: Sequence[EventKind] | None = None,
) -> tuple[Event, ...]:
    """The next events behind number `after_seq`, oldest first; none when nothing happened.

    Fault DATA_006 when there is no going on from that number, QRY_004 for `first` outside 1 to 100, a number below zero, and no kinds.
    """
    require_first(first)
    _require_place(after_seq)
    _require_kinds(kinds)
    await context.choose_bot(bot_id)
    return await context.read(lambda r: changes.list_changes(r, after_seq, first, kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Events that are followed from a place on."""

    context: Context
    """Of the one who follows."""
    bot_id: str | None
    """Of which bot, as it was named."""
    after_seq: int | None
    """Behind which number; null for from now on."""
    kinds: tuple[EventKind, ...] | None
    """Of which kinds, without repeats and in order; null for all."""

    async def bot(self) -> str:
        """The bot that is meant; Fault BOT_001 where none is."""
        return await self.context.choose_bot(self.bot_id)

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        """The events, in order and as they come. Faults as for `list_changes`."""
        chosen = await self.bot()
        async with aclosing(self.context.parts.stream.follow(chosen, self.after_seq, self.kinds)) as events:
            async for event in events:
                yield event


def watch_events(
    context: Context,
    *,
    bot_id: str | None = None,
    after_seq: int | None = None,
    kinds: Sequence[EventKind] | None = None,
) -> Followed:
    """Every event behind number `after_seq`, or from now on, in order and as it comes. Faults as for `list_changes`."""
    if after_seq is not None:
        _require_place(after_seq)
    _require_kinds(kinds)
    chosen = None if kinds is None else tuple(sorted(set(kinds), key=lambda kind: kind.name))
    return Followed(context=context, bot_id=bot_id, after_seq=after_seq, kinds=chosen)


def _require_place(after_seq: int) -> None:
    if after_seq < 0:
        cause = f"Expected `afterSeq` of zero or more, was {after_seq}."
        raise Fault("QRY_004", cause, context={"field": "afterSeq", "value": after_seq})


def _require_kinds(kinds: Sequence[EventKind] | None) -> None:
    if kinds is not None and not kinds:
        raise Fault("QRY_004", "Expected at least one of `kinds`, or none of it for all.", context={"field": "kinds"})
