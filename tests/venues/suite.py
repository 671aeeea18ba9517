"""What every venue promises, written against the protocol alone: `PROMISES` are run on each venue and each fake of one.

A promise gets a `Rig`: a venue that has just been opened on an open market with cash in the account and nothing held, and one symbol of it
that trades at 1 to 1,000 and in every minute.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_bot.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_bot.venues.venue import Confirmed, MarketUpdate, Rejected, Venue, VenueOrder

EVER = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A venue to try."""

    venue: Venue
    """Just opened."""
    symbol: str
    """Trades in every minute."""


async def moved(rig: Rig, after: datetime | None) -> MarketUpdate:
    update = await rig.venue.next_update(after)
    assert isinstance(update, MarketUpdate)
    return update


async def placed(
    rig: Rig, name: str, side: Side = Side.BUY, *, limit: str | None = None, quantity: str = "5"
) -> VenueOrder:
    outcome = await rig.venue.place(order(rig, name, side, limit=limit, quantity=quantity))
    assert isinstance(outcome, Confirmed)
    return outcome.order


def order(rig: Rig, name: str, side: Side, *, limit: str | None = None, quantity: str = "5") -> OrderRequest:
    return OrderRequest(
        client_order_id=name,
        symbol=rig.symbol,
        side=side,
        order_type=OrderType.LIMIT if limit else OrderType.MARKET,
        quantity=Decimal(quantity),
        price=Decimal(limit) if limit else None,
    )


async def state(rig: Rig) -> tuple[object, ...]:
    venue = rig.venue
    return await venue.account(), await venue.positions(), await venue.open_orders(), await venue.fills_since(EVER)


async def an_update_repeats_until_it_is_handled(rig: Rig) -> None:
    first = await moved(rig, None)
    second = await moved(rig, first.time)

    assert await moved(rig, None) == second
    assert await moved(rig, first.time) == second
    assert (await moved(rig, second.time)).time > second.time > first.time


async def an_update_holds_the_bars_that_ended_then(rig: Rig) -> None:
    update = await moved(rig, None)

    assert {bar.known_at for bar in update.bars} == {update.time}
    assert [bar.symbol for bar in update.bars] == sorted(bar.symbol for bar in update.bars)
    assert rig.symbol in {bar.symbol for bar in update.bars}
    assert update.market_open <= set(await rig.venue.symbols())


async def an_order_rests_until_it_trades(rig: Rig) -> None:
    update = await moved(rig, None)
    resting = await placed(rig, "far", limit="0.01")

    await moved(rig, update.time)

    assert await rig.venue.open_orders() == (resting,)
    assert await rig.venue.order("far") == resting
    assert (resting.status, resting.filled) == (OrderStatus.ACCEPTED, Decimal(0))
    assert await rig.venue.fills_since(EVER) == ()


async def a_repeated_client_order_id_is_answered_with_the_first_order(rig: Rig) -> None:
    if not rig.venue.dedupes:
        return
    update = await moved(rig, None)
    first = await placed(rig, "once", limit="0.01", quantity="5")

    assert await placed(rig, "once", limit="0.02", quantity="7") == first
    assert await rig.venue.open_orders() == (first,)

    traded = await placed(rig, "twice")
    await moved(rig, update.time)
    again = await placed(rig, "twice")
    assert (again.order_id, again.status) == (traded.order_id, OrderStatus.FILLED)
    assert len(await rig.venue.fills_since(EVER)) == 1


async def a_purchase_shows_in_fills_position_and_cash_alike(rig: Rig) -> None:
    update = await moved(rig, None)
    before = await rig.venue.account()
    taken = await placed(rig, "in", quantity="5")
    update = await moved(rig, update.time)

    (fill,) = await rig.venue.fills_since(EVER)
    assert (fill.client_order_id, fill.order_id, fill.side, fill.quantity) == (
        "in",
        taken.order_id,
        Side.BUY,
        Decimal(5),
    )
    assert taken.created_at < fill.timestamp <= update.time
    assert {p.symbol: p.quantity for p in await rig.venue.positions()} == {rig.symbol: 5}
    paid = before.cash_balance - (await rig.venue.account()).cash_balance
    assert abs(paid - fill.quantity * fill.price - fill.fee) < Decimal("0.01")
    filled = await rig.venue.order("in")
    assert filled is not None
    assert (filled.status, filled.filled) == (OrderStatus.FILLED, Decimal(5))
    assert await rig.venue.open_orders() == ()


