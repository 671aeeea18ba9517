"""Changes: the bot's event stream, numbered without gaps. `Writing.changed` appends to it."""

from collections.abc import Collection

from trading_bot.domain.events import Event, EventKind
from trading_bot.store.rows import made, of_bot, select_of
from trading_bot.store.tables import changes
from trading_bot.store.transaction import Reading


def list_changes(
    r: Reading, after_seq: int, first: int, kinds: Collection[EventKind] | None = None
) -> tuple[Event, ...]:
    """Up to `first` events behind number `after_seq`, oldest first; of some kinds only, where they are named."""
    query = select_of(Event, changes).where(of_bot(r, changes), changes.c.seq > after_seq)
    if kinds is not None:
        query = query.where(changes.c.kind.in_(sorted(kinds, key=lambda kind: kind.value)))
    return tuple(made(Event, row) for row in r.connection.execute(query.order_by(changes.c.seq).limit(first)))
