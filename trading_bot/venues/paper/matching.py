"""Matching: one minute of the market passes over the books.

Within a bar, market orders and stops that were triggered before trade at its open; then stops, so that a stop and a target in the same bar
end with the stop; then limits. All orders of a symbol together take at most a share of the bar's volume, what is left waits. Bars outside
of regular hours are kept as prices and match nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.calendar import is_open, session_day
from trading_bot.domain.config import PaperVenue
from trading_bot.domain.instruments import AssetClass, Instrument, instrument
from trading_bot.domain.market import BAR_LENGTH, Bar
from trading_bot.domain.money import ZERO, floored
from trading_bot.domain.orders import OrderStatus, OrderType, Side
from trading_bot.domain.state import DAY_TRADE_EQUITY, DAY_TRADES_ALLOWED
from trading_bot.venues.paper.books import Books, Fees, WorkingOrder
from trading_bot.venues.paper.faults import Faults
from trading_bot.venues.paper.pricing import Strike, strike

_BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What trading here costs, and how much of it there is."""

    slippage: Decimal
    """Market and stop orders trade this share of the price worse."""
    fees: Fees
    """Of each execution."""
    volume_share: Decimal
    """Of a bar's volume, for all of our orders together."""
    faults: Faults
    """Misbehaviour on purpose."""


def terms_of(config: PaperVenue) -> Terms:
    """The terms that `config` sets."""
    return Terms(
        slippage=config.slippage_bps * _BASIS_POINT,
        fees=Fees(per_value=config.commission_bps * _BASIS_POINT, per_unit=config.commission_per_share),
        volume_share=config.volume_share,
        faults=Faults(seed=config.seed, rates=config.faults),
    )


def trade_minute(books: Books, bars: tuple[Bar, ...], terms: Terms) -> None:
    """Let the minute of `bars`, which all have one timestamp, pass: orders trade or expire, and the clock stands at its end."""
    begin = bars[0].timestamp
    end = begin + BAR_LENGTH
    _expire(books, begin)
    for bar in bars:
        books.see(bar)
        known = instrument(bar.symbol)
        if books.orders and is_open(known.asset_class, begin):
            _match(books, bar, known, end, terms)
    books.clock = end
    books.last_minute = begin
    _expire(books, end)


def opens_too_many_day_trades(books: Books, symbol: str) -> bool:
    """Whether a purchase of `symbol` might lead to a day trade too many: three in five sessions are allowed below $25,000 of equity.

    It is the purchase that is refused, never the sale: an exit must not be trapped. So what was opened today counts as if it were sold
    today, and so does what resting buys may open.
    """
    if instrument(symbol).asset_class is not AssetClass.EQUITY or books.equity() >= DAY_TRADE_EQUITY:
        return False
    today = session_day(AssetClass.EQUITY, books.clock)
    buying = {working.order.symbol for working in books.orders.values() if working.order.side is Side.BUY}
    may_close = {
        held
        for held in buying | books.holdings.keys()
        if instrument(held).asset_class is AssetClass.EQUITY
        and (books.holdings[held].opened_on == today if held in books.holdings else held != symbol)
    }
    if symbol in books.holdings:
        return False
    return books.day_trade_count() + len(may_close) >= DAY_TRADES_ALLOWED


def _match(books: Books, bar: Bar, known: Instrument, end: datetime, terms: Terms) -> None:
    left = floored(bar.volume * terms.volume_share, known.quantity_step)
    waiting = [working for working in books.orders.values() if working.order.symbol == bar.symbol]
    for working in sorted(waiting, key=_turn):
        struck = strike(working.order, bar, is_triggered=working.is_triggered, slippage=terms.slippage)
        if struck is None:
            continue
        if not working.is_triggered and working.order.stop_price is not None:
            working = replace(working, is_triggered=True)  # noqa: PLW2901 - the same order, a step further
            books.put(working)
        if struck.price is not None:
            left -= _trade(books, working, struck, struck.price, left=left, end=end, known=known, terms=terms)


def _trade(  # what one execution depends on
    books: Books,
    working: WorkingOrder,
    struck: Strike,
    price: Decimal,
    *,
    left: Decimal,
    end: datetime,
    known: Instrument,
    terms: Terms,
) -> Decimal:
    """Execute what volume and cash allow; the quantity that was traded."""
    wanted = _part(working, min(working.remaining, left), end, known, terms)
    if wanted <= 0:
        return ZERO
    quantity = wanted
    if working.order.side is Side.BUY:
        if not books.held(known.symbol) and opens_too_many_day_trades(books, known.symbol):
            books.end(working, OrderStatus.CANCELLED, "three day trades in five sessions are used up", end)
            return ZERO
        quantity = books.affordable(known, wanted, price, terms.fees)
    if quantity > 0:
        working = books.book(
            working, quantity=quantity, price=price, liquidity=struck.liquidity, at=end, fees=terms.fees
        )
    if quantity < wanted:
        books.end(working, OrderStatus.CANCELLED, f"cash does not cover {wanted - quantity:f} more at {price:f}", end)
    return quantity


def _part(working: WorkingOrder, wanted: Decimal, end: datetime, known: Instrument, terms: Terms) -> Decimal:
    """`wanted`, or a part of it where the partial-fill fault strikes; what is too small to be parted stays whole."""
    what, attempt = working.order.client_order_id, end.isoformat()
    if not terms.faults.strikes("partial_fill", what, attempt):
        return wanted
    percent = 25 + int(50 * terms.faults.share("part", what, attempt))
    return floored(wanted * percent / 100, known.quantity_step) or wanted


def _expire(books: Books, now: datetime) -> None:
    for working in tuple(books.orders.values()):
        if working.expires_at is not None and working.expires_at <= now:
            books.end(working, OrderStatus.EXPIRED, "the session closed", working.expires_at)


def _turn(working: WorkingOrder) -> tuple[int, int]:
    kind = working.order.order_type
    if kind is OrderType.MARKET or (kind is OrderType.STOP and working.is_triggered):
        return 0, working.number
    if kind is OrderType.STOP or (kind is OrderType.STOP_LIMIT and not working.is_triggered):
        return 1, working.number
    return 2, working.number
