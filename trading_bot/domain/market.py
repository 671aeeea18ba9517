"""The market as a venue shows it: bars and quotes.

A bar is known only when it is over: at its timestamp plus its length.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

BAR_LENGTH = timedelta(minutes=1)


def require_utc(name: str, moment: datetime) -> None:
    """Refuse a time that is not aware UTC."""
    if moment.tzinfo is not UTC:
        msg = f"Expected `{name}` in UTC, was {moment!r}."
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Prices and volume of one symbol over one minute."""

    symbol: str
    """Instrument symbol."""
    timestamp: datetime
    """When the bar opened, UTC. It is known one bar length later."""
    open: Decimal
    """First price, in the quote currency, above zero."""
    high: Decimal
    """Highest price; at least open, low and close."""
    low: Decimal
    """Lowest price; at most open, high and close."""
    close: Decimal
    """Last price, above zero."""
    volume: Decimal
    """Shares or coins traded in the bar, zero or more."""

    def __post_init__(self) -> None:
        require_utc("timestamp", self.timestamp)
        if not all(price.is_finite() for price in (self.open, self.high, self.low, self.close, self.volume)):
            msg = f"Expected finite prices and volume for {self.symbol} at {self.timestamp:%Y-%m-%dT%H:%MZ}."
            raise ValueError(msg)
        if not 0 < self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            msg = (
                f"Expected 0 < low <= open, close <= high, was open {self.open}, high {self.high}, "
                f"low {self.low}, close {self.close}."
            )
            raise ValueError(msg)
        if self.volume < 0:
            msg = f"Expected a volume of zero or more, was {self.volume}."
            raise ValueError(msg)

    @property
    def known_at(self) -> datetime:
        """When the bar is over and may be acted on."""
        return self.timestamp + BAR_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The latest price of one symbol; bid, ask and sizes are null where a venue made of candles has none."""

    symbol: str
    """Instrument symbol."""
    timestamp: datetime
    """Venue time of the price, UTC."""
    price: Decimal
    """Last price, in the quote currency."""
    bid: Decimal | None
    """Best price at which others buy."""
    ask: Decimal | None
    """Best price at which others sell."""
    bid_size: Decimal | None
    """Quantity wanted at the bid."""
    ask_size: Decimal | None
    """Quantity offered at the ask."""
    volume: Decimal | None
    """Volume of the last bar, in shares or coins."""

    @property
    def spread_pct(self) -> float | None:
        """Ask minus bid in percent of the middle between them; null without both."""
        if self.bid is None or self.ask is None:
            return None
        return round(float((self.ask - self.bid) / ((self.ask + self.bid) / 2) * 100), 6)

    @property
    def ob_imbalance(self) -> float | None:
        """How far the bid's size outweighs the ask's, from -1 (offers alone) to 1 (bids alone); null without both, or with nothing."""
        if self.bid_size is None or self.ask_size is None or not self.bid_size + self.ask_size:
            return None
        return round(float((self.bid_size - self.ask_size) / (self.bid_size + self.ask_size)), 6)


def quote_of(bar: Bar) -> Quote:
    """The price at the end of `bar`; candles have no bid and ask."""
    return Quote(
        symbol=bar.symbol,
        timestamp=bar.known_at,
        price=bar.close,
        bid=None,
        ask=None,
        bid_size=None,
        ask_size=None,
        volume=bar.volume,
    )
