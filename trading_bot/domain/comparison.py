"""Comparison: our position, the sum of our fills, held against what the venue says, and how an operator settles what differs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.books import Books, Execution, booked, settled, with_plan
from trading_bot.domain.fills import ADOPTED, UNATTRIBUTED, Fill
from trading_bot.domain.instruments import instrument
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Leg, Side, plan_id_from
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.suspensions import Suspension, SuspensionStatus

# A split is at least 6 for 5; prices move overnight as well, so both ratios need to agree only that nearly.
_SMALLEST_SPLIT = Decimal("1.2")
_AGREEMENT = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The books after a comparison, and what is to be said of it."""

    books: Books
    """With suspensions and suspended plans as they are now."""
    reported: tuple[Suspension, ...]
    """Differences that are certain since this comparison, or have changed."""


def compared(books: Books, theirs: Mapping[str, Decimal], *, prices: Mapping[str, Decimal], at: datetime) -> Compared:
    """Hold what the venue has (`theirs`, by symbol) against the books. `prices` are the newest ones, from after those in the books."""
    found: dict[str, Suspension] = {}
    reported: list[Suspension] = []
    ours = {symbol: position.quantity for symbol, position in books.positions.items()}
    for symbol in sorted({**ours, **theirs, **books.suspensions}):
        before = books.suspensions.get(symbol)
        here, there = ours.get(symbol, ZERO), theirs.get(symbol, ZERO)
        if here == there and here >= 0:
            continue  # more sold than bought is never in order, also where the venue agrees
        now = _believed(before, symbol, here, there, at=at)
        if not now.is_corporate_action and _is_corporate_action(books.positions.get(symbol), there, prices.get(symbol)):
            now = replace(now, is_corporate_action=True, status=SuspensionStatus.SUSPENDED, reason=None)
        found[symbol] = now
        if now.status is SuspensionStatus.SUSPENDED and not (before is not None and _says_the_same(before, now)):
            reported.append(now)
    gone = [symbol for symbol in books.suspensions if symbol not in found]
    if found != books.suspensions:
        books = replace(books, suspensions=found)
    for symbol in gone:
        books = _with_plans(books, symbol, PlanStatus.SUSPENDED, PlanStatus.OPEN)
    for now in found.values():
        if now.status is SuspensionStatus.SUSPENDED and (now.is_corporate_action or now.theirs <= 0):
            books = _with_plans(books, now.symbol, PlanStatus.OPEN, PlanStatus.SUSPENDED)
    return Compared(books=books, reported=tuple(reported))


def ignored(books: Books, symbol: str, *, reason: str) -> Books:
    """The books with the difference on `symbol` declared foreign: it is not reported any more unless it changes."""
    known = replace(
        books.suspensions[symbol], status=SuspensionStatus.IGNORED, is_corporate_action=False, reason=reason
    )
    books = replace(books, suspensions={**books.suspensions, symbol: known})
    return books if known.theirs <= 0 else _with_plans(books, symbol, PlanStatus.SUSPENDED, PlanStatus.OPEN)


def adopted(books: Books, caretaker: TradePlan, *, fill_id: str, price: Decimal, at: datetime, now: datetime) -> Books:
    """The books with the difference on the caretaker's symbol booked as a fill, so that they equal the venue's.

    What the venue has more goes to the symbol's open plan, or to `caretaker` where there is none; what it has less is sold from the plans
    at `price`. A corporate action changes quantity, stop and target by its ratio, and earns nothing. `now` is the wall clock.
    """
    symbol = caretaker.symbol
    known = books.suspensions[symbol]
    if known.is_corporate_action:
        books = _split(books, known, fill_id=fill_id, at=at, now=now)
    elif known.difference > 0:
        books = _grown(books, caretaker, known, fill_id=fill_id, price=price, at=at, now=now)
    else:
        books = _shrunk(books, caretaker, known, fill_id=fill_id, price=price, at=at, now=now)
    books = replace(books, suspensions={name: one for name, one in books.suspensions.items() if name != symbol})
    return _with_plans(books, symbol, PlanStatus.SUSPENDED, PlanStatus.OPEN)


