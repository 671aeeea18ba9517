"""Log entities: what the audit log says of one bot, each thing as its last line has it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading_bot.domain.account import TradingMode
from trading_bot.domain.breaker import Breaker
from trading_bot.domain.commands import Command
from trading_bot.domain.config_versions import ConfigPointer, StoredChange
from trading_bot.domain.decisions import Decision
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.fills import Fill
from trading_bot.domain.orders import Order
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.records import value_of
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.trades import Trade, trade_of
from trading_bot.domain.watch import PerformanceMetric
from trading_bot.domain.workflow_runs import WorkflowRun
from trading_bot.store.commands import read_record
from trading_bot.store.config_changes import VERSION
from trading_bot.store.config_changes import read_record as read_change
from trading_bot.store.configs import StoredConfig
from trading_bot.store.semantic import loaded
from trading_bot.store.workflow_trail import read_run, read_step

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A fill, and how it was booked."""

    fill: Fill
    """The fill."""
    mode: TradingMode
    """PAPER or LIVE."""
    bot_version: str
    """Which release booked it."""


@dataclass(slots=True, kw_only=True)
class LogEntities:
    """Everything that the log says of one bot."""

    orders: dict[str, tuple[Order, datetime]] = field(default_factory=dict)
    """Orders with the wall clock of their intent, by client order id."""
    bookings: dict[str, Booking] = field(default_factory=dict)
    """Fills by id, in the order in which they were booked."""
    positions: dict[str, Position] = field(default_factory=dict)
    """What is held by symbol, priced as of its last fill."""
    plans: dict[str, TradePlan] = field(default_factory=dict)
    """Plans by id."""
    sessions: dict[str, BotSession] = field(default_factory=dict)
    """Sessions by id; what fills add to one since its line is not in it."""
    trades: dict[str, Trade] = field(default_factory=dict)
    """Trades by id, as of their last line."""
    decisions: dict[str, Decision] = field(default_factory=dict)
    """Decisions by id."""
    commands: dict[str, Command] = field(default_factory=dict)
    """Commands by id, in the order in which they were asked."""
    errors: dict[str, SemanticError] = field(default_factory=dict)
    """Errors by id, in their order."""
    risk_events: dict[str, RiskEvent] = field(default_factory=dict)
    """Risk events by id; how often each was repeated is not in the log."""
    breaker: Breaker = field(default_factory=Breaker)
    """The circuit breaker after its last trip or reset."""
    alerts: dict[str, PerformanceMetric] = field(default_factory=dict)
    """Figures that triggered an alert, by trade."""
    configs: dict[int, StoredConfig] = field(default_factory=dict)
    """Versions of the configuration, by number."""
    config_changes: dict[int, StoredChange] = field(default_factory=dict)
    """What has become of each version, by number."""
    config_pointer: ConfigPointer | None = None
    """Which version the bot trades by; what it knows of the file is not in the log."""

    runs: dict[str, WorkflowRun] = field(default_factory=dict)
    """Runs of workflows by id, in the order in which they were asked for."""

    def take(self, stream: str, line: Line) -> None:
        """Take one line of a stream in; streams that hold no entity of the bot are passed over.

        KeyError, ValueError or TypeError for a line that does not hold what its stream is for.
        """
        taker = _TAKERS.get(stream)
        if taker is not None:
            taker(self, line)

    def made_trades(self) -> list[Trade]:
        """All trades, made of their plans and fills; a line tells what these don't: when it was recorded, by which release."""
        by_plan: dict[str, list[Booking]] = {}
        for booking in self.bookings.values():
            by_plan.setdefault(booking.fill.trade_id, []).append(booking)
        made = (self._made(plan_id, bookings) for plan_id, bookings in by_plan.items())
        return [trade for trade in made if trade is not None]

    def _made(self, plan_id: str, bookings: list[Booking]) -> Trade | None:
        plan = self.plans.get(plan_id)
        if plan is None:
            return None
        fills = sorted((booking.fill for booking in bookings), key=lambda fill: fill.timestamp)
        trade = trade_of(
            plan,
            fills,
            mode=bookings[-1].mode,
            account_id=None,
            bot_version=bookings[-1].bot_version,
            recorded_at=max(fill.recorded_at for fill in fills),
        )
        line = self.trades.get(plan_id)
        return line if trade is not None and line is not None and _of_one_moment(line, trade) else trade