async def a_sale_gives_the_cash_back(rig: Rig) -> None:
    update = await moved(rig, None)
    await placed(rig, "in")
    update = await moved(rig, update.time)
    invested = await rig.venue.account()
    await placed(rig, "out", Side.SELL)
    await moved(rig, update.time)

    assert await rig.venue.positions() == ()
    assert (await rig.venue.account()).cash_balance > invested.cash_balance
    assert [fill.side for fill in await rig.venue.fills_since(EVER)] == [Side.BUY, Side.SELL]


async def fills_are_read_from_a_time_on_inclusive(rig: Rig) -> None:
    update = await moved(rig, None)
    await placed(rig, "in")
    await moved(rig, update.time)
    (fill,) = await rig.venue.fills_since(EVER)

    assert await rig.venue.fills_since(fill.timestamp) == (fill,)
    assert await rig.venue.fills_since(fill.timestamp + timedelta(microseconds=1)) == ()


async def a_cancelled_order_stays_cancelled(rig: Rig) -> None:
    await moved(rig, None)
    await placed(rig, "far", limit="0.01")

    cancelled = await rig.venue.cancel("far")

    assert isinstance(cancelled, Confirmed)
    assert cancelled.order.status is OrderStatus.CANCELLED
    assert await rig.venue.open_orders() == ()
    assert await rig.venue.cancel("far") == cancelled


async def cancelling_what_was_filled_confirms_it_as_it_is(rig: Rig) -> None:
    update = await moved(rig, None)
    await placed(rig, "in")
    await moved(rig, update.time)

    outcome = await rig.venue.cancel("in")

    assert isinstance(outcome, Confirmed)
    assert outcome.order.status is OrderStatus.FILLED
    assert len(await rig.venue.positions()) == 1


async def cancelling_what_never_was_is_rejected(rig: Rig) -> None:
    await moved(rig, None)

    outcome = await rig.venue.cancel("never")

    assert isinstance(outcome, Rejected)
    assert outcome.code == "ORD_004"


async def what_is_not_held_is_not_sold(rig: Rig) -> None:
    await moved(rig, None)
    before = await state(rig)

    outcome = await rig.venue.place(order(rig, "short", Side.SELL))

    assert isinstance(outcome, Rejected)
    assert outcome.code == "ORD_001"
    assert (await state(rig), await rig.venue.order("short")) == (before, None)


async def what_is_not_paid_for_is_not_bought(rig: Rig) -> None:
    await moved(rig, None)
    before = await state(rig)

    outcome = await rig.venue.place(order(rig, "rich", Side.BUY, limit="1000000", quantity="10000"))

    assert isinstance(outcome, Rejected)
    assert (await state(rig), await rig.venue.order("rich")) == (before, None)


async def bars_end_at_the_time_that_is_asked_for(rig: Rig) -> None:
    update = await moved(rig, None)
    for _ in range(4):
        update = await moved(rig, update.time)

    latest = await rig.venue.bars(rig.symbol, until=update.time + timedelta(days=9), count=3)
    earlier = await rig.venue.bars(rig.symbol, until=update.time - MINUTE, count=2)

    assert [bar.known_at for bar in latest] == [update.time - 2 * MINUTE, update.time - MINUTE, update.time]
    assert earlier == latest[:2]
    assert latest[-1] in update.bars


async def a_quote_is_the_latest_close(rig: Rig) -> None:
    update = await moved(rig, None)

    quote = await rig.venue.quote(rig.symbol)

    (bar,) = (bar for bar in update.bars if bar.symbol == rig.symbol)
    assert (quote.price, quote.timestamp) == (bar.close, update.time)


PROMISES: tuple[Callable[[Rig], Awaitable[None]], ...] = (
    an_update_repeats_until_it_is_handled,
    an_update_holds_the_bars_that_ended_then,
    an_order_rests_until_it_trades,
    a_repeated_client_order_id_is_answered_with_the_first_order,
    a_purchase_shows_in_fills_position_and_cash_alike,
    a_sale_gives_the_cash_back,
    fills_are_read_from_a_time_on_inclusive,
    a_cancelled_order_stays_cancelled,
    cancelling_what_was_filled_confirms_it_as_it_is,
    cancelling_what_never_was_is_rejected,
    what_is_not_held_is_not_sold,
    what_is_not_paid_for_is_not_bought,
    bars_end_at_the_time_that_is_asked_for,
    a_quote_is_the_latest_close,
)
