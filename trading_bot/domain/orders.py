"""Orders: what the bot asks of a venue, and the one table of what may become of it.

An order is stored as INTENDED, with its client order id, before it is sent; the id is the same after any restart, so a venue that dedupes
can't be made to act twice. Every command to a venue ends confirmed, rejected or UNKNOWN; UNKNOWN is settled by look-up only. A fill may
arrive late, after the order was cancelled, has expired or was even rejected: it is booked all the same, and an order that is then wholly
filled is FILLED. All else leads forward only.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from trading_bot.domain.money import ZERO


class Side(Enum):
    """Direction of an order or of a trade."""

    BUY = "BUY"
    """Takes cash, adds to the position."""
    SELL = "SELL"
    """Brings cash, reduces the position."""


class OrderType(Enum):
    """How an order meets the market."""

    MARKET = "MARKET"
    """Fills at the next price."""
    LIMIT = "LIMIT"
    """Fills at its price or better."""
    STOP = "STOP"
    """Becomes a market order once its stop price trades."""
    STOP_LIMIT = "STOP_LIMIT"
    """Becomes a limit order once its stop price trades."""


class OrderStatus(Enum):
    """Where an order is in its life."""

    INTENDED = "INTENDED"
    """Stored here, not known to have been sent."""
    SUBMITTED = "SUBMITTED"
    """Sent; the venue has not answered yet."""
    ACCEPTED = "ACCEPTED"
    """The venue has it; nothing is filled."""
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    """A part is filled and the rest works."""
    FILLED = "FILLED"
    """Wholly filled. Final."""
    PENDING_CANCEL = "PENDING_CANCEL"
    """A cancel was sent and not answered yet."""
    CANCELLED = "CANCELLED"
    """Taken back, with what was filled before. Final but for a late fill."""
    EXPIRED = "EXPIRED"
    """Ended by time, or never sent. Final but for a late fill."""
    REJECTED = "REJECTED"
    """The venue refused it. Final but for a late fill."""
    UNKNOWN = "UNKNOWN"
    """The venue's answer is not known; a look-up settles it. Counts as live."""


class Leg(Enum):
    """Which part of a plan an order serves."""

    ENTRY = "E"
    """Opens the position."""
    EXIT = "X"
    """Closes it, wholly or in part."""


_S = OrderStatus
_ENDINGS = frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED})
_VENUE_HAS_IT = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.UNKNOWN}) | _ENDINGS
# The one table. A status may always stay as it is; what is not listed can't happen, and is reported instead of stored.
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.INTENDED: frozenset({_S.SUBMITTED, _S.EXPIRED}),
    _S.SUBMITTED: _VENUE_HAS_IT,
    _S.ACCEPTED: (_VENUE_HAS_IT - {_S.ACCEPTED}),
    _S.PARTIALLY_FILLED: (_VENUE_HAS_IT - {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.REJECTED}),
    _S.PENDING_CANCEL: (_VENUE_HAS_IT - {_S.PENDING_CANCEL}),
    _S.UNKNOWN: (_VENUE_HAS_IT - {_S.UNKNOWN}) | {_S.SUBMITTED},
    _S.FILLED: frozenset(),
    _S.CANCELLED: frozenset({_S.FILLED}),
    _S.EXPIRED: frozenset({_S.FILLED, _S.CANCELLED}),
    _S.REJECTED: frozenset({_S.FILLED}),
}
LIVE = frozenset(OrderStatus) - _ENDINGS
"""Statuses in which an order may still act."""
WORKING = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED})
"""Statuses in which the venue is known to work the order."""
UNSETTLED = frozenset({_S.INTENDED, _S.SUBMITTED, _S.UNKNOWN, _S.PENDING_CANCEL})
"""Statuses that a look-up at the venue must settle."""


def may_become(before: OrderStatus, after: OrderStatus) -> bool:
    """Whether an order in `before` may be seen in `after` next."""
    return before is after or after in TRANSITIONS[before]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order of ours, from the intent to its end."""

    client_order_id: str
    """Our id: prefix-bot-base32(plan, leg, attempt), at most 36 characters, the same after any restart."""
    venue_order_id: str | None
    """The venue's id; null until it answered."""
    plan_id: str
    """The plan that the order serves."""
    leg: Leg
    """Entry or exit of that plan."""
    attempt: int
    """Counts the orders of one leg, from 0 to 32,767."""
    symbol: str
    """Instrument symbol."""
    side: Side
    """BUY or SELL."""
    order_type: OrderType
    """How it meets the market."""
    quantity: Decimal
    """Ordered, in shares or coins, above zero."""
    filled: Decimal
    """Filled so far, in shares or coins: the sum of its booked fills."""
    price: Decimal | None
    """Limit price; null for market and stop orders."""
    stop_price: Decimal | None
    """Price that triggers a stop order; null for others."""
    average_price: Decimal | None
    """Mean price of its fills, weighted by quantity; null before the first."""
    status: OrderStatus
    """Where it is in its life."""
    reason: str | None
    """Why it was sent or how it ended, at most 500 bytes."""
    good_until: datetime | None
    """Venue time after which the bot cancels what still rests; null keeps it."""
    created_at: datetime
    """Venue time of the intent, UTC."""
    updated_at: datetime
    """Venue time of the last change, UTC."""

    @property
    def order_id(self) -> str:
        """The venue's id, or ours while the venue has not answered."""
        return self.venue_order_id or self.client_order_id

    @property
    def remaining(self) -> Decimal:
        """Not yet filled, in shares or coins; zero once the order has ended."""
        return max(self.quantity - self.filled, ZERO) if self.status in LIVE else ZERO

    @property
    def is_live(self) -> bool:
        """Whether the order may still act."""
        return self.status in LIVE


