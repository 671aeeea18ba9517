"""Instruments: what can be traded, and in which steps.

The symbol decides the kind: one to five capital letters are a US equity (whole shares, 1 to 10,000 an order, cash in cents); `BASE/QUOTE`
is a crypto pair (fractional quantity, round the clock, cash in 1e-8).
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache

from trading_bot.domain.money import floored
from trading_bot.domain.ranges import Form

SYMBOL = Form(
    pattern=r"[A-Z]{1,5}|[A-Z0-9]{2,10}/[A-Z]{3,5}",
    says="as one to five capital letters or a pair such as BTC/USD",
    examples=("AAPL", "BTC/USD"),
)
"""What a symbol looks like."""
_EQUITY = re.compile(r"[A-Z]{1,5}")
_CRYPTO = re.compile(r"[A-Z0-9]{2,10}/[A-Z]{3,5}")


class AssetClass(Enum):
    """The kind of an instrument."""

    EQUITY = "equity"
    """A US share: whole shares, regular hours."""
    CRYPTO = "crypto"
    """A pair of currencies: fractions of coins, round the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One thing that can be traded, with the steps in which it is."""

    symbol: str
    """One to five capital letters (AAPL) or a pair (BTC/USD)."""
    asset_class: AssetClass
    """Equity or crypto."""
    quantity_step: Decimal
    """Smallest difference of two quantities: 1 share, or 1e-8 coin."""
    min_quantity: Decimal
    """Smallest quantity of an order."""
    max_quantity: Decimal
    """Largest quantity of an order."""
    cash_step: Decimal
    """Cash effects are rounded half-even to this: 0.01 or 1e-8 of the quote currency."""
    price_step: Decimal
    """Smallest difference of two prices of an order."""

    def quantity(self, wanted: Decimal) -> Decimal:
        """`wanted` cut down to a quantity that an order may have; zero when it is too small."""
        cut = floored(min(wanted, self.max_quantity), self.quantity_step) if wanted > 0 else Decimal(0)
        return cut if cut >= self.min_quantity else Decimal(0)

    def allows(self, quantity: Decimal) -> bool:
        """Whether an order may have this quantity."""
        return self.min_quantity <= quantity <= self.max_quantity and quantity % self.quantity_step == 0

    def price(self, wanted: Decimal) -> Decimal:
        """`wanted` rounded down to a price that an order may have, never below one step."""
        return max(floored(wanted, self.price_step), self.price_step)


@lru_cache(maxsize=1024)  # asked for at every mark of every position; a symbol always means the same
def instrument(symbol: str) -> Instrument:
    """The instrument that `symbol` names; ValueError says what a symbol looks like."""
    if _EQUITY.fullmatch(symbol):
        return Instrument(
            symbol=symbol,
            asset_class=AssetClass.EQUITY,
            quantity_step=Decimal(1),
            min_quantity=Decimal(1),
            max_quantity=Decimal(10_000),
            cash_step=Decimal("0.01"),
            price_step=Decimal("0.01"),
        )
    if _CRYPTO.fullmatch(symbol):
        step = Decimal("0.00000001")
        return Instrument(
            symbol=symbol,
            asset_class=AssetClass.CRYPTO,
            quantity_step=step,
            min_quantity=step,
            max_quantity=Decimal(1_000_000_000),
            cash_step=step,
            price_step=Decimal("0.00000001"),
        )
    msg = f"Expected one to five capital letters or a pair such as BTC/USD, was `{symbol[:40]}`."
    raise ValueError(msg)


def require_symbols(name: str, symbols: tuple[str, ...]) -> None:
    """Refuse a list of symbols, by its name, where one can't be traded or stands twice."""
    for symbol in symbols:
        try:
            instrument(symbol)
        except ValueError as error:
            msg = f"Expected `{name}` to be tradable. {error}"
            raise ValueError(msg) from None
        if symbols.count(symbol) > 1:
            msg = f"Expected `{name}` without repetition, was `{symbol}` twice."
            raise ValueError(msg)
