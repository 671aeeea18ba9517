"""Counts: what the books have against what the venue has, number by number, and what differs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading_bot.domain.books import Books
from trading_bot.domain.config import BotConfig
from trading_bot.domain.fills import ADOPTED
from trading_bot.domain.money import ZERO, plain
from trading_bot.domain.orders import UNSETTLED
from trading_bot.domain.suspensions import SuspensionStatus
from trading_bot.services.reconciliation import ours
from trading_bot.venues.venue import VenueFill, VenueOrder, VenuePosition

# More than this many of one kind are counted, not listed: an answer stays small.
_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What books and venue have, and what differs."""

    fills: tuple[int, int, int]
    """Booked here, ours at the venue, others' at the venue."""
    orders: tuple[int, int, int]
    """Live here, ours live at the venue, others' live at the venue."""
    positions: tuple[int, int]
    """Symbols held here, and at the venue."""
    differs: tuple[str, ...]
    """Each difference in one sentence; those that an operator ignores are left out."""
    ignored: tuple[str, ...]
    """Differences that an operator ignores, in one sentence each."""

    def outcome(self) -> dict[str, Any]:
        """As JSON data, for a command's outcome."""
        return {
            "fills": dict(zip(("here", "venue", "foreign"), self.fills, strict=True)),
            "orders": dict(zip(("here", "venue", "foreign"), self.orders, strict=True)),
            "positions": dict(zip(("here", "venue"), self.positions, strict=True)),
            "differs": list(self.differs[:_LISTED]),
            "differences": len(self.differs),
            "ignored": list(self.ignored[:_LISTED]),
        }


def counted(
    config: BotConfig,
    books: Books,
    *,
    booked: Iterable[str],
    fills: Iterable[VenueFill],
    orders: Iterable[VenueOrder],
    positions: Iterable[VenuePosition],
) -> Counts:
    """The counts over all fills ever booked (`booked`: their ids) and made, and over what is live and held now.

    Ours is what is booked here, under whatever prefix it left, and what has our prefix.
    """
    here = {name for name in booked if not name.startswith(f"{ADOPTED}-")}
    made = {fill.id: fill.id in here or ours(config, fill.client_order_id) is not None for fill in fills}
    there = {name for name, is_ours in made.items() if is_ours}
    live = {order.client_order_id for order in books.live_orders}
    settled = {order.client_order_id for order in books.live_orders if order.status not in UNSETTLED}
    listed = {order.client_order_id for order in orders}
    working = {name for name in listed if ours(config, name) is not None}
    held = {symbol: position.quantity for symbol, position in books.positions.items() if position.lots}
    at_venue = {position.symbol: position.quantity for position in positions if position.quantity}
    differs, left_alone = _positions(books, held, at_venue)
    return Counts(
        fills=(len(here), len(there), len(made) - len(there)),
        orders=(len(live), len(working), len(listed) - len(working)),
        positions=(len(held), len(at_venue)),
        differs=(
            *differs,
            *(f"fill {name} is not booked here" for name in sorted(there - here)),
            *(f"fill {name} is not known at the venue" for name in sorted(here - there)),
            *(f"order {name} does not work at the venue" for name in sorted(settled - working)),
            *(f"order {name} works at the venue and has ended here" for name in sorted(working - live)),
        ),
        ignored=left_alone,
    )


def _positions(
    books: Books, held: Mapping[str, Decimal], at_venue: Mapping[str, Decimal]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The symbols whose quantities differ, in sentences: to be settled, and ignored."""
    differs: list[str] = []
    left_alone: list[str] = []
    for symbol in sorted({**held, **at_venue}):
        here, there = held.get(symbol, ZERO), at_venue.get(symbol, ZERO)
        if here == there:
            continue
        known = books.suspensions.get(symbol)
        is_ignored = known is not None and known.status is SuspensionStatus.IGNORED and known.difference == there - here
        text = f"{symbol[:40]}: {plain(here)} here, {plain(there)} at the venue"
        (left_alone if is_ignored else differs).append(text)
    return tuple(differs), tuple(left_alone)
