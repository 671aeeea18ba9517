"""Venue: what the bot needs of any place that it trades at.

Every command ends confirmed, rejected or unknown: `place` and `cancel` return one of the three and raise nothing for them. A read that
fails raises a Fault (API_429, DATA_001, DATA_002, DATA_004, DATA_005). Times are venue time in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading_bot.domain.account import Account
from trading_bot.domain.fills import Liquidity
from trading_bot.domain.market import Bar, Quote, quote_of
from trading_bot.domain.orders import OrderRequest, OrderStatus, OrderType, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue has it."""

    order_id: str
    """The venue's id."""
    client_order_id: str
    """The id that it was placed with."""
    symbol: str
    """Instrument symbol."""
    side: Side
    """BUY or SELL."""
    order_type: OrderType
    """How it meets the market."""
    quantity: Decimal
    """Ordered."""
    filled: Decimal
    """Filled so far."""
    price: Decimal | None
    """Limit price."""
    stop_price: Decimal | None
    """Trigger."""
    average_price: Decimal | None
    """Mean fill price; null before the first fill."""
    status: OrderStatus
    """ACCEPTED, PARTIALLY_FILLED, FILLED, PENDING_CANCEL, CANCELLED, EXPIRED or REJECTED."""
    reason: str | None
    """The venue's text on how it ended: untrusted."""
    created_at: datetime
    """When the venue took it."""
    updated_at: datetime
    """When it last changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """An execution as the venue reports it."""

    id: str
    """The venue's id of the execution; a repeated report has the same."""
    order_id: str
    """The venue's id of the order."""
    client_order_id: str
    """The id that the order was placed with."""
    symbol: str
    """Instrument symbol."""
    side: Side
    """BUY or SELL."""
    quantity: Decimal
    """Shares or coins, above zero."""
    price: Decimal
    """In the quote currency."""
    fee: Decimal
    """In the quote currency."""
    liquidity: Liquidity | None
    """MAKER or TAKER, where the venue says."""
    timestamp: datetime
    """When it was executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """What the venue says is held."""

    symbol: str
    """Instrument symbol."""
    quantity: Decimal
    """Shares or coins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketUpdate:
    """The next minute of the market, over."""

    time: datetime
    """The venue's clock: the end of that minute. Strictly later than the one before."""
    bars: tuple[Bar, ...]
    """The bars that ended then, by symbol; at least one."""
    market_open: frozenset[str]
    """Symbols for which an order sent now can match at the next bar: regular hours for equities, always for crypto."""
    quotes: tuple[Quote, ...] = ()
    """Prices with bid, ask and sizes at that time, by symbol, where the venue has them; a venue made of candles has none."""

    @property
    def prices(self) -> tuple[Quote, ...]:
        """The latest price of each symbol: its quote, else its bar's close."""
        quoted = {quote.symbol for quote in self.quotes}
        return (*self.quotes, *(quote_of(bar) for bar in self.bars if bar.symbol not in quoted))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """Nothing new; ask again."""

    wait_seconds: float
    """Wall-clock seconds after which asking makes sense."""
    stale: bool = False
    """Whether the market should have moved and did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEnded:
    """There will be no more bars."""

    reason: str
    """Why, in our words: feed ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The venue did it."""

    order: VenueOrder
    """The order as it is now; for a repeated client order id, the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The venue definitely did not do it."""

    code: str
    """ORD_001, ORD_004 or API_429."""
    reason: str
    """The venue's text: untrusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It may have happened; only a look-up tells."""

    reason: str
    """What went wrong, in our words."""


class Venue(Protocol):
    """A place to trade at."""

    @property
    def name(self) -> str:
        """Short name: paper."""
        ...

    @property
    def dedupes(self) -> bool:
        """Whether a repeated client order id is answered with the first order."""
        ...

    @property
    def replay_of(self) -> str | None:
        """Name of the file that is replayed; null for a market that is not a replay."""
        ...

    async def next_update(self, after: datetime | None) -> MarketUpdate | NotYet | FeedEnded:
        """The minute that follows `after`, the last one that the bot has wholly handled (null: none yet).

        A venue whose clock already stands later than `after` repeats the update of its clock: it moves only when the bot has handled the
        last one. So no bar is skipped or handled twice, whenever the bot is killed.
        """
        ...

    async def symbols(self) -> tuple[str, ...]:
        """Every symbol that can be traded, sorted."""
        ...

    async def listed(self) -> frozenset[str] | None:
        """Every symbol that the venue has, whether it is traded or not; null where it has any."""
        ...

    async def follow(self, symbols: tuple[str, ...]) -> None:
        """Trade these symbols from the next bar on, all of them for none, and what is still held. CFG_001 for one that it does not have."""
        ...

    async def account(self) -> Account:
        """Money, as of now."""
        ...

    async def positions(self) -> tuple[VenuePosition, ...]:
        """What is held, whoever bought it."""
        ...

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Orders that may still act, whoever placed them, oldest first."""
        ...

    async def order(self, client_order_id: str) -> VenueOrder | None:
        """The order of that client id, live or ended; null when the venue has none."""
        ...

    async def fills_since(self, since: datetime) -> tuple[VenueFill, ...]:
        """Executions at or after `since`, in the order in which they happened."""
        ...

    async def place(self, request: OrderRequest) -> Confirmed | Rejected | Unknown:
        """Place an order."""
        ...

    async def cancel(self, client_order_id: str) -> Confirmed | Rejected | Unknown:
        """Cancel an order. Cancelling one that has ended confirms it as it is."""
        ...

    async def quote(self, symbol: str) -> Quote:
        """The latest price."""
        ...

    async def bars(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        """The last `count` bars that were over at `until`, oldest first, as far back as the feed knows (warm-up included)."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...
