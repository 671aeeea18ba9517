"""Risk: how much of a proposed entry is let through.

The gate refuses only what increases exposure. An exit of what is held passes in any state: it never meets the limits, only `check_exit`,
which keeps it from selling more than there is. Each refusal is a value with a code and its figures.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from trading_bot.domain.hours import SessionHours
from trading_bot.domain.instruments import AssetClass, Instrument, instrument
from trading_bot.domain.limits import RiskLimits
from trading_bot.domain.money import ZERO, plain
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.state import DAY_TRADE_EQUITY, DAY_TRADES_ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the gate looks at besides the proposal. Amounts are in the quote currency."""

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
    last_price: Decimal
    """The symbol's last price, above zero."""
    consecutive_losses: int = 0
    """Losing trades in a row since the breaker was last reset, zero or more."""
    day_trades: int = 0
    """Day trades of the last five sessions, by the venue's count."""
    day_trades_pending: int = 0
    """Equities entered, or being entered, in this session: each becomes a day trade when it is sold in it."""
    orders_last_minute: int = 0
    """Orders intended within the last minute of venue time."""
    suspended: str | None = None
    """Why the symbol takes no entries until an operator settles it; null where it does."""
    breaker: str | None = None
    """Why the circuit breaker tripped; null while it has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The order may leave, with this quantity."""

    quantity: Decimal
    """Shares or coins, in the instrument's steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The order may not leave."""

    code: str
    """RISK_NNN of the error catalogue."""
    cause: str
    """Which limit, with its figures."""
    figures: dict[str, str]
    """Limit and value, as plain text."""


EVENT_TYPES = {
    "RISK_001": "position_limit_exceeded",
    "RISK_002": "exposure_limit_exceeded",
    "RISK_003": "daily_loss_limit_reached",
    "RISK_004": "stale_market_data",
    "RISK_005": "consecutive_losses_reached",
    "RISK_006": "day_trade_limit_reached",
    "RISK_007": "order_rate_exceeded",
    "RISK_008": "price_out_of_collar",
    "RISK_009": "symbol_suspended",
    "RISK_010": "circuit_breaker_active",
    "RISK_012": "exit_exceeds_position",
    "RISK_014": "outside_entry_hours",
}
"""What a refusal of each code is called in risk events."""


def check_entry(proposal: EntryProposal, exposure: Exposure, limits: RiskLimits) -> Approved | Refused:
    """Whether `proposal` may leave, and with which quantity.

    The quantity is the smallest of: risk_per_trade_pct of equity divided by the distance to the stop; what max_position_size_pct,
    max_exposure_pct and the buying power leave; the instrument's maximum. It is cut to the instrument's step.
    """
    known = instrument(proposal.symbol)
    return (
        _closed(exposure)
        or _too_old(exposure, limits)
        or _out_of_collar(proposal, known, exposure, limits)
        or _at_a_loss(exposure, limits)
        or _too_often(known, exposure, limits)
        or _no_room(exposure, limits)
        or _sized(proposal, known, exposure, limits)
    )


def check_any_entry(symbol: str, exposure: Exposure, limits: RiskLimits) -> Refused | None:
    """The refusal that every entry on `symbol` would meet, whatever its prices; null where one might pass."""
    return (
        _closed(exposure)
        or _too_old(exposure, limits)
        or _at_a_loss(exposure, limits)
        or _too_often(instrument(symbol), exposure, limits)
        or _no_room(exposure, limits)
    )


def check_hours(hours: SessionHours, at: datetime, opens: datetime, closes: datetime) -> Refused | None:
    """The refusal of an entry at `at` in a session from `opens` to `closes`, where the hours for entries have not begun or are over."""
    session = {"opens": f"{opens:%Y-%m-%dT%H:%MZ}", "closes": f"{closes:%Y-%m-%dT%H:%MZ}"}
    if at - opens < timedelta(minutes=hours.entries_after_open_minutes):
        cause = "Too few minutes since the session opened"
        refused = _refused("RISK_014", cause, limit=hours.entries_after_open_minutes, value=_minutes(at - opens))
    elif hours.is_too_late(at, closes):
        cause = "Too few minutes until the session closes"
        refused = _refused("RISK_014", cause, limit=hours.last_minutes, value=_minutes(closes - at))
    else:
        return None
    return replace(refused, figures={**refused.figures, **session})


def check_exit(quantity: Decimal, held: Decimal) -> Approved | Refused:
    """Whether `quantity` may be sold: anything up to what is held may, in whatever state the bot and its account are."""
    if quantity <= held:
        return Approved(quantity=quantity)
    figures = {"limit": plain(held), "value": plain(quantity)}
    cause = f"An exit may sell what is held: {figures['limit']} is held, {figures['value']} was asked for."
    return Refused(code="RISK_012", cause=cause, figures=figures)


def _closed(exposure: Exposure) -> Refused | None:
    """Nothing may be entered at all: on this symbol, or by this bot."""
    if exposure.suspended is not None:
        cause = "The symbol takes no entries until its position is settled with the venue."
        return Refused(code="RISK_009", cause=cause, figures={"reason": exposure.suspended})
    if exposure.breaker is not None:
        cause = "The circuit breaker is tripped."
        return Refused(code="RISK_010", cause=cause, figures={"reason": exposure.breaker})
    return None


