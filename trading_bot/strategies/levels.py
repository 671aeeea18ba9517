"""Levels: entry, stop and target of a proposal, in prices that an order may have."""

from dataclasses import dataclass
from decimal import Decimal

from trading_bot.domain.instruments import Instrument

# A stop nearer than this is hit by the noise of one bar, and makes sizes that the risk per trade does not mean.
SMALLEST_RISK_STEPS = 2
SMALLEST_RISK_PCT = Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Three prices in the instrument's steps: 0 < stop < entry < target."""

    entry: Decimal
    """Where the position is opened."""
    stop: Decimal
    """Where it is given up."""
    target: Decimal
    """Where its profit is taken."""


def levels_of(known: Instrument, *, entry: Decimal, stop: Decimal, risk_multiple: Decimal) -> Levels | None:
    """The levels of an entry, or null where the stop stands too near (2 price steps, 0.05 % of the entry) or not above zero.

    Entry and stop are rounded down to the instrument's steps; target = entry + risk_multiple x (entry - stop), rounded down too.
    """
    if stop < known.price_step:
        return None
    entry, stop = known.price(entry), known.price(stop)
    risk = entry - stop
    if risk < known.price_step * SMALLEST_RISK_STEPS or risk * 100 < entry * SMALLEST_RISK_PCT:
        return None
    return Levels(entry=entry, stop=stop, target=known.price(entry + risk * risk_multiple))
