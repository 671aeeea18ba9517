"""Risk: how much of a proposed entry is let through. Refuses only what increases exposure; an exit never asks here."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.instruments import instrument
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.money import ZERO, plain
from trading_bot.domain.proposals import EntryProposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the gate looks at besides the proposal."""

    equity: Decimal
    """Cash plus the worth of all positions."""
    buying_power: Decimal
    """What may be spent."""
    committed: Decimal
    """Worth of all positions and resting entries."""
    open_plans: int
    """Plans that are not closed."""
    daily_pnl: Decimal
    """Equity now minus equity at the session's start."""
    venue_time: datetime
    """The venue's clock, UTC."""
    bar_known_at: datetime
    """When the symbol's last bar was over, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The entry may leave, with this quantity."""

    quantity: Decimal
    """Shares or coins, in the instrument's steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The entry may not leave."""

    code: str
    """RISK_NNN of the error catalogue."""
    cause: str
    """Which limit, with its figures."""
    figures: dict[str, str]
    """Limit and value, as plain text."""


def check_entry(proposal: EntryProposal, exposure: Exposure, limits: RiskLimits) -> Approved | Refused:
    """Whether `proposal` may leave, and with which quantity.

    The quantity is the smallest of: risk_per_trade_pct of equity divided by the distance to the stop; what max_position_size_pct,
    max_exposure_pct and the buying power leave; the instrument's maximum. It is cut to the instrument's step.
    """
    age = (exposure.venue_time - exposure.bar_known_at).total_seconds()
    if age > limits.max_data_age_seconds:
        return _refused("RISK_004", "The last bar is too old to act on", limit=limits.max_data_age_seconds, value=age)
    if exposure.daily_pnl <= limits.daily_loss_limit:
        return _refused(
            "RISK_003", "The daily loss limit is reached", limit=limits.daily_loss_limit, value=exposure.daily_pnl
        )
    if exposure.open_plans >= limits.max_open_positions:
        return _refused(
            "RISK_002", "Too many plans are open", limit=limits.max_open_positions, value=exposure.open_plans
        )
    most = _share(exposure.equity, limits.max_exposure_pct)
    room = most - exposure.committed
    if room <= 0:
        return _refused("RISK_002", "The exposure limit is reached", limit=most, value=exposure.committed)
    price = proposal.entry_price
    spendable = min(_share(exposure.equity, limits.max_position_size_pct), room, exposure.buying_power)
    by_risk = _share(exposure.equity, limits.risk_per_trade_pct) / (price - proposal.stop_price)
    known = instrument(proposal.symbol)
    quantity = known.quantity(min(spendable / price, by_risk) if spendable > 0 else ZERO)
    if quantity == 0:
        left, needed = min(spendable, by_risk * price), known.min_quantity * price
        return _refused("RISK_001", "The limits leave less than one unit costs", limit=left, value=needed)
    return Approved(quantity=quantity)


def _share(amount: Decimal, pct: float) -> Decimal:
    return amount * Decimal(str(pct)) / 100


def _refused(code: str, cause: str, *, limit: Decimal | float, value: Decimal | float) -> Refused:
    figures = {"limit": _text(limit), "value": _text(value)}
    return Refused(code=code, cause=f"{cause}: limit {figures['limit']}, is {figures['value']}.", figures=figures)


def _text(figure: Decimal | float) -> str:
    return plain(figure.quantize(Decimal("0.01")) if isinstance(figure, Decimal) else Decimal(str(figure)))