def _of_one_moment(line: Trade, trade: Trade) -> bool:
    """Whether a trade's line was written after the last of its fills."""
    same = ("quantity", "outcome", "profit_loss", "commission", "exit_timestamp")
    return all(getattr(line, name) == getattr(trade, name) for name in same)


def _take_order(found: LogEntities, line: Line) -> None:
    if line["entity"] == "fill":
        _take_fill(found, line)
        return
    order = value_of(Order, line)
    known = found.orders.get(order.client_order_id)
    recorded_at = known[1] if known is not None else datetime.fromisoformat(line["recorded_at"])
    found.orders[order.client_order_id] = (order, recorded_at)


def _take_fill(found: LogEntities, line: Line) -> None:
    fill = value_of(Fill, line)
    mode = TradingMode(line["execution_mode"])
    found.bookings.setdefault(fill.id, Booking(fill=fill, mode=mode, bot_version=line["bot_version"]))
    lots = tuple(Lot(quantity=Decimal(quantity), cost=Decimal(cost)) for quantity, cost in line["lots"])
    found.positions.pop(fill.symbol, None)
    if lots:
        found.positions[fill.symbol] = Position(
            symbol=fill.symbol,
            lots=lots,
            current_price=Decimal(line["current_price"]),
            last_updated=datetime.fromisoformat(line["last_updated"]),
        )


def _take_plan(found: LogEntities, line: Line) -> None:
    plan = value_of(TradePlan, line)
    found.plans[plan.id] = plan


def _take_session(found: LogEntities, line: Line) -> None:
    session = value_of(BotSession, line)
    found.sessions[session.id] = session


def _take_trade(found: LogEntities, line: Line) -> None:
    trade = value_of(Trade, line)
    found.trades[trade.id] = trade


def _take_decision(found: LogEntities, line: Line) -> None:
    decision = value_of(Decision, line)
    found.decisions[decision.id] = decision


def _take_command(found: LogEntities, line: Line) -> None:
    command = read_record(dict(line))
    found.commands[command.id] = command


def _take_error(found: LogEntities, line: Line) -> None:
    error = loaded(dict(line))
    found.errors[error.id or ""] = error


def _take_risk(found: LogEntities, line: Line) -> None:
    event = value_of(RiskEvent, {**line, "count": 1, "last_seen_at": line["timestamp"]})
    found.risk_events.setdefault(event.id, event)
    if "breaker" in line:
        found.breaker = value_of(Breaker, line["breaker"])


def _take_alert(found: LogEntities, line: Line) -> None:
    metric = value_of(PerformanceMetric, line)
    found.alerts[metric.id] = metric


def _take_config(found: LogEntities, line: Line) -> None:
    change = read_change(line)
    found.config_changes[change.version] = change
    if line["entity"] == VERSION:
        found.configs[change.version] = StoredConfig(
            version=change.version,
            values=line["new_config"],
            config_hash=line["config_hash"],
            user=change.user,
            reason=change.reason,
            updated_at=change.timestamp,
        )
    if "in_force" in line:
        found.config_pointer = ConfigPointer(
            version=line["in_force"],
            restart_version=line["restart_version"],
            since=datetime.fromisoformat(line["in_force_since"]),
        )


def _take_workflow(found: LogEntities, line: Line) -> None:
    if line["entity"] == "step":
        run = found.runs[line["run_id"]]
        found.runs[run.id] = run.with_attempt(read_step(line))
    else:
        found.runs[line["id"]] = read_run(line, found.runs.get(line["id"]))


_TAKERS: dict[str, Callable[[LogEntities, Line], None]] = {
    "orders": _take_order,
    "plans": _take_plan,
    "sessions": _take_session,
    "trades": _take_trade,
    "decisions": _take_decision,
    "commands": _take_command,
    "errors": _take_error,
    "risk-management": _take_risk,
    "performance-alerts": _take_alert,
    "workflow_execution_log": _take_workflow,
    "config_history": _take_config,
}