def _believed(before: Suspension | None, symbol: str, here: Decimal, there: Decimal, *, at: datetime) -> Suspension:
    """What is to be thought of a difference, after what was thought of it before."""
    is_other = before is not None and (before.difference != there - here or here < 0 <= before.ours)
    if before is None or (before.status is SuspensionStatus.IGNORED and is_other):
        return Suspension(
            symbol=symbol,
            ours=here,
            theirs=there,
            status=SuspensionStatus.DOUBTED,
            is_corporate_action=False,
            since=at,
            reason=None,
        )
    status = before.status
    since = before.since
    if before.difference != there - here:
        since = at
    elif status is SuspensionStatus.DOUBTED and at > before.since:
        status = SuspensionStatus.SUSPENDED
    return replace(before, ours=here, theirs=there, status=status, since=since)


def _says_the_same(before: Suspension, now: Suspension) -> bool:
    return (before.status, before.difference, before.is_corporate_action) == (
        now.status,
        now.difference,
        now.is_corporate_action,
    )


def _is_corporate_action(position: Position | None, there: Decimal, price: Decimal | None) -> bool:
    """Whether price and quantity have jumped by one ratio since the books saw a price."""
    if position is None or price is None or there <= 0 or not position.lots:
        return False
    ratio = there / position.quantity
    if 1 / _SMALLEST_SPLIT < ratio < _SMALLEST_SPLIT:
        return False
    return abs(ratio * price / position.current_price - 1) <= _AGREEMENT


def _with_plans(books: Books, symbol: str, before: PlanStatus, after: PlanStatus) -> Books:
    """The books with the symbol's plans that hold something gone from one status to another; caretakers wait for an operator."""
    for plan in books.plans_of(symbol):
        kept = plan.strategy_name in (ADOPTED, UNATTRIBUTED) and after is PlanStatus.OPEN
        if plan.status is before and not kept and (after is PlanStatus.OPEN or books.held_for(plan.id) > 0):
            books = with_plan(books, replace(plan, status=after))
    return books


def _grown(  # what a booking needs
    books: Books,
    caretaker: TradePlan,
    known: Suspension,
    *,
    fill_id: str,
    price: Decimal,
    at: datetime,
    now: datetime,
) -> Books:
    """What was sold and not held is bought back first, for no plan: what it belonged to is over."""
    back = min(known.difference, max(-known.ours, ZERO))
    if back:
        nobody = replace(caretaker, id=plan_id_from(hashlib.sha256(f"{caretaker.id}/back".encode()).digest()))
        execution = _execution(nobody, Leg.ENTRY, back, id=f"{fill_id}-back", price=price, at=at)
        books = booked(books, execution, recorded_at=now)
    more = known.difference - back
    if not more:
        return books
    most = instrument(known.symbol).max_quantity
    plan = next((p for p in books.plans_of(known.symbol) if p.size + more <= most), caretaker)
    if plan is caretaker:
        books = with_plan(books, caretaker)
    execution = _execution(plan, Leg.ENTRY, more, id=fill_id, price=price, at=at)
    return booked(books, execution, recorded_at=now)


def _shrunk(  # what a booking needs
    books: Books,
    caretaker: TradePlan,
    known: Suspension,
    *,
    fill_id: str,
    price: Decimal,
    at: datetime,
    now: datetime,
) -> Books:
    """What is missing is taken from the plans in turn; what no plan holds is taken from the position alone."""
    left = -known.difference
    parts = 0
    for plan in (*books.plans_of(known.symbol), caretaker):
        quantity = left if plan is caretaker else min(left, books.held_for(plan.id))
        if quantity <= 0:
            continue
        if plan is not caretaker and quantity == books.held_for(plan.id):
            books = with_plan(books, replace(plan, exit_reason=plan.exit_reason or ADOPTED))
        part_id = fill_id if not parts else f"{fill_id}-{parts}"
        execution = _execution(plan, Leg.EXIT, quantity, id=part_id, price=price, at=at)
        books = booked(books, execution, recorded_at=now)
        left -= quantity
        parts += 1
    return books


