"""Positions: the sum of our fills, kept as lots.

A lot keeps its cost: the cash value of the fill that made it, rounded once. A sale takes the oldest lots first (FIFO); of a lot that is
sold in part, the cost is split once and the rest keeps the remainder. So cash + positions = start + realised + unrealised - fees holds to
the last digit, whatever is traded. Averages are derived, never stored.

The bot never sells short, but a venue may report more sold than was held. Books that left the rest out would not be the sum of our fills:
so the rest is a lot below zero, with the proceeds as its cost. It earns nothing until it is bought back, and its symbol is suspended.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import ZERO, percent, rounded
from trading_bot.domain.plans import TradePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What is left of one buying fill."""

    quantity: Decimal
    """Shares or coins left, above zero; below it for what was sold and not held."""
    cost: Decimal
    """Cash paid for what is left, without fees, in the quote currency; below zero for what such a sale brought in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What the bot holds of one symbol, with its live profit or loss."""

    symbol: str
    """Instrument symbol."""
    lots: tuple[Lot, ...]
    """Oldest first; never empty for a position that is held."""
    current_price: Decimal
    """Latest known price, in the quote currency."""
    last_updated: datetime
    """Venue time of that price, UTC."""
    plan: TradePlan | None = None
    """The open plan that the position belongs to; null for one that no plan explains."""

    @property
    def quantity(self) -> Decimal:
        """Shares or coins held; below zero for what the venue reports as sold beyond what was held."""
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def cost(self) -> Decimal:
        """Cash paid for what is held, without fees, in the quote currency."""
        return sum((lot.cost for lot in self.lots), ZERO)

    @property
    def entry_price(self) -> Decimal:
        """Mean price paid, weighted by quantity, in the quote currency, at most 8 decimals."""
        return rounded(self.cost / self.quantity, Decimal("0.00000001")).normalize() + ZERO

    @property
    def market_value(self) -> Decimal:
        """Worth at the latest price, rounded half-even to the cash step."""
        return rounded(self.quantity * self.current_price, instrument(self.symbol).cash_step)

    @property
    def unrealized_pl(self) -> Decimal:
        """Worth at the latest price minus cost, in the quote currency, before fees."""
        return self.market_value - self.cost

    @property
    def unrealized_pl_pct(self) -> Decimal:
        """The same as a percentage of cost, two decimals: 1.36 is 1.36 %."""
        return percent(self.unrealized_pl, abs(self.cost))


def traded(
    lots: tuple[Lot, ...], *, quantity: Decimal, value: Decimal, is_sale: bool, cash_step: Decimal
) -> tuple[tuple[Lot, ...], Decimal | None]:
    """The lots after any fill of `quantity` for `value`, and what it realised before fees; null for a purchase that only adds.

    Realised is only on what was held, or is bought back: its share of the value. The rest makes a lot of its own.
    """
    sign = -1 if is_sale else 1
    against = tuple(Lot(quantity=-sign * lot.quantity, cost=-sign * lot.cost) for lot in lots)
    within = max(ZERO, min(quantity, sum((lot.quantity for lot in against), ZERO)))
    share = value if within == quantity else rounded(value * within / quantity, cash_step)
    if not within:
        kept, realized = lots, (ZERO if is_sale else None)
    else:
        left, gain = sold(against, quantity=within, value=share, cash_step=cash_step)
        kept = tuple(Lot(quantity=-sign * lot.quantity, cost=-sign * lot.cost) for lot in left)
        realized = -sign * gain
    if within < quantity:
        kept = bought(kept, quantity=sign * (quantity - within), value=sign * (value - share))
    return kept, realized


def bought(lots: tuple[Lot, ...], *, quantity: Decimal, value: Decimal) -> tuple[Lot, ...]:
    """The lots after a buying fill of `quantity` for `value` in cash."""
    return (*lots, Lot(quantity=quantity, cost=value))


def sold(
    lots: tuple[Lot, ...], *, quantity: Decimal, value: Decimal, cash_step: Decimal
) -> tuple[tuple[Lot, ...], Decimal]:
    """The lots after a selling fill of `quantity` for `value`, and what it realised before fees.

    ValueError when more is sold than is held: the bot never sells short.
    """
    left = quantity
    cost = ZERO
    kept = list(lots)
    while left > 0:
        if not kept:
            msg = f"Expected to hold at least {quantity}, {left} more was sold than is held."
            raise ValueError(msg)
        lot = kept[0]
        if lot.quantity <= left:
            left -= lot.quantity
            cost += lot.cost
            kept.pop(0)
        else:
            share = rounded(lot.cost * left / lot.quantity, cash_step)
            kept[0] = replace(lot, quantity=lot.quantity - left, cost=lot.cost - share)
            cost += share
            left = ZERO
    return tuple(kept), value - cost
