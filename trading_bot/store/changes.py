"""Changes: the bot's event stream, numbered without gaps. `Writing.changed` appends to it.

Events are kept for 30 days. What is pruned is always the oldest, so the stream stays without gaps from the first that is kept.
"""

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from trading_bot.domain.events import Event, EventKind
from trading_bot.errors.fault import Fault
from trading_bot.store.rows import made, of_bot, select_of
from trading_bot.store.tables import changes
from trading_bot.store.transaction import Reading, Writing

CHANGES_KEPT = timedelta(days=30)
"""How long an event is kept, by the wall clock."""
PRUNED_AT_ONCE = 1000
"""Events that one pruning forgets at most, so that no commit of the bot's loop takes long."""


def list_changes(
    r: Reading, after_seq: int, first: int, kinds: Collection[EventKind] | None = None
) -> tuple[Event, ...]:
    """Up to `first` events behind number `after_seq`, oldest first; of some kinds only, where they are named.

    DATA_006 when events behind `after_seq` have been pruned, or when it is a number that the stream has not reached.
    """
    _require_kept(r, after_seq)
    query = select_of(Event, changes).where(of_bot(r, changes), changes.c.seq > after_seq)
    if kinds is not None:
        query = query.where(changes.c.kind.in_(sorted(kinds, key=lambda kind: kind.value)))
    return tuple(made(Event, row) for row in r.connection.execute(query.order_by(changes.c.seq).limit(first)))


def oldest_seq(r: Reading) -> int:
    """The number of the oldest event that is kept; that of the next one when none is."""
    oldest = sa.select(changes.c.seq).where(of_bot(r, changes)).order_by(changes.c.seq).limit(1)
    return r.connection.execute(oldest).scalar() or r.seq() + 1


def prune_changes(w: Writing) -> int:
    """Forget events of more than 30 days ago, the oldest first and up to 1,000 of them, and say how many."""
    oldest = sa.select(changes.c.seq, changes.c.at).where(of_bot(w, changes)).order_by(changes.c.seq)
    first = w.connection.execute(oldest.limit(1)).one_or_none()
    if first is None or first.at > w.now - CHANGES_KEPT:
        return 0
    rows = w.connection.execute(oldest.limit(PRUNED_AT_ONCE)).all()
    # The wall clock may have been set back meanwhile: what is forgotten ends before the first that must be kept.
    kept = next((row.seq for row in rows if row.at > w.now - CHANGES_KEPT), rows[-1].seq + 1)
    w.connection.execute(changes.delete().where(of_bot(w, changes), changes.c.seq < kept))
    return int(kept - first.seq)


def _require_kept(r: Reading, after_seq: int) -> None:
    oldest, latest = oldest_seq(r), r.seq()
    context = {"afterSeq": after_seq, "oldestSeq": oldest, "latestSeq": latest}
    if after_seq > latest:
        raise Fault(
            "DATA_006", f"The stream has come to {latest}, {after_seq} is not a number of it yet.", context=context
        )
    if after_seq + 1 < oldest:
        raise Fault(
            "DATA_006",
            f"The oldest event that is kept is {oldest}; those from {after_seq + 1} are gone.",
            context=context,
        )
