"""A demo bot, written through the store's own functions: what the API tests read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.commands import Command, CommandKind, CommandStatus
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import AdoptionStatus
from trading_bot.domain.config_versions import ConfigOrigin, StoredChange
from trading_bot.domain.decisions import Decision, Verdict
from trading_bot.domain.errors import RemediationAction, Scope, SemanticError, Severity
from trading_bot.domain.fills import Fill, Liquidity
from trading_bot.domain.health import HealthCheck, RunState, Runtime
from trading_bot.domain.market import Bar, Quote
from trading_bot.domain.orders import ClientOrderId, Leg, Order, OrderStatus, OrderType, Side, plan_id_from
from trading_bot.domain.performance import Record
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.domain.sessions import BotSession, session_id
from trading_bot.domain.trades import Trade, trade_of
from trading_bot.domain.watch import PerformanceMetric
from trading_bot.domain.workflow_runs import StepPhase, StepRun, StepStatus, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.services.configuration import config_hash, config_values
from trading_bot.store import (
    accounts,
    bots,
    candles,
    commands,
    config_changes,
    configs,
    decisions,
    errors,
    fills,
    orders,
    performance,
    performance_metrics,
    plans,
    positions,
    quotes,
    risk_events,
    runtime,
    sessions,
    trades,
    workflow_runs,
)
from trading_bot.store.store import Store, Writing

BOT = "main"
COMMAND = "5a6cf1a4-0d6a-4b57-9c36-2d6a54b1f0aa"
RUN = "0b0f7a52-7f0a-4d0e-8f0e-6a1d5a0c3b11"
VENUE_NOW = datetime(2013, 10, 8, 14, 32, tzinfo=UTC)
SESSION_START = datetime(2013, 10, 8, 13, 30, tzinfo=UTC)
SESSION = session_id(BOT, SESSION_START.date())
CONFIG = BotConfig(symbols=("BAC", "IBM", "SPY"))
CONFIG_HASH = config_hash(config_values(CONFIG))
WIN, LOSS, HELD = (plan_id_from(bytes([n]) * 8) for n in (1, 2, 3))


def seed_bot(store: Store, now: datetime, *, bot_id: str = BOT) -> None:
    """A healthy bot that has closed two trades (a win of 48.00, a loss of 21.00 net) and holds 10 SPY; its stream has four events."""
    with store.writing(bot_id) as w:
        bots.register_bot(w, name="Demo", mode=TradingMode.PAPER, venue="paper", replay_of="demo.csv")
        generation = runtime.begin_generation(w, pid=4242)
        runtime.save_runtime(w, running(now, generation=generation))
        configs.save_config(
            w, version=1, values=config_values(CONFIG), config_hash=CONFIG_HASH, user="system", reason="first start"
        )
        config_changes.insert_change(w, first_change(w))
        accounts.save_account(w, account())
        sessions.save_session(w, session())
        for plan in (plan_of(WIN, "BAC"), plan_of(LOSS, "IBM"), plan_of(HELD, "SPY")):
            plans.save_plan(w, plan)
        _seed_executions(w, now)
        positions.save_position(w, held())
        _seed_market(w)
        for made in (decision(WIN, "BAC"), decision(HELD, "SPY"), refusal()):
            decisions.save_decision(w, made)
        risk_events.save_risk_event(w, trip())
        performance_metrics.save_metric(w, metric())
        commands.add_command(w, done_command(now, bot_id=bot_id))
        workflow_runs.insert_run(w, workflow_run(now, bot_id=bot_id))
        for n, code in enumerate(("DATA_004", "ORD_001")):
            errors.save_error(w, error(code, now - timedelta(minutes=2 - n)))


def _seed_market(w: Writing) -> None:
    """SPY by the minute since the session's start, a cent higher each time; its last price with a spread."""
    candles.save_bars(w, [spy_bar(minute) for minute in range(62)])
    quotes.save_quotes(w, [spread()])
    runtime.save_progress(w, runtime.Progress(cursor=VENUE_NOW, last_sync_at=VENUE_NOW))


def spy_bar(minute: int) -> Bar:
    """The bar of SPY that many minutes after the session's start: it opens at 170.00 and a cent for each minute, and closes 0.02 higher."""
    price = Decimal("170.00") + Decimal(minute) / 100
    return Bar(
        symbol="SPY",
        timestamp=SESSION_START + timedelta(minutes=minute),
        open=price,
        high=price + Decimal("0.05"),
        low=price - Decimal("0.03"),
        close=price + Decimal("0.02"),
        volume=Decimal(100 + minute),
    )