def _execution(plan: TradePlan, leg: Leg, quantity: Decimal, *, id: str, price: Decimal, at: datetime) -> Execution:
    return Execution(
        id=id,
        order_id=id,
        client_order_id=id,
        plan_id=plan.id,
        leg=leg,
        symbol=plan.symbol,
        side=Side.BUY if leg is Leg.ENTRY else Side.SELL,
        quantity=quantity,
        price=price,
        fee=ZERO,
        liquidity=None,
        timestamp=at,
        reason=ADOPTED,
    )


def _split(books: Books, known: Suspension, *, fill_id: str, at: datetime, now: datetime) -> Books:
    """Every quantity times one ratio, every price through it; what was paid stays as it is."""
    ratio = known.theirs / known.ours
    position = books.positions[known.symbol]
    scaled = replace(
        position,
        lots=_scaled(position.lots, ratio, to=known.theirs, step=instrument(known.symbol).quantity_step),
        current_price=position.current_price / ratio,
        last_updated=at,
    )
    books = replace(books, positions={**books.positions, known.symbol: scaled})
    left = known.difference
    plans = [plan for plan in books.plans_of(known.symbol) if books.held_for(plan.id) > 0]
    for number, plan in enumerate(plans, start=1):
        held = books.held_for(plan.id)
        more = left if number == len(plans) else instrument(known.symbol).quantity(held * ratio) - held
        left -= more
        part_id = fill_id if number == 1 else f"{fill_id}-{number}"
        fill = _bonus(plan, more, id=part_id, session=books.session, at=at, now=now)
        books = replace(books, fills={**books.fills, plan.id: (*books.fills[plan.id], fill)})
        books = settled(with_plan(books, _rescaled(plan, ratio, more)), plan.id, at=at, recorded_at=now)
    return books


def _scaled(lots: tuple[Lot, ...], ratio: Decimal, *, to: Decimal, step: Decimal) -> tuple[Lot, ...]:
    """The lots with their quantities times `ratio`, in steps, `to` in all; the last takes what rounding leaves."""
    found: list[Lot] = []
    left = to
    for number, lot in enumerate(lots, start=1):
        quantity = left if number == len(lots) else lot.quantity * ratio // step * step
        found.append(replace(lot, quantity=quantity))
        left -= quantity
    return tuple(lot for lot in found if lot.quantity > 0)


def _bonus(plan: TradePlan, more: Decimal, *, id: str, session: BotSession | None, at: datetime, now: datetime) -> Fill:
    """What a corporate action adds or takes, at no price."""
    return Fill(
        id=id,
        trade_id=plan.id,
        order_id=id,
        client_order_id=id,
        symbol=plan.symbol,
        action=Side.BUY if more > 0 else Side.SELL,
        quantity=abs(more),
        price=ZERO,
        value=ZERO,
        fee=ZERO,
        liquidity=None,
        realized_pnl=None if more > 0 else ZERO,
        reason=ADOPTED,
        timestamp=at,
        recorded_at=now,
        session_id=session.id if session else None,
    )


def _rescaled(plan: TradePlan, ratio: Decimal, more: Decimal) -> TradePlan:
    known = instrument(plan.symbol)
    return replace(
        plan,
        size=plan.size + max(more, ZERO),
        entry_price=known.price(plan.entry_price / ratio),
        stop_price=known.price(plan.stop_price / ratio),
        target_price=known.price(plan.target_price / ratio) if plan.target_price is not None else None,
        version=plan.version + 1,
        status=PlanStatus.OPEN,
        exit_reason=None,
    )
