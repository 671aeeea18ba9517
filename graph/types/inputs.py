"""Inputs: what a caller sends with a query or a write."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph.describes import accepts
from graph.scalars import JSON
from resolvers import inputs
from trading_bot.domain import commands, errors, trades


@accepts(inputs.TradeFilter)
class TradeFilter:
    symbol: str | None
    strategy_name: str | None
    outcome: trades.Outcome | None
    start: datetime | None = strawberry.field(name="from")
    end: datetime | None = strawberry.field(name="to")
    min_profit_loss: Decimal | None
    max_profit_loss: Decimal | None
    search: str | None


@accepts(inputs.ErrorFilter)
class ErrorFilter:
    error_code: str | None
    severity: errors.Severity | None
    acknowledged: bool | None
    symbol: str | None
    start: datetime | None = strawberry.field(name="from")
    end: datetime | None = strawberry.field(name="to")


@accepts(inputs.DecisionFilter)
class DecisionFilter:
    symbol: str | None
    strategy_name: str | None
    acted: bool | None
    start: datetime | None = strawberry.field(name="from")
    end: datetime | None = strawberry.field(name="to")


@accepts(inputs.RiskEventFilter)
class RiskEventFilter:
    event_type: str | None
    severity: errors.Severity | None
    start: datetime | None = strawberry.field(name="from")
    end: datetime | None = strawberry.field(name="to")


@accepts(inputs.BotAction)
class BotActionInput:
    bot_id: strawberry.ID | None
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(inputs.BotStop)
class BotStopInput:
    bot_id: strawberry.ID | None
    on_stop: commands.StopPolicy
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(inputs.PositionsClose)
class PositionsCloseInput:
    bot_id: strawberry.ID | None
    symbols: list[str]
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(inputs.OrdersCancel)
class OrdersCancelInput:
    bot_id: strawberry.ID | None
    order_ids: list[strawberry.ID]
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(inputs.ErrorAcknowledge)
class ErrorAcknowledgeInput:
    error_ids: list[strawberry.ID]
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(inputs.WorkflowExecute)
class WorkflowExecuteInput:
    workflow_id: strawberry.ID
    bot_id: strawberry.ID | None
    parameters: JSON | None = strawberry.field(default_factory=dict)
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None


@accepts(inputs.WorkflowCancel)
class WorkflowCancelInput:
    run_id: strawberry.ID
    reason: str
    idempotency_key: str
    dry_run: bool = strawberry.field(default=False)
    confirm_token: str | None
