"""One valid example of each noun, whose fields a test changes by name."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.config import ConfigSummary
from trading_bot.domain.errors import Retry, RetryKind, SemanticError, Severity
from trading_bot.domain.fills import Fill, Liquidity
from trading_bot.domain.health import HealthCheck, RunState, Runtime
from trading_bot.domain.market import Bar
from trading_bot.domain.orders import Leg, Order, OrderStatus, OrderType, Side
from trading_bot.domain.plans import PlanStatus, TradePlan
from trading_bot.domain.proposals import EntryProposal
from trading_bot.domain.sessions import BotSession, session_id

NOON = datetime(2025, 1, 6, 17, 0, tzinfo=UTC)
"""A Monday, 12:00 in New York."""
PLAN_ID = "aaaqeayeaudao"
HASH = "d41d8cd98f00b204e9800998ecf8427e"
SESSION_ID = "3c7f6b0e-3f0a-5d0e-9d2b-6a3c8f1b2c4d"


def sample_bar(**changes: Any) -> Bar:
    return replace(
        Bar(
            symbol="ACME",
            timestamp=NOON,
            open=Decimal("100.00"),
            high=Decimal("101.00"),
            low=Decimal("99.00"),
            close=Decimal("100.50"),
            volume=Decimal(1000),
        ),
        **changes,
    )


def sample_plan(**changes: Any) -> TradePlan:
    return replace(
        TradePlan(
            id=PLAN_ID,
            symbol="ACME",
            side=Side.BUY,
            strategy_name="bull-flag-breakout",
            entry_type="breakout",
            entry_price=Decimal("100.00"),
            stop_price=Decimal("99.00"),
            target_price=Decimal("102.00"),
            size=Decimal(0),
            planned_size=Decimal(100),
            status=PlanStatus.OPEN,
            reason="A flag.",
            indicators_used=("POLE_PCT", "RESISTANCE"),
            entry_order_id="v-1",
            entry_client_order_id="bg-main-aaaqeayeaudaocajbiaaaaaa",
            exit_reason=None,
            version=1,
            session_id=SESSION_ID,
            config_version=1,
            config_hash=HASH,
            opened_at=NOON,
            closed_at=None,
        ),
        **changes,
    )


def sample_fill(**changes: Any) -> Fill:
    return replace(
        Fill(
            id="f-1",
            trade_id=PLAN_ID,
            order_id="v-1",
            client_order_id="bg-main-aaaqeayeaudaocajbiaaaaaa",
            symbol="ACME",
            action=Side.BUY,
            quantity=Decimal(100),
            price=Decimal("100.00"),
            value=Decimal("10000.00"),
            fee=Decimal("1.00"),
            liquidity=Liquidity.TAKER,
            realized_pnl=None,
            reason="A flag.",
            timestamp=NOON,
            recorded_at=NOON,
        ),
        **changes,
    )


def sample_order(**changes: Any) -> Order:
    return replace(
        Order(
            client_order_id="bg-main-aaaqeayeaudaocajbiaaaaaa",
            venue_order_id="v-1",
            plan_id=PLAN_ID,
            leg=Leg.ENTRY,
            attempt=0,
            symbol="ACME",
            side=Side.BUY,
            order_type=OrderType.MARKET,
            quantity=Decimal(100),
            filled=Decimal(0),
            price=None,
            stop_price=None,
            average_price=None,
            status=OrderStatus.ACCEPTED,
            reason=None,
            good_until=None,
            created_at=NOON,
            updated_at=NOON,
        ),
        **changes,
    )


def sample_account(**changes: Any) -> Account:
    return replace(
        Account(
            account_id=None,
            buying_power=Decimal("90000.00"),
            account_balance=Decimal("100000.00"),
            cash_balance=Decimal("90000.00"),
            day_trade_count=0,
            last_updated=NOON,
        ),
        **changes,
    )


def sample_runtime(**changes: Any) -> Runtime:
    return replace(
        Runtime(
            run_state=RunState.RUNNING,
            run_state_reason=None,
            generation=1,
            last_heartbeat=NOON,
            process_ended_at=None,
            observed_at=NOON,
            venue_time=NOON,
            venue_is_replay=False,
            circuit_breaker_reason=None,
            checks=(sample_check(),),
            started_at=NOON,
            ticks=1,
            last_tick_at=NOON,
            loop_latency_ms=(1.0, 2.0, 3.0),
        ),
        **changes,
    )


def sample_check(**changes: Any) -> HealthCheck:
    return replace(HealthCheck(name="market_data", ok=True, detail=None, observed_at=NOON), **changes)


def sample_session(**changes: Any) -> BotSession:
    return replace(
        BotSession(
            id=session_id("main", date(2025, 1, 6)),
            date="2025-01-06",
            starting_balance=Decimal("100000.00"),
            start_of_day_equity=Decimal("100000.00"),
            starting_capital=Decimal("100000.00"),
            gross_pnl=Decimal(0),
            total_fees=Decimal(0),
            total_llm_cost=Decimal(0),
            total_trades=0,
            created_at=NOON - timedelta(hours=2),
            closed_at=None,
        ),
        **changes,
    )


def sample_config_summary(**changes: Any) -> ConfigSummary:
    return replace(
        ConfigSummary(
            mode=TradingMode.PAPER,
            max_position_size_pct=5.0,
            daily_loss_limit=Decimal(-2000),
            version=1,
            strategies=("bull-flag-breakout",),
            symbols=("ACME",),
        ),
        **changes,
    )


def sample_error(**changes: Any) -> SemanticError:
    return replace(
        SemanticError(
            id="5f0f4a5e-8f5b-4a53-9b1b-0a1c2d3e4f50",
            error_code="ORD_001",
            error_type="OrderError",
            message="The venue rejected an order",
            cause="The venue answered 403 for ACME.",
            impact="The order does not exist at the venue.",
            remediation="Compare the order with the account's buying power.",
            retry=Retry(kind=RetryKind.AFTER_FIX),
            timestamp=NOON,
            severity=Severity.MEDIUM,
        ),
        **changes,
    )


def sample_proposal(**changes: Any) -> EntryProposal:
    return replace(
        EntryProposal(
            symbol="ACME",
            strategy_name="bull-flag-breakout",
            entry_type="breakout",
            order_type=OrderType.STOP,
            entry_price=Decimal("100.00"),
            stop_price=Decimal("99.00"),
            target_price=Decimal("102.00"),
            good_for_bars=5,
            reasoning="A flag.",
            indicators={"RESISTANCE": "99.99"},
        ),
        **changes,
    )
