"""The demo bot under watch: its process, commands, workflow runs, alerts, errors and first configuration."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tests.fakes.seeded_trades import BOT, LOSS, VENUE_NOW, opened
from trading_bot.domain.commands import Command, CommandKind, CommandStatus
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin, StoredChange
from trading_bot.domain.errors import RemediationAction, Scope, SemanticError, Severity
from trading_bot.domain.health import HealthCheck, RunState, Runtime
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.domain.watch import PerformanceMetric
from trading_bot.domain.workflow_runs import StepPhase, StepRun, StepStatus, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.store import config_changes
from trading_bot.store.store import Writing

COMMAND = "5a6cf1a4-0d6a-4b57-9c36-2d6a54b1f0aa"
RUN = "0b0f7a52-7f0a-4d0e-8f0e-6a1d5a0c3b11"


def running(now: datetime, *, generation: int = 1) -> Runtime:
    """A process that gave its last sign of life one second ago."""
    seen = now - timedelta(seconds=1)
    return Runtime(
        run_state=RunState.RUNNING,
        run_state_reason="reconciled",
        generation=generation,
        last_heartbeat=seen,
        process_ended_at=None,
        observed_at=seen,
        venue_time=VENUE_NOW,
        venue_is_replay=True,
        circuit_breaker_reason=None,
        checks=tuple(
            HealthCheck(name=name, ok=True, detail=None, observed_at=seen)
            for name in ("market_data", "account", "fills", "orders", "store", "audit_log", "venue")
        ),
        started_at=now - timedelta(minutes=5),
        ticks=62,
        last_tick_at=seen,
        loop_latency_ms=(1.5, 2.5, 9.0),
    )


def trip() -> RiskEvent:
    """The breaker tripped, and was reset since."""
    return RiskEvent(
        id="0b8a4c1e-1f35-5a53-9a71-5a1f0f7f8f11",
        timestamp=VENUE_NOW - timedelta(minutes=20),
        event_type="circuit_breaker_trip",
        severity=Severity.HIGH,
        daily_pnl=Decimal("-2010.00"),
        daily_pnl_pct=Decimal("-2.01"),
        consecutive_losses=3,
        action_taken="trading_halted",
        config_snapshot={"daily_loss_limit": "-2000"},
        detail="The session has lost 2010.00, the limit is 2000.",
        code="RISK_003",
        symbol=None,
        count=1,
        last_seen_at=VENUE_NOW - timedelta(minutes=20),
    )


def metric() -> PerformanceMetric:
    """The figures after the losing trade, with an alert."""
    return PerformanceMetric(
        id=LOSS,
        timestamp=opened(LOSS) + timedelta(minutes=12),
        window_size=2,
        win_rate=0.5,
        profit_factor=2.285714,
        max_drawdown_pct=-0.020995,
        consecutive_losses=1,
        total_trades=2,
        alert_triggered=True,
        alert_message="Win rate 0.5 is below 0.6.",
    )


def error(code: str, at: datetime) -> SemanticError:
    """A stored error with an operation that remedies it."""
    known = Fault(code, "The venue did not answer.", after_seconds=5.0, context={"symbol": "SPY"}).semantic(now=at)
    action = RemediationAction(
        title="Look at the state", operation="bot_state", variables={"botId": BOT}, scope=Scope.READ, writes=False
    )
    return replace(known, actions=(action,))


def first_change(w: Writing) -> StoredChange:
    return StoredChange(
        id=config_changes.change_id(w.bot_id, 1),
        version=1,
        previous_version=0,
        timestamp=w.now,
        user="system",
        reason="first start",
        origin=ConfigOrigin.IMPORT,
        diff=[],
        watch_seconds=0,
        command_id=None,
        status=AdoptionStatus.ADOPTED,
        at=w.now,
        adopted_at=w.now,
    )


def done_command(now: datetime, *, bot_id: str = BOT) -> Command:
    """A resume that the bot refused: it has everything that a command can have."""
    return Command(
        id=COMMAND,
        bot_id=bot_id,
        kind=CommandKind.RESUME,
        status=CommandStatus.FAILED,
        user="k1",
        reason="back from lunch",
        parameters={},
        created_at=now - timedelta(minutes=3),
        executed_at=now - timedelta(minutes=2),
        outcome={"runState": "STOPPED"},
        error=Fault("BOT_003", "RESUME does not fit the state STOPPED.").semantic(now=now - timedelta(minutes=2)),
    )


def workflow_run(now: datetime, *, bot_id: str = BOT) -> WorkflowRun:
    """A run of one step that failed, with nothing to undo."""
    definition = {
        "id": "short-wait",
        "name": "Short wait",
        "description": "Lets a second pass.",
        "steps": [
            {
                "id": "pause-a-second",
                "description": "Waits.",
                "action_type": "wait",
                "parameters": {"seconds": 1},
                "validation": {"status": "ELAPSED"},
            }
        ],
        "rollback_procedure": [],
    }
    step = StepRun(
        id="pause-a-second",
        phase=StepPhase.FORWARD,
        position=0,
        status=StepStatus.TIMEOUT,
        attempt=1,
        started_at=now - timedelta(minutes=5),
        finished_at=now - timedelta(minutes=4),
        result={"status": "ELAPSED"},
        error=Fault("WF_005", "1 seconds are more than the step has left.").semantic(now=now - timedelta(minutes=4)),
    )
    return WorkflowRun(
        id=RUN,
        bot_id=bot_id,
        workflow_id="short-wait",
        definition=definition,
        parameters={},
        reads_only=True,
        preempts=False,
        timeout_seconds=300,
        forward=("pause-a-second",),
        status=WorkflowStatus.FAILED,
        user="operator",
        user_name="Operator",
        scope=Scope.ADMIN,
        max_response_bytes=10_240,
        reason="to see a run",
        created_at=now - timedelta(minutes=6),
        started_at=now - timedelta(minutes=5),
        due_at=now - timedelta(minutes=6),
        finished_at=now - timedelta(minutes=4),
        error=step.error,
        attempts=(step,),
    )
