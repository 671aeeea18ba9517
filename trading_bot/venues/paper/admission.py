"""Admission: whether the exchange takes an order, and what it then knows of it."""

from dataclasses import dataclass
from decimal import Decimal

from trading_bot.calendar import next_close
from trading_bot.domain.instruments import AssetClass, instrument
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import OrderRequest, OrderStatus, Side
from trading_bot.venues.paper.books import Books, Fees, WorkingOrder, needed
from trading_bot.venues.paper.matching import opens_too_many_day_trades
from trading_bot.venues.venue import VenueOrder

_MARKET_MARGIN = Decimal("1.01")  # a market order may trade above the last price
_LONGEST_ID = 64
_LARGEST_PRICE = Decimal(10) ** 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an order is not taken."""

    reason: str
    """In words, with the figures."""


def admit(request: OrderRequest, books: Books, *, symbols: tuple[str, ...], fees: Fees) -> WorkingOrder | Refusal:
    """The order as it enters the books, or why it does not. Nothing is changed."""
    refusal = _wrong_form(request, symbols)
    if refusal is None:
        refusal = _not_held(request, books) if request.side is Side.SELL else _not_covered(request, books, fees)
    if refusal is not None:
        return Refusal(reason=refusal)
    number = books.order_count + 1
    is_equity = instrument(request.symbol).asset_class is AssetClass.EQUITY
    return WorkingOrder(
        order=VenueOrder(
            order_id=f"o-{number:06}",
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=request.side,
            order_type=request.order_type,
            quantity=request.quantity,
            filled=ZERO,
            price=request.price,
            stop_price=request.stop_price,
            average_price=None,
            status=OrderStatus.ACCEPTED,
            reason=None,
            created_at=books.clock,
            updated_at=books.clock,
        ),
        number=number,
        hold_price=_hold_price(request, books) or ZERO,
        expires_at=next_close(books.clock) if is_equity else None,
        is_triggered=False,
        paid=ZERO,
    )


def _wrong_form(request: OrderRequest, symbols: tuple[str, ...]) -> str | None:
    if not (1 <= len(request.client_order_id) <= _LONGEST_ID and request.client_order_id.isascii()):
        return f"a client order id has 1 to {_LONGEST_ID} characters"
    if request.symbol not in symbols:
        return f"{request.symbol[:20]} is not traded here"
    known = instrument(request.symbol)
    if not known.allows(request.quantity):
        low, high = f"{known.min_quantity:f}", f"{known.max_quantity:f}"
        return f"quantity {request.quantity:f} is not {low} to {high} in steps of {known.quantity_step:f}"
    for price in (request.price, request.stop_price):
        if price is not None and (price > _LARGEST_PRICE or price % known.price_step):
            return f"price {price:f} is not a multiple of {known.price_step:f} up to {_LARGEST_PRICE}"
    return None


def _not_held(request: OrderRequest, books: Books) -> str | None:
    """No short selling: what is sold is held and not promised to another live sell."""
    held, promised = books.held(request.symbol), books.promised(request.symbol)
    if request.quantity <= held - promised:
        return None
    return f"no short selling: {request.quantity:f} to sell, {held:f} held, {promised:f} of it in other sells"


def _not_covered(request: OrderRequest, books: Books, fees: Fees) -> str | None:
    """No leverage: cash that no other order holds back pays for it."""
    price = _hold_price(request, books)
    if price is None:
        return f"{request.symbol} has no price yet"
    cost, power = needed(request.symbol, request.quantity, price, fees), books.buying_power(fees)
    if cost > power:
        return f"insufficient buying power: {cost:f} needed, {power:f} there"
    if opens_too_many_day_trades(books, request.symbol):
        return "three day trades in five sessions are used up, or would be if today's positions are closed"
    return None


def _hold_price(request: OrderRequest, books: Books) -> Decimal | None:
    """What one share or coin may cost; null for a market order where there is no price."""
    if request.side is Side.SELL:
        return ZERO
    price = request.price or request.stop_price
    if price is not None:
        return price
    last = books.last_bars.get(request.symbol)
    return None if last is None else last.close * _MARKET_MARGIN
