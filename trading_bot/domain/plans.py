"""Trade plans: what the bot means to do with one symbol, from the entry to flat.

One open plan per symbol. Its size is the quantity that was filled; its stop and target are kept in the store and armed again at every
start, and moved by a new version only.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import Bar
from trading_bot.domain.money import ZERO
from trading_bot.domain.orders import Side


class PlanStatus(Enum):
    """Where a plan is in its life."""

    OPEN = "OPEN"
    """Its entry works or its position is held."""
    SUSPENDED = "SUSPENDED"
    """Held, but an operator must look: no order leaves for it."""
    CLOSED = "CLOSED"
    """Flat again, or never filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlan:
    """The intent behind one trade: entry, stop, target, and why."""

    id: str
    """13 base32 characters, made of bot, symbol, strategy and bar: the same after any restart."""
    symbol: str
    """Instrument symbol."""
    side: Side
    """Side of the entry."""
    strategy_name: str
    """The strategy that proposed it."""
    entry_type: str
    """How it enters: breakout, pullback."""
    entry_price: Decimal
    """Price at which the entry was meant, in the quote currency."""
    stop_price: Decimal
    """A bar that trades here or below ends the plan."""
    target_price: Decimal | None
    """A bar that trades here or above ends the plan; null for none."""
    size: Decimal
    """Shares or coins filled so far by the entry."""
    planned_size: Decimal
    """Shares or coins that the entry was sent for."""
    status: PlanStatus
    """OPEN, SUSPENDED or CLOSED."""
    reason: str
    """Why the trade was taken, at most 500 bytes."""
    indicators_used: tuple[str, ...]
    """Names of the indicators behind the decision, such as VWAP, EMA-9."""
    entry_order_id: str | None
    """The venue's id of the entry order; null until it answered."""
    entry_client_order_id: str | None
    """Our id of the entry order."""
    exit_reason: str | None
    """Why the plan is being closed, or was; null while it is not."""
    version: int
    """Counts the changes of stop and target, from 1."""
    session_id: str
    """The trading session in which it was opened."""
    config_version: int
    """The configuration in force when it was opened."""
    config_hash: str
    """MD5 of that configuration, 32 hexadecimal digits."""
    opened_at: datetime
    """Venue time of the decision, UTC."""
    closed_at: datetime | None
    """Venue time when it was flat again; null while open."""

    @property
    def is_open(self) -> bool:
        """Whether the plan still holds or may still enter."""
        return self.status is not PlanStatus.CLOSED

    @property
    def risk_reward_ratio(self) -> float | None:
        """Planned reward divided by planned risk; null without a target."""
        risk = self.entry_price - self.stop_price
        if self.target_price is None or risk <= 0:
            return None
        return round(float((self.target_price - self.entry_price) / risk), 4)


def caretaker_plan(  # what a plan needs, whoever made it
    id: str,
    symbol: str,
    *,
    name: str,
    price: Decimal,
    reason: str,
    session_id: str,
    config_version: int,
    config_hash: str,
    at: datetime,
) -> TradePlan:
    """A plan for what is held without one: SUSPENDED, with a stop that can't be reached, until an operator moves it or closes it.

    `name` says why, in the place of a strategy: adopted, unattributed.
    """
    return TradePlan(
        id=id,
        symbol=symbol,
        side=Side.BUY,
        strategy_name=name,
        entry_type=name,
        entry_price=price,
        stop_price=instrument(symbol).price_step,
        target_price=None,
        size=ZERO,
        planned_size=ZERO,
        status=PlanStatus.SUSPENDED,
        reason=reason,
        indicators_used=(),
        entry_order_id=None,
        entry_client_order_id=None,
        exit_reason=None,
        version=1,
        session_id=session_id,
        config_version=config_version,
        config_hash=config_hash,
        opened_at=at,
        closed_at=None,
    )


def exit_due(plan: TradePlan, bar: Bar) -> str | None:
    """Why `bar` ends the plan, or null when it does not. The stop wins over a target in the same bar."""
    if bar.open < plan.stop_price:
        return f"stop: opened at {bar.open}, through the stop at {plan.stop_price} (gap); exit at the next price"
    if bar.low <= plan.stop_price:
        return f"stop: traded at {bar.low}, stop was {plan.stop_price}"
    if plan.target_price is not None and bar.high >= plan.target_price:
        return f"target: traded at {bar.high}, target was {plan.target_price}"
    return None


def since_entry(bar: Bar, entered: datetime) -> Bar | None:
    """What of `bar` came after a plan's first fill: of the bar in which it filled only the close is known to have. Null for nothing."""
    if bar.known_at < entered:
        return None
    if bar.timestamp < entered:
        return replace(bar, open=bar.close, high=bar.close, low=bar.close)
    return bar


def with_levels(plan: TradePlan, *, stop: Decimal | None, target: Decimal | None) -> TradePlan:
    """The plan with another stop or target (null: the same), cut to prices that the instrument has; nothing is checked."""
    known = instrument(plan.symbol)
    return replace(
        plan,
        stop_price=known.price(stop) if stop is not None else plan.stop_price,
        target_price=known.price(target) if target is not None else plan.target_price,
    )
