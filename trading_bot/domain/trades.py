"""Trades: one plan from entry to flat, with averages over its fills.

The fields above the line are TradeRecord's 27, in its order: the audit log holds exactly these, once at the entry (`outcome` open) and once
at the exit, with the same `order_id`. Times stand in the log as ISO 8601, amounts as decimal strings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from trading_bot.domain.account import TradingMode
from trading_bot.domain.fills import Fill
from trading_bot.domain.instruments import instrument
from trading_bot.domain.market import require_utc
from trading_bot.domain.money import ZERO, rounded
from trading_bot.domain.orders import Side
from trading_bot.domain.plans import TradePlan

_PRICE_STEP = Decimal("0.00000001")


class Outcome(Enum):
    """How a trade ended, by its net profit or loss."""

    WIN = "win"
    """Flat, net result above zero."""
    LOSS = "loss"
    """Flat, net result below zero."""
    BREAKEVEN = "breakeven"
    """Flat, net result exactly zero."""
    OPEN = "open"
    """Not flat yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One plan from entry to flat: TradeRecord's 27 fields, and what they link to."""

    timestamp: datetime
    """Venue time of the first entry fill, UTC."""
    symbol: str
    """Instrument symbol."""
    action: Side
    """Side of the entry."""
    quantity: Decimal
    """Entered in all, in shares or coins."""
    price: Decimal
    """Mean entry price, weighted by quantity."""
    total_value: Decimal
    """Cash value of the entry fills."""
    order_id: str
    """The venue's id of the entry order."""
    execution_mode: TradingMode
    """PAPER or LIVE."""
    account_id: str | None
    """The venue's account, where it names one."""
    strategy_name: str
    """The strategy that proposed it."""
    entry_type: str
    """How it entered: breakout, pullback."""
    stop_loss: Decimal | None
    """The plan's stop price."""
    target: Decimal | None
    """The plan's target price."""
    decision_reasoning: str
    """Why it was taken, at most 500 bytes."""
    indicators_used: tuple[str, ...]
    """Indicators behind the decision."""
    risk_reward_ratio: float | None
    """Planned reward divided by planned risk."""
    outcome: Outcome
    """Win, loss, breakeven, or open."""
    profit_loss: Decimal | None
    """Realised so far, before fees; null until something was sold."""
    hold_duration_seconds: int | None
    """Venue seconds from the first entry fill to the last exit fill; null while open."""
    exit_timestamp: datetime | None
    """Venue time of the last exit fill, UTC; null while open."""
    exit_reasoning: str | None
    """Why it was exited; null while open."""
    slippage: Decimal | None
    """Mean entry price minus planned entry price, in the quote currency per share or coin: above zero cost money."""
    commission: Decimal | None
    """All fees of its fills."""
    net_profit_loss: Decimal | None
    """`profit_loss` minus `commission`; null while open."""
    session_id: str
    """UUID of the trading session in which it was entered."""
    bot_version: str
    """Version of the bot that entered it, such as 1.0.0."""
    config_hash: str
    """MD5 of the configuration in force at the entry, 32 hexadecimal digits."""
    # ---- what it links to ----
    id: str
    """The id of its plan."""
    recorded_at: datetime
    """Wall clock of the last change, UTC."""
    config_version: int
    """The configuration in force at the entry."""

    def __post_init__(self) -> None:
        allowed = instrument(self.symbol)
        if not (0 < self.quantity <= allowed.max_quantity and self.quantity % allowed.quantity_step == 0):
            msg = f"Expected a quantity in steps of {allowed.quantity_step} up to {allowed.max_quantity}, was {self.quantity}."
            raise ValueError(msg)
        if self.price <= 0:
            msg = f"Expected a positive price, was {self.price}."
            raise ValueError(msg)
        require_utc("timestamp", self.timestamp)
        if (self.outcome is Outcome.OPEN) != (self.exit_timestamp is None):
            msg = f"Expected an exit time exactly for a closed trade, was {self.outcome.value} with {self.exit_timestamp}."
            raise ValueError(msg)


RECORD_FIELDS = (
    "timestamp", "symbol", "action", "quantity", "price", "total_value", "order_id", "execution_mode", "account_id", "strategy_name",
    "entry_type", "stop_loss", "target", "decision_reasoning", "indicators_used", "risk_reward_ratio", "outcome", "profit_loss",
    "hold_duration_seconds", "exit_timestamp", "exit_reasoning", "slippage", "commission", "net_profit_loss", "session_id",
    "bot_version", "config_hash",
)  # fmt: skip
"""TradeRecord's 27 fields, in its order."""


def trade_of(
    plan: TradePlan,
    fills: Sequence[Fill],
    *,
    mode: TradingMode,
    account_id: str | None,
    bot_version: str,
    recorded_at: datetime,
) -> Trade | None:
    """The trade that `plan` and all of its `fills` (in venue order) amount to; null before the first entry fill."""
    entries = [fill for fill in fills if fill.action is plan.side]
    exits = [fill for fill in fills if fill.action is not plan.side]
    if not entries:
        return None
    quantity = sum((fill.quantity for fill in entries), ZERO)
    exited = sum((fill.quantity for fill in exits), ZERO)
    price = rounded(sum((f.price * f.quantity for f in entries), ZERO) / quantity, _PRICE_STEP).normalize() + ZERO
    profit = sum((fill.realized_pnl or ZERO for fill in exits), ZERO) if exits else None
    commission = sum((fill.fee for fill in fills), ZERO)
    is_flat = exited >= quantity and not plan.is_open
    net = profit - commission if is_flat and profit is not None else None
    ended = exits[-1].timestamp if is_flat else None
    return Trade(
        timestamp=entries[0].timestamp,
        symbol=plan.symbol,
        action=plan.side,
        quantity=quantity,
        price=price,
        total_value=sum((fill.value for fill in entries), ZERO),
        order_id=entries[0].order_id,
        execution_mode=mode,
        account_id=account_id,
        strategy_name=plan.strategy_name,
        entry_type=plan.entry_type,
        stop_loss=plan.stop_price,
        target=plan.target_price,
        decision_reasoning=plan.reason,
        indicators_used=plan.indicators_used,
        risk_reward_ratio=plan.risk_reward_ratio,
        outcome=_outcome(net),
        profit_loss=profit,
        hold_duration_seconds=int((ended - entries[0].timestamp).total_seconds()) if ended else None,
        exit_timestamp=ended,
        exit_reasoning=plan.exit_reason if is_flat else None,
        slippage=price - plan.entry_price,
        commission=commission,
        net_profit_loss=net,
        session_id=plan.session_id,
        bot_version=bot_version,
        config_hash=plan.config_hash,
        id=plan.id,
        recorded_at=recorded_at,
        config_version=plan.config_version,
    )


def _outcome(net: Decimal | None) -> Outcome:
    if net is None:
        return Outcome.OPEN
    if net > 0:
        return Outcome.WIN
    return Outcome.LOSS if net < 0 else Outcome.BREAKEVEN
