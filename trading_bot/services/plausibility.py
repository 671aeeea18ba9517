"""Plausibility: what can't be true of a venue's reply. Each function gives the reason in our words, or null when the reply can be used."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_bot.domain.account import Account
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Quote
from trading_bot.domain.money import MAX_DIGITS, ZERO
from trading_bot.domain.orders import Order
from trading_bot.errors.fault import Fault
from trading_bot.venues.venue import MarketUpdate, VenueFill, VenueOrder, VenuePosition

# Clocks of venues and their reports differ by seconds; by days they lie.
_CLOCK_SLACK = timedelta(days=1)
_LONGEST_GAP = timedelta(days=366)
_LONGEST_ID = 200


def lie_in_fill(fill: VenueFill, *, at: datetime, order: Order | None) -> str | None:
    """What can't be true of an execution that is reported at venue time `at` for `order`, where that is known."""
    lie = _lie_in_figures(fill) or _lie_in_names(fill, order)
    earliest = order.created_at - _CLOCK_SLACK if order is not None else at - _LONGEST_GAP
    if lie is None and (fill.timestamp.tzinfo is not UTC or not earliest <= fill.timestamp <= at + _CLOCK_SLACK):
        lie = "at a time at which it can't have happened"
    return f"The venue reports an execution {lie}." if lie is not None else None


def _lie_in_figures(fill: VenueFill) -> str | None:
    if not all(_is_a_figure(figure) for figure in (fill.quantity, fill.price, fill.fee)):
        return "with a figure that is not a number"
    if fill.quantity <= 0 or fill.price <= 0 or fill.fee < 0:
        return "with a quantity or price not above zero, or a fee below it"
    return None


def _lie_in_names(fill: VenueFill, order: Order | None) -> str | None:
    if not (0 < len(fill.id) <= _LONGEST_ID and 0 < len(fill.order_id) <= _LONGEST_ID):
        return "without an id, or with one that is too long"
    try:
        known = instrument(fill.symbol)
    except ValueError:
        return "of a symbol that can't exist"
    if fill.quantity > known.max_quantity or fill.quantity % known.quantity_step:
        return "of a quantity between two steps, or above the largest"
    if order is not None and (fill.symbol, fill.side) != (order.symbol, order.side):
        return "of another symbol or side than its order has"
    return None


def lie_in_order(seen: VenueOrder, order: Order) -> str | None:
    """What can't be true of the venue's word on `order`."""
    what = "The venue's reply on an order"
    if seen.client_order_id != order.client_order_id:
        return f"{what} is about another order."
    if (seen.symbol, seen.side) != (order.symbol, order.side):
        return f"{what} names another symbol or side."
    if not 0 < len(seen.order_id) <= _LONGEST_ID:
        return f"{what} has no id, or one that is too long."
    if not (_is_a_figure(seen.quantity) and _is_a_figure(seen.filled)):
        return f"{what} has a quantity that is not a number."
    if seen.quantity != order.quantity or not 0 <= seen.filled <= seen.quantity:
        return f"{what} has another quantity than was ordered, or more filled than that."
    return None


def lie_in_account(account: Account) -> str | None:
    """What can't be true of an account. A balance may be below zero: that is a debt, not a lie."""
    figures = (account.buying_power, account.account_balance, account.cash_balance)
    if not all(_is_a_figure(figure) for figure in figures):
        return "The venue reports an account with a figure that is not a number."
    if account.buying_power < 0 or account.day_trade_count < 0 or account.last_updated.tzinfo is not UTC:
        return "The venue reports an account with buying power or day trades below zero, or a time without a zone."
    return None


def plausible_account(account: Account) -> Account:
    """The account, when it can be true. DATA_005 otherwise."""
    lie = lie_in_account(account)
    if lie is not None:
        raise Fault("DATA_005", lie)
    return account


def lie_in_positions(held: Iterable[VenuePosition]) -> str | None:
    """What can't be true of the positions. One below zero is a short sale: a difference, not a lie."""
    seen: set[str] = set()
    for position in held:
        if not _is_a_figure(position.quantity) or not 0 < len(position.symbol) <= _LONGEST_ID:
            return "The venue reports a position without a name, or of a quantity that is not a number."
        if position.symbol in seen:
            return "The venue reports two positions of one symbol."
        seen.add(position.symbol)
    return None


def lie_in_update(update: MarketUpdate, after: datetime | None) -> str | None:
    """What can't be true of the minute that follows `after`."""
    what = "The venue's next minute"
    if update.time.tzinfo is not UTC or (after is not None and not after < update.time <= after + _LONGEST_GAP):
        return f"{what} does not follow the last one, or comes more than a year after it."
    if not update.bars or any(bar.known_at > update.time for bar in update.bars):
        return f"{what} has no bars, or bars that are not over."
    for bar in update.bars:
        try:
            instrument(bar.symbol)
        except ValueError:
            return f"{what} has a bar of a symbol that can't exist."
        if not all(_is_a_figure(figure) for figure in (bar.open, bar.high, bar.low, bar.close, bar.volume)):
            return f"{what} has a bar with a figure that is too long to be true."
    return next(
        (f"{what} has a quote {lie}." for quote in update.quotes if (lie := _lie_in_quote(quote, update))), None
    )


def lie_in_price(quote: Quote, symbol: str) -> str | None:
    """What can't be true of the venue's latest price of `symbol`, however old it is."""
    if quote.symbol != symbol:
        return "The venue's quote is of another symbol."
    if not _is_a_figure(quote.price) or quote.price <= 0:
        return "The venue's quote has a price that is not above zero, or is no number."
    return None


def _lie_in_quote(quote: Quote, update: MarketUpdate) -> str | None:
    try:
        instrument(quote.symbol)
    except ValueError:
        return "of a symbol that can't exist"
    prices = [price for price in (quote.price, quote.bid, quote.ask) if price is not None]
    sizes = [size for size in (quote.bid_size, quote.ask_size, quote.volume) if size is not None]
    if (
        not all(_is_a_figure(figure) for figure in (*prices, *sizes))
        or min(prices) <= 0
        or min(sizes, default=ZERO) < 0
    ):
        return "with a price not above zero, a size below it, or a figure that is no number"
    if quote.timestamp.tzinfo is not UTC or abs(quote.timestamp - update.time) > _CLOCK_SLACK:
        return "of another day"
    return None


def _is_a_figure(value: Decimal) -> bool:
    """Whether a figure is a number that the store keeps exactly."""
    if not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    return value == ZERO or max(len(digits), value.adjusted() + 1, -int(exponent)) <= MAX_DIGITS