def is_due(attempts: Sequence[Order], at: datetime) -> bool:
    """Whether the next order of a leg may be sent at venue time `at`, after these (oldest first).

    The first three refusals in a row are each followed by an attempt at the next bar; then the pause doubles, to at most 16 minutes: an
    exit that is refused is tried for ever, without flooding the venue or running out of attempts.
    """
    refused = 0
    for order in reversed(attempts):
        if order.status is not OrderStatus.REJECTED:
            break
        refused += 1
    if refused <= _PROMPT_ATTEMPTS:
        return True
    return at - attempts[-1].created_at >= timedelta(minutes=min(2 ** (refused - _PROMPT_ATTEMPTS), _LONGEST_PAUSE))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What is sent to a venue."""

    client_order_id: str
    """Our id; a repeated one is answered with the first order."""
    symbol: str
    """Instrument symbol."""
    side: Side
    """BUY or SELL."""
    order_type: OrderType
    """How it meets the market."""
    quantity: Decimal
    """Shares or coins, above zero."""
    price: Decimal | None = None
    """Limit price, for LIMIT and STOP_LIMIT."""
    stop_price: Decimal | None = None
    """Trigger, for STOP and STOP_LIMIT."""

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            msg = f"Expected a positive quantity, was {self.quantity}."
            raise ValueError(msg)
        for name, needed, value in (
            ("price", self.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT), self.price),
            ("stop_price", self.order_type in (OrderType.STOP, OrderType.STOP_LIMIT), self.stop_price),
        ):
            if needed != (value is not None) or (value is not None and value <= 0):
                msg = f"Expected {'a positive' if needed else 'no'} `{name}` for a {self.order_type.value} order, was {value}."
                raise ValueError(msg)


_CLIENT_ORDER_ID = re.compile(r"([a-z0-9]{1,6})-([a-z0-9]{1,8})-([a-z2-7]{16})")
_LEGS = tuple(Leg)
_LAST_ATTEMPT = 0x7FFF
_PROMPT_ATTEMPTS = 3
_LONGEST_PAUSE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOrderId:
    """The parts of a client order id of ours: what it says of the order even when nothing else is left."""

    prefix: str
    """Marks the orders of this installation at the venue."""
    bot: str
    """Short name of the bot."""
    plan_id: str
    """Plan that the order serves: 13 base32 characters."""
    leg: Leg
    """Entry or exit."""
    attempt: int
    """Counts the orders of one leg, from 0 to 32,767."""

    def __post_init__(self) -> None:
        if not 0 <= self.attempt <= _LAST_ATTEMPT:  # the next would be an attempt of the other leg
            msg = f"Expected an attempt from 0 to {_LAST_ATTEMPT}, was {self.attempt}."
            raise ValueError(msg)

    @property
    def mark(self) -> str:
        """What all ids of one bot begin with under one prefix, such as bg-main."""
        return f"{self.prefix}-{self.bot}"

    def __str__(self) -> str:
        packed = _unbase32(self.plan_id) + (_LEGS.index(self.leg) << 15 | self.attempt).to_bytes(2, "big")
        return f"{self.mark}-{_base32(packed)}"


def parse_client_order_id(text: str) -> ClientOrderId | None:
    """The parts of `text`, or null when it was not made here."""
    match = _CLIENT_ORDER_ID.fullmatch(text)
    if match is None:
        return None
    packed = base64.b32decode(match[3].upper())
    leg_and_attempt = int.from_bytes(packed[8:], "big")
    return ClientOrderId(
        prefix=match[1],
        bot=match[2],
        plan_id=_base32(packed[:8]),
        leg=_LEGS[leg_and_attempt >> 15],
        attempt=leg_and_attempt & _LAST_ATTEMPT,
    )


def plan_id_from(digest: bytes) -> str:
    """A plan id from the first 8 bytes of a digest: 13 base32 characters."""
    return _base32(digest[:8])


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
