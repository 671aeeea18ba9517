"""Trades: one plan from entry to flat."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import answered_by, describes, publish
from graph.types.decisions import Decision
from graph.types.fills import Fill
from graph.types.paging import PageInfo
from graph.types.plans import TradePlan
from resolvers import paging
from resolvers.decisions import find_trade_decision
from resolvers.fills import list_trade_fills
from resolvers.plans import find_trade_plan
from trading_bot.domain import account, orders, trades

publish(trades.Outcome)


@describes(trades.Trade)
class Trade:
    id: strawberry.ID
    timestamp: datetime
    symbol: str
    action: orders.Side
    quantity: Decimal
    price: Decimal
    total_value: Decimal
    order_id: strawberry.ID
    execution_mode: account.TradingMode
    account_id: str | None
    strategy_name: str
    entry_type: str
    stop_loss: Decimal | None
    target: Decimal | None
    decision_reasoning: str
    indicators_used: list[str]
    risk_reward_ratio: float | None
    outcome: trades.Outcome
    profit_loss: Decimal | None
    hold_duration_seconds: int | None
    exit_timestamp: datetime | None
    exit_reasoning: str | None
    slippage: Decimal | None
    commission: Decimal | None
    net_profit_loss: Decimal | None
    session_id: strawberry.ID
    bot_version: str
    config_hash: str
    recorded_at: datetime
    config_version: int
    fills: list[Fill] = answered_by(list_trade_fills, "Its executions in the venue's order, entries and exits.")
    plan: TradePlan | None = answered_by(find_trade_plan, "The intent behind it; null for one that was never stored.")
    decision: Decision | None = answered_by(
        find_trade_decision, "Why it was entered; null where no decision was stored, as for what was adopted."
    )


@describes(paging.Edge)
class TradeEdge:
    """A trade, and where it stands in the list."""

    node: Trade
    cursor: str


@describes(paging.Connection)
class TradeConnection:
    """A page of trades, newest first."""

    edges: list[TradeEdge]
    page_info: PageInfo
