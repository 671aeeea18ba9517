"""A venue around another one that loses, delays, repeats and falsifies what passes through it, as a test tells it to."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from trading_bot.domain.account import Account
from trading_bot.domain.market import Bar, Quote
from trading_bot.domain.orders import OrderRequest
from trading_bot.venues.venue import (
    Confirmed,
    FeedEnded,
    MarketUpdate,
    NotYet,
    Rejected,
    Unknown,
    Venue,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

T = TypeVar("T")


class LyingVenue:
    """Passes everything on to `honest`, and every reply through the tampering that a test has set for that call."""

    def __init__(self, honest: Venue) -> None:
        self.honest = honest
        self.tampering: dict[str, Callable[[Any], Any]] = {}
        """By name of the call: what becomes of its reply."""
        self.unsent: set[str] = set()
        """Commands (place, cancel) that never reach the venue and are not answered."""
        self.unanswered: set[str] = set()
        """Commands that reach the venue and are not answered."""
        self.late: list[OrderRequest] = []
        """Orders that did not reach the venue; `deliver` lets them arrive."""

    async def deliver(self) -> None:
        """Let the requests that were lost on the way arrive after all."""
        for request in self.late:
            await self.honest.place(request)
        self.late.clear()

    @property
    def name(self) -> str:
        return self.honest.name

    @property
    def dedupes(self) -> bool:
        return self.honest.dedupes

    @property
    def replay_of(self) -> str | None:
        return self.honest.replay_of

    async def next_update(self, after: datetime | None) -> MarketUpdate | NotYet | FeedEnded:
        return self._told("next_update", await self.honest.next_update(after))

    async def symbols(self) -> tuple[str, ...]:
        return await self.honest.symbols()

    async def listed(self) -> frozenset[str] | None:
        return await self.honest.listed()

    async def follow(self, symbols: tuple[str, ...]) -> None:
        await self.honest.follow(symbols)

    async def account(self) -> Account:
        return self._told("account", await self.honest.account())

    async def positions(self) -> tuple[VenuePosition, ...]:
        return self._told("positions", await self.honest.positions())

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return self._told("open_orders", await self.honest.open_orders())

    async def order(self, client_order_id: str) -> VenueOrder | None:
        return self._told("order", await self.honest.order(client_order_id))

    async def fills_since(self, since: datetime) -> tuple[VenueFill, ...]:
        return self._told("fills_since", await self.honest.fills_since(since))

    async def place(self, request: OrderRequest) -> Confirmed | Rejected | Unknown:
        if "place" in self.unsent:
            self.late.append(request)
            return Unknown(reason="The request was lost.")
        return self._answered("place", await self.honest.place(request))

    async def cancel(self, client_order_id: str) -> Confirmed | Rejected | Unknown:
        if "cancel" in self.unsent:
            return Unknown(reason="The request was lost.")
        return self._answered("cancel", await self.honest.cancel(client_order_id))

    async def quote(self, symbol: str) -> Quote:
        return self._told("quote", await self.honest.quote(symbol))

    async def bars(self, symbol: str, *, until: datetime, count: int) -> tuple[Bar, ...]:
        return self._told("bars", await self.honest.bars(symbol, until=until, count=count))

    async def close(self) -> None:
        await self.honest.close()

    def _told(self, call: str, reply: T) -> T:
        return cast("T", self.tampering.get(call, lambda truth: truth)(reply))

    def _answered(self, call: str, reply: Confirmed | Rejected | Unknown) -> Confirmed | Rejected | Unknown:
        return Unknown(reason="The answer was lost.") if call in self.unanswered else self._told(call, reply)
