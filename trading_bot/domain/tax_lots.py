"""Tax lots: each sale matched to the purchases that it sold, first in first out.

Proceeds, cost and fees are split by quantity in steps of the smallest coin that they have, and the last part takes what rounding leaves:
the parts of a fill add up to the fill. A corporate action changes the quantity of the lots and neither their cost nor their date.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.fills import ADOPTED, Fill
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import ZERO, rounded
from trading_bot.domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """One sale of what one purchase brought."""

    symbol: str
    """Instrument symbol."""
    quantity: Decimal
    """Shares or coins, above zero."""
    acquired_at: datetime | None
    """Venue time of the purchase, UTC; null where none is known."""
    sold_at: datetime
    """Venue time of the sale, UTC."""
    proceeds: Decimal
    """Cash value of the sale, before fees, in the quote currency."""
    cost: Decimal
    """Cash paid for it, before fees, in the quote currency; zero where no purchase is known."""
    fees: Decimal
    """Its share of the fees of purchase and sale, in the quote currency."""
    purchase_id: str | None
    """The venue's id of the purchase's fill; null where none is known."""
    sale_id: str
    """The venue's id of the sale's fill."""
    trade_id: str
    """The trade that sold it."""

    @property
    def gain(self) -> Decimal:
        """Proceeds minus cost minus fees, in the quote currency."""
        return self.proceeds - self.cost - self.fees


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lot:
    """What is left of one purchase."""

    quantity: Decimal
    """Shares or coins left, above zero."""
    cost: Decimal
    """Cash paid for what is left, without fees, in the quote currency."""
    fee: Decimal
    """What is left of the purchase's fee, in the quote currency."""
    fill: Fill
    """The purchase."""


def disposals(fills: Iterable[Fill]) -> Iterator[Disposal]:
    """Every sale of `fills`, which stand in the order in which they were booked, matched to its purchases."""
    held: dict[str, list[_Lot]] = {}
    for fill in fills:
        lots = held.setdefault(fill.symbol, [])
        if _is_corporate_action(fill, lots):
            held[fill.symbol] = _scaled(lots, fill)
        elif fill.action is Side.BUY:
            lots.append(_Lot(quantity=fill.quantity, cost=fill.value, fee=fill.fee, fill=fill))
        else:
            yield from _sold(lots, fill)


def _sold(lots: list[_Lot], sale: Fill) -> Iterator[Disposal]:
    step = instrument(sale.symbol).cash_step
    left, proceeds, fee = sale.quantity, sale.value, sale.fee
    while left > 0:
        lot = lots.pop(0) if lots else None
        quantity = min(left, lot.quantity) if lot is not None else left
        its_proceeds, its_fee = _part(proceeds, quantity, left, step), _part(fee, quantity, left, step)
        cost = lot_fee = ZERO
        if lot is not None:
            cost, lot_fee = _part(lot.cost, quantity, lot.quantity, step), _part(lot.fee, quantity, lot.quantity, step)
            if quantity < lot.quantity:
                rest = lot.quantity - quantity
                lots.insert(0, replace(lot, quantity=rest, cost=lot.cost - cost, fee=lot.fee - lot_fee))
        yield Disposal(
            symbol=sale.symbol,
            quantity=quantity,
            acquired_at=lot.fill.timestamp if lot is not None else None,
            sold_at=sale.timestamp,
            proceeds=its_proceeds,
            cost=cost,
            fees=its_fee + lot_fee,
            purchase_id=lot.fill.id if lot is not None else None,
            sale_id=sale.id,
            trade_id=sale.trade_id,
        )
        left, proceeds, fee = left - quantity, proceeds - its_proceeds, fee - its_fee


def _part(amount: Decimal, quantity: Decimal, whole: Decimal, step: Decimal) -> Decimal:
    return amount if quantity == whole else rounded(amount * quantity / whole, step)


def _is_corporate_action(fill: Fill, lots: list[_Lot]) -> bool:
    return fill.reason == ADOPTED and not fill.price and not fill.value and bool(lots)


def _scaled(lots: list[_Lot], fill: Fill) -> list[_Lot]:
    """The lots after what a corporate action adds or takes at no price; the last takes what rounding leaves."""
    step = instrument(fill.symbol).quantity_step
    before = sum((lot.quantity for lot in lots), ZERO)
    left = after = before + (fill.quantity if fill.action is Side.BUY else -fill.quantity)
    scaled = []
    for number, lot in enumerate(lots, start=1):
        quantity = left if number == len(lots) else lot.quantity * after / before // step * step
        scaled.append(replace(lot, quantity=quantity))
        left -= quantity
    return [lot for lot in scaled if lot.quantity > 0]
