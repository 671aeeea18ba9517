"""Advice: what a language model is shown, and the four things that it may answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.books import Books
from trading_bot.domain.decider import DeciderKind
from trading_bot.domain.instruments import instrument
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import OrderType
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.trades import Trade

MODEL_NAME = DeciderKind.LANGUAGE_MODEL.value
"""What stands in the place of a strategy's name where a language model decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a language model is shown of the bot when it is asked."""

    at: datetime
    """Venue time of the question, UTC."""
    books: Books
    """Positions, orders, plans, session and totals."""
    bars: Mapping[str, tuple[Bar, ...]]
    """The last bars of each symbol that is shown, oldest first."""
    may_enter: tuple[str, ...]
    """The symbols that may be entered now, sorted."""
    may_exit: tuple[str, ...]
    """The symbols whose plan may be ended, or its stop tightened, now, sorted."""
    recent: tuple[Trade, ...]
    """The last trades, newest first."""
    limits: RiskLimits
    """What code holds every entry against, whatever is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Do nothing."""

    reasoning: str
    """Why, in the model's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """Enter one symbol. How much is not the model's to say."""

    symbol: str
    """One of the symbols that may be entered."""
    order_type: OrderType
    """MARKET, LIMIT or STOP."""
    entry_price: Decimal
    """Limit or trigger; for a market order the price that is expected."""
    stop_price: Decimal
    """Where to give up, below the entry."""
    target_price: Decimal | None
    """Where to take profit, above the entry; null for nowhere."""
    good_for_bars: int
    """Minutes for which the entry rests, 1 to 60."""
    reasoning: str
    """Why, in the model's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End the plan of one symbol."""

    symbol: str
    """One of the symbols whose plan may be ended."""
    reasoning: str
    """Why, in the model's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tighten:
    """Move the stop of one symbol's plan closer to its price. It is never loosened."""

    symbol: str
    """One of the symbols whose plan may be ended."""
    stop_price: Decimal
    """Where to give up from now on: above the present stop, below the last price."""
    reasoning: str
    """Why, in the model's words."""


Advice = Stay | Enter | Leave | Tighten


def proposal_of(advice: Enter, last: Bar) -> EntryProposal:
    """The advice as an entry that is held against the limits. ValueError where its prices can't be meant.

    The quantity follows from the entry price, so that price must not be below what will be paid: a market order is taken at the last
    price, whatever the model says, and a stop order below it would be one in disguise.
    """
    step = instrument(advice.symbol)
    is_market = advice.order_type is OrderType.MARKET
    entry = last.close if is_market else advice.entry_price
    if advice.order_type is OrderType.STOP and entry < last.close:
        msg = f"Expected a stop order at or above the last price of {last.close}, was {entry}."
        raise ValueError(msg)
    return EntryProposal(
        symbol=advice.symbol,
        strategy_name=MODEL_NAME,
        entry_type=advice.order_type.name.lower(),
        order_type=advice.order_type,
        entry_price=step.price(entry),
        stop_price=step.price(advice.stop_price),
        target_price=None if advice.target_price is None else step.price(advice.target_price),
        good_for_bars=advice.good_for_bars,
        reasoning=advice.reasoning,
        indicators={},
    )
