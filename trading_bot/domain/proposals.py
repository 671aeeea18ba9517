"""Proposals: what a strategy wants to enter, with its reasons as data."""

from dataclasses import dataclass
from decimal import Decimal

from trading_bot.domain.orders import OrderType


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryProposal:
    """One entry that a strategy proposes; risk and size are decided elsewhere."""

    symbol: str
    """Instrument symbol."""
    strategy_name: str
    """Who proposes it."""
    entry_type: str
    """How it enters: breakout, pullback."""
    order_type: OrderType
    """STOP for a breakout, LIMIT for a pullback, MARKET for at once."""
    entry_price: Decimal
    """Trigger or limit price, or the price expected for a market order."""
    stop_price: Decimal
    """Below the entry."""
    target_price: Decimal | None
    """Above the entry; null for none."""
    good_for_bars: int
    """Minutes of venue time after which what still rests is cancelled, at least 1."""
    reasoning: str
    """Why, in words, at most 500 bytes."""
    indicators: dict[str, str]
    """The indicators used, by name, with their values as plain text."""

    def __post_init__(self) -> None:
        if not 0 < self.stop_price < self.entry_price:
            msg = f"Expected a stop above zero and below the entry at {self.entry_price}, was {self.stop_price}."
            raise ValueError(msg)
        if self.target_price is not None and self.target_price <= self.entry_price:
            msg = f"Expected a target above the entry at {self.entry_price}, was {self.target_price}."
            raise ValueError(msg)
        if self.good_for_bars < 1:
            msg = f"Expected an entry that is good for at least one bar, was {self.good_for_bars}."
            raise ValueError(msg)
