"""Rebuild: the store's entities made again from the audit log, equal to before.

The log has orders, fills, plans, sessions, trades, decisions, commands, errors, risk events with the breaker, alerts, configurations, and
runs of workflows (one that had not ended is given up); positions, totals and figures follow from them. It does not have the account (and
no account's name), candles and prices, the event stream, keys, what is suspended, and how often an error or a refusal was repeated since
its last line. The bot finds most of that again with its next sync. Its run state is not in the log either, so it comes back PAUSED: an
operator looks, and resumes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from trading_bot.domain.account import TradingMode
from trading_bot.domain.limits import AlertThresholds
from trading_bot.domain.streams import STREAMS
from trading_bot.domain.workflow_runs import StepStatus, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.keeping.log_entities import LogEntities
from trading_bot.logs.audit import AuditLog
from trading_bot.services.performance_watch import rebuild_metrics, rebuild_record
from trading_bot.store import (
    bots,
    commands,
    config_changes,
    configs,
    decisions,
    errors,
    fills,
    orders,
    outbox,
    performance,
    performance_metrics,
    plans,
    positions,
    risk_events,
    runtime,
    sessions,
    trades,
    workflow_runs,
)
from trading_bot.store.session_stats import rebuild_session
from trading_bot.store.store import Store, Writing
from trading_bot.store.tables import metadata

PAUSED_BECAUSE = "the store was made again from the audit log: look at it, then resume"
GIVEN_UP = {
    WorkflowStatus.NOT_STARTED: WorkflowStatus.CANCELLED,
    WorkflowStatus.IN_PROGRESS: WorkflowStatus.FAILED,
    WorkflowStatus.FAILED: WorkflowStatus.ROLLBACK_FAILED,
    WorkflowStatus.ROLLING_BACK: WorkflowStatus.ROLLBACK_FAILED,
}
"""What becomes of a run that had not ended."""
_SILENT = AlertThresholds(min_win_rate=None, min_profit_factor=None, max_drawdown_pct=None, max_consecutive_losses=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was made again of one bot."""

    bot_id: str
    """The bot."""
    counts: dict[str, int]
    """How many there are of each entity."""


def rebuild(log: AuditLog, store: Store, *, on_stream: Callable[[str], None] = lambda stream: None) -> list[Rebuilt]:
    """Make the entities of every bot of `log` in `store`, whose tables are there and empty; each bot in one transaction.

    Raises LOG_004 for a store that holds something, LOG_002 where the log is not as it was written: then nothing was made.
    """
    _require_empty(store)
    found: dict[str, LogEntities] = {}
    for stream in STREAMS:
        on_stream(stream)
        _read(log, stream, found)
    return [_write(store, bot_id, entities, log.last_number(bot_id)) for bot_id, entities in sorted(found.items())]


def _require_empty(store: Store) -> None:
    with store.reading("") as r:
        filled = [
            table.name
            for table in metadata.sorted_tables
            if "bot_id" in table.c
            and r.connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        ]
    if filled:
        cause = f"The store has rows in {len(filled)} tables, among them `{filled[0]}`."
        raise Fault("LOG_004", cause, context={"tables": filled})


def _read(log: AuditLog, stream: str, found: dict[str, LogEntities]) -> None:
    verification = log.verify(stream)
    if not verification.ok:
        cause = f"{verification.broken_at} is not as it was written; {verification.records} records before it are."
        raise Fault("LOG_002", cause, context={"stream": stream, "place": verification.broken_at})
    for line in log.read(stream):
        try:
            found.setdefault(line["bot_id"], LogEntities()).take(stream, line)
        except (KeyError, ValueError, TypeError) as error:
            cause = f"Record {line.get('seq')} of {stream} does not hold what it should ({type(error).__name__})."
            raise Fault("LOG_002", cause, context={"stream": stream, "seq": line.get("seq")}) from error


def _write(store: Store, bot_id: str, found: LogEntities, last_number: int) -> Rebuilt:
    last = next(reversed(found.bookings.values()), None)
    with store.writing(bot_id) as w:
        mode = last.mode if last is not None else TradingMode.PAPER
        bots.register_bot(w, name=bot_id, mode=mode, venue="unknown", replay_of=None)
        runtime.begin_paused(w, reason=PAUSED_BECAUSE, breaker=found.breaker.cause)
        outbox.raise_numbers(w, last_number)  # before anything is logged again
        outbox.note_delivered(w, last_number)
        _write_trading(w, found)
        _write_figures(w, found)
        _write_operating(w, found)
        _write_configs(w, found)
    counts = {
        "sessions": len(found.sessions),
        "plans": len(found.plans),
        "orders": len(found.orders),
        "fills": len(found.bookings),
        "trades": len(found.trades),
        "decisions": len(found.decisions),
        "commands": len(found.commands),
        "errors": len(found.errors),
        "risk events": len(found.risk_events),
        "alerts": len(found.alerts),
        "workflow runs": len(found.runs),
        "configurations": len(found.configs),
    }
    return Rebuilt(bot_id=bot_id, counts=counts)


def _write_trading(w: Writing, found: LogEntities) -> None:
    for session in found.sessions.values():
        sessions.save_session(w, session)
    for plan in found.plans.values():
        plans.save_plan(w, plan)
    for order, recorded_at in found.orders.values():
        orders.save_order(w, order, recorded_at=recorded_at)
    for booking in found.bookings.values():
        fills.save_fill(w, booking.fill)
    for position in found.positions.values():
        positions.save_position(w, position)
    for trade in found.made_trades():
        trades.save_trade(w, trade)
    for decision in found.decisions.values():
        decisions.save_decision(w, decision)


def _write_figures(w: Writing, found: LogEntities) -> None:
    """What follows from fills and trades, with the alerts that the log has."""
    for session in found.sessions.values():
        sessions.save_session(w, rebuild_session(w, session.id))
    performance.save_record(w, rebuild_record(w))
    rebuild_metrics(w, _SILENT)
    for alert in found.alerts.values():
        made = performance_metrics.find_metric(w, alert.id)
        if made is not None and replace(alert, alert_triggered=False, alert_message=None) == made:
            performance_metrics.insert_metric(w, alert)


def _write_operating(w: Writing, found: LogEntities) -> None:
    for command in found.commands.values():
        commands.insert_command(w, command)
    for error in found.errors.values():
        errors.insert_error(w, error)
    for run in found.runs.values():
        workflow_runs.insert_run(w, run if run.has_ended else _given_up(run, w.now))
    for event in found.risk_events.values():
        risk_events.insert_risk_event(w, event)
    risk_events.save_breaker(w, found.breaker)


def _write_configs(w: Writing, found: LogEntities) -> None:
    for version in sorted(found.configs):
        configs.insert_config(w, found.configs[version])
        config_changes.insert_change(w, found.config_changes[version])
    if found.config_pointer is not None:
        config_changes.save_pointer(w, found.config_pointer)


def _given_up(run: WorkflowRun, now: datetime) -> WorkflowRun:
    """A run that was under way when the store was lost: nobody carries it on, for how much of it happened is not known."""
    code = "WF_012" if run.status is WorkflowStatus.NOT_STARTED else "WF_014"
    context = {"runId": run.id, "workflowId": run.workflow_id}
    fault = Fault(code, "The store was made again from the audit log while the run was under way.", context=context)
    if run.current is not None:
        run = run.with_attempt(replace(run.current, status=StepStatus.INTERRUPTED, finished_at=now))
    return replace(run.moved(GIVEN_UP[run.status], ended_at=now), error=fault.semantic(now=now))