def spread() -> Quote:
    """A price with all that an order book gives."""
    return Quote(
        symbol="SPY",
        timestamp=VENUE_NOW,
        price=Decimal("171.00"),
        bid=Decimal("170.99"),
        ask=Decimal("171.01"),
        bid_size=Decimal(300),
        ask_size=Decimal(100),
        volume=Decimal(161),
    )


def decision(plan_id: str, symbol: str) -> Decision:
    """The decision that opened a plan."""
    return Decision(
        id=plan_id,
        session_id=SESSION,
        symbol=symbol,
        strategy_name="bull-flag-breakout",
        plan_id=plan_id,
        verdict=Verdict.APPROVED,
        seen={"price": "14.00", "volume": "1200"},
        decided={"action": "enter", "quantity": "100"},
        reasoning="Broke out of a flag of 4 bars on rising volume.",
        result={"status": "FILLED"},
        prompt=None,
        cost_usd=None,
        latency_ms=None,
        created_at=opened(plan_id),
    )


def refusal() -> Decision:
    """What a language model wanted and a limit refused: it has everything that a decision can have."""
    return replace(
        decision(LOSS, "IBM"),
        id=plan_id_from(bytes([9]) * 8),
        strategy_name="language-model",
        plan_id=None,
        verdict=Verdict.REFUSED,
        decided={"action": "enter", "code": "RISK_002"},
        result={},
        prompt="You may trade IBM.",
        cost_usd=Decimal("0.0021"),
        latency_ms=812.5,
        created_at=VENUE_NOW - timedelta(minutes=1),
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


def account() -> Account:
    """100,036.25 in all, 98,326.25 of it in cash: 100,000 + 30 realised + 10 unrealised - 3.75 in fees."""
    return Account(
        account_id="paper-1",
        buying_power=Decimal("98000.00"),
        account_balance=Decimal("100036.25"),
        cash_balance=Decimal("98326.25"),
        day_trade_count=2,
        last_updated=VENUE_NOW,
    )


def session() -> BotSession:
    """The day in which everything happened; it began with 100,000.00."""
    return BotSession(
        id=SESSION,
        date="2013-10-08",
        starting_capital=Decimal("100000.00"),
        starting_balance=Decimal("100000.00"),
        start_of_day_equity=Decimal("100000.00"),
        gross_pnl=Decimal("30.00"),
        total_fees=Decimal("3.75"),
        total_llm_cost=Decimal(0),
        total_trades=2,
        created_at=SESSION_START,
        closed_at=None,
    )


def plan_of(id: str, symbol: str) -> TradePlan:
    """A plan of 100 shares at 14.00, or the open one of 10 SPY at 170.00."""
    is_open = id == HELD
    entry = Decimal("170.00") if is_open else Decimal("14.00")
    return TradePlan(
        id=id,
        symbol=symbol,
        side=Side.BUY,
        strategy_name="bull-flag-breakout",
        entry_type="breakout",
        entry_price=entry,
        stop_price=entry - 1,
        target_price=entry + 2,
        size=Decimal(10 if is_open else 100),
        planned_size=Decimal(10 if is_open else 100),
        status=PlanStatus.OPEN if is_open else PlanStatus.CLOSED,
        reason="Broke out of a flag of 4 bars on rising volume.",
        indicators_used=("VWAP", "VOLUME"),
        entry_order_id=f"V-{id}-E",
        entry_client_order_id=client_id(id, Leg.ENTRY),
        exit_reason=None if is_open else "target: traded",
        version=1,
        session_id=SESSION,
        config_version=1,
        config_hash=CONFIG_HASH,
        opened_at=opened(id),
        closed_at=None if is_open else opened(id) + timedelta(minutes=12),
    )


def opened(id: str) -> datetime:
    """When that plan was opened: each ten minutes after the one before."""
    return SESSION_START + timedelta(minutes=10 * (1 + (WIN, LOSS, HELD).index(id)))


def client_id(plan_id: str, leg: Leg) -> str:
    """The client order id of that plan's order."""
    return str(ClientOrderId(prefix="bg", bot=BOT, plan_id=plan_id, leg=leg, attempt=0))


def _seed_executions(w: Writing, now: datetime) -> None:
    record = Record()
    for plan_id, symbol, gain in ((WIN, "BAC", "49.50"), (LOSS, "IBM", "-19.50"), (HELD, "SPY", None)):
        plan = plan_of(plan_id, symbol)
        legs = [Leg.ENTRY] if gain is None else [Leg.ENTRY, Leg.EXIT]
        done = [_fill(plan, leg, gain, now) for leg in legs]
        for leg, fill in zip(legs, done, strict=True):
            orders.save_order(w, _order(plan, leg))
            fills.save_fill(w, fill)
        trade = trade_of(plan, done, mode=TradingMode.PAPER, account_id="paper-1", bot_version="0.1.0", recorded_at=now)
        assert trade is not None
        trades.save_trade(w, trade)
        record = record.with_trade(trade) if gain is not None else record
    orders.save_order(w, _resting(plan_of(HELD, "SPY")))
    performance.save_record(w, record)


def _fill(plan: TradePlan, leg: Leg, gain: str | None, now: datetime) -> Fill:
    is_exit = leg is Leg.EXIT
    price = plan.entry_price + (Decimal(gain or 0) / plan.size if is_exit else 0)
    return Fill(
        id=f"X-{plan.id}-{leg.value}",
        trade_id=plan.id,
        order_id=f"V-{plan.id}-{leg.value}",
        client_order_id=client_id(plan.id, leg),
        symbol=plan.symbol,
        action=Side.SELL if is_exit else Side.BUY,
        quantity=plan.size,
        price=price,
        value=price * plan.size,
        fee=Decimal("0.75"),
        liquidity=Liquidity.TAKER if is_exit else None,
        realized_pnl=Decimal(gain) if is_exit and gain else None,
        reason="target" if is_exit else "breakout",
        timestamp=plan.opened_at + timedelta(minutes=12 if is_exit else 1),
        recorded_at=now,
    )


def _order(plan: TradePlan, leg: Leg) -> Order:
    is_exit = leg is Leg.EXIT
    return Order(
        client_order_id=client_id(plan.id, leg),
        venue_order_id=f"V-{plan.id}-{leg.value}",
        plan_id=plan.id,
        leg=leg,
        attempt=0,
        symbol=plan.symbol,
        side=Side.SELL if is_exit else Side.BUY,
        order_type=OrderType.MARKET if is_exit else OrderType.STOP,
        quantity=plan.size,
        filled=plan.size,
        price=None,
        stop_price=None if is_exit else plan.entry_price,
        average_price=plan.entry_price,
        status=OrderStatus.FILLED,
        reason="breakout",
        good_until=None,
        created_at=plan.opened_at,
        updated_at=plan.opened_at + timedelta(minutes=1),
    )


def _resting(plan: TradePlan) -> Order:
    """A target that rests at the venue."""
    return replace(
        _order(plan, Leg.EXIT),
        order_type=OrderType.LIMIT,
        price=Decimal("172.00"),
        filled=Decimal(0),
        average_price=None,
        status=OrderStatus.ACCEPTED,
        reason=None,
        updated_at=plan.opened_at + timedelta(minutes=2),
    )


def held() -> Position:
    """10 SPY, bought at 170.00, worth 171.00 each."""
    return Position(
        symbol="SPY",
        lots=(Lot(quantity=Decimal(10), cost=Decimal("1700.00")),),
        current_price=Decimal("171.00"),
        last_updated=VENUE_NOW,
    )


def error(code: str, at: datetime) -> SemanticError:
    """A stored error with an operation that remedies it."""
    known = Fault(code, "The venue did not answer.", after_seconds=5.0, context={"symbol": "SPY"}).semantic(now=at)
    action = RemediationAction(
        title="Look at the state", operation="bot_state", variables={"botId": BOT}, scope=Scope.READ, writes=False
    )
    return replace(known, actions=(action,))


def closed_trade(number: int, now: datetime) -> tuple[TradePlan, Trade]:
    """One of many trades, each a minute after the one before."""
    plan = replace(plan_of(WIN, "BAC"), id=plan_id_from(number.to_bytes(8, "big")))
    plan = replace(plan, opened_at=SESSION_START + timedelta(minutes=number))
    both = [_fill(plan, Leg.ENTRY, "1.50", now), _fill(plan, Leg.EXIT, "1.50", now)]
    trade = trade_of(plan, both, mode=TradingMode.PAPER, account_id=None, bot_version="0.1.0", recorded_at=now)
    assert trade is not None
    return plan, trade