def _too_old(exposure: Exposure, limits: RiskLimits) -> Refused | None:
    """The last price is of long ago."""
    age = (exposure.venue_time - exposure.bar_known_at).total_seconds()
    if age > limits.max_data_age_seconds:
        return _refused("RISK_004", "The last bar is too old to act on", limit=limits.max_data_age_seconds, value=age)
    return None


def _out_of_collar(
    proposal: EntryProposal, known: Instrument, exposure: Exposure, limits: RiskLimits
) -> Refused | None:
    """The price is no price of the instrument, or far from the last one."""
    price = proposal.entry_price
    # In this order: a price far off may have more digits than the rest could calculate with.
    distance = abs(price - exposure.last_price) / exposure.last_price * 100
    if distance > Decimal(str(limits.price_collar_pct)):
        figures = {
            "limit": str(limits.price_collar_pct),
            "value": f"{distance:.2f}",
            "last_price": plain(exposure.last_price),
        }
        cause = f"The entry price is {figures['value']} % from the last price; {figures['limit']} % are allowed."
        return Refused(code="RISK_008", cause=cause, figures=figures)
    if known.price(price) != price:
        figures = {"limit": plain(known.price_step), "value": plain(price)}
        cause = f"The entry price {figures['value']} is not a multiple of the price step {figures['limit']}."
        return Refused(code="RISK_008", cause=cause, figures=figures)
    return None


def _at_a_loss(exposure: Exposure, limits: RiskLimits) -> Refused | None:
    """The session has lost too much, or too many trades in a row did."""
    if exposure.daily_pnl <= limits.daily_loss_limit:
        return daily_loss_reached(exposure.daily_pnl, limits)
    if exposure.consecutive_losses >= limits.max_consecutive_losses:
        return losses_reached(exposure.consecutive_losses, limits)
    return None


def daily_loss_reached(daily_pnl: Decimal, limits: RiskLimits) -> Refused:
    """The refusal of a session that has lost its limit, with its figures."""
    return _refused("RISK_003", "The daily loss limit is reached", limit=limits.daily_loss_limit, value=daily_pnl)


def losses_reached(losses: int, limits: RiskLimits) -> Refused:
    """The refusal after too many losing trades in a row, with its figures."""
    return _refused("RISK_005", "Too many trades in a row lost", limit=limits.max_consecutive_losses, value=losses)


def _too_often(known: Instrument, exposure: Exposure, limits: RiskLimits) -> Refused | None:
    """An entry too many: in the sessions that count for day trades, in a minute, or at the same time."""
    # What was entered today may have to be sold today, and so may this: neither sale may ever be the one too many.
    trades = exposure.day_trades + exposure.day_trades_pending
    restricted = known.asset_class is AssetClass.EQUITY and exposure.equity < DAY_TRADE_EQUITY
    if restricted and trades >= DAY_TRADES_ALLOWED:
        return _refused("RISK_006", "The entry might need a day trade too many", limit=DAY_TRADES_ALLOWED, value=trades)
    if exposure.orders_last_minute >= limits.max_orders_per_minute:
        return _refused(
            "RISK_007",
            "Too many orders left within a minute",
            limit=limits.max_orders_per_minute,
            value=exposure.orders_last_minute,
        )
    if exposure.open_plans >= limits.max_open_positions:
        return _refused(
            "RISK_002", "Too many plans are open", limit=limits.max_open_positions, value=exposure.open_plans
        )
    return None


def _no_room(exposure: Exposure, limits: RiskLimits) -> Refused | None:
    """Positions and resting entries take all that may be committed."""
    most = _share(exposure.equity, limits.max_exposure_pct)
    if exposure.committed >= most:
        return _refused("RISK_002", "The exposure limit is reached", limit=most, value=exposure.committed)
    return None


def _sized(proposal: EntryProposal, known: Instrument, exposure: Exposure, limits: RiskLimits) -> Approved | Refused:
    """How much the limits leave."""
    room = _share(exposure.equity, limits.max_exposure_pct) - exposure.committed
    price = proposal.entry_price
    spendable = min(_share(exposure.equity, limits.max_position_size_pct), room, exposure.buying_power)
    by_risk = _share(exposure.equity, limits.risk_per_trade_pct) / (price - proposal.stop_price)
    quantity = known.quantity(min(spendable / price, by_risk) if spendable > 0 else ZERO)
    if quantity == 0:
        left, needed = min(spendable, by_risk * price), known.min_quantity * price
        return _refused("RISK_001", "The limits leave less than one unit costs", limit=left, value=needed)
    return Approved(quantity=quantity)


def _minutes(length: timedelta) -> int:
    """Whole minutes of it."""
    return length // timedelta(minutes=1)


def _share(amount: Decimal, pct: float) -> Decimal:
    return amount * Decimal(str(pct)) / 100


def _refused(code: str, cause: str, *, limit: Decimal | float, value: Decimal | float) -> Refused:
    figures = {"limit": _text(limit), "value": _text(value)}
    return Refused(code=code, cause=f"{cause}: limit {figures['limit']}, is {figures['value']}.", figures=figures)


def _text(figure: Decimal | float) -> str:
    return plain(figure.quantize(Decimal("0.01")) if isinstance(figure, Decimal) else Decimal(str(figure)))
