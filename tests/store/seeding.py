"""Rows to look for: nouns that differ only in what a test names."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.domain import samples
from tests.domain.samples import HASH, NOON, SESSION_ID
from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import Caller, Command, CommandKind, CommandStatus, Intent
from trading_bot.domain.errors import Scope
from trading_bot.domain.orders import Side
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.trades import Outcome, Trade


def minutes(count: float) -> datetime:
    """That many minutes after noon."""
    return NOON + timedelta(minutes=count)


def sample_trade(**changes: Any) -> Trade:
    """A closed trade that won 150 net."""
    trade = Trade(
        timestamp=NOON,
        symbol="ACME",
        action=Side.BUY,
        quantity=Decimal(100),
        price=Decimal("100.25"),
        total_value=Decimal("10025.00"),
        order_id="v-1",
        execution_mode=TradingMode.PAPER,
        account_id=None,
        strategy_name="bull-flag-breakout",
        entry_type="breakout",
        stop_loss=Decimal("99.00"),
        target=Decimal("102.00"),
        decision_reasoning="A flag under resistance.",
        indicators_used=("POLE_PCT", "RESISTANCE"),
        risk_reward_ratio=2.5,
        outcome=Outcome.WIN,
        profit_loss=Decimal("152.00"),
        hold_duration_seconds=600,
        exit_timestamp=minutes(10),
        exit_reasoning="target: traded at 102.05, target was 102.00",
        slippage=Decimal("0.25"),
        commission=Decimal("2.00"),
        net_profit_loss=Decimal("150.00"),
        session_id=SESSION_ID,
        bot_version="0.1.0",
        config_hash=HASH,
        id="trade-1",
        recorded_at=NOON,
        config_version=1,
    )
    return replace(trade, **changes)


def sample_session(**changes: Any) -> BotSession:
    """A session with one trade, as it is stored."""
    first = samples.sample_session(
        id=SESSION_ID,
        gross_pnl=Decimal("152.00"),
        total_fees=Decimal("2.00"),
        total_llm_cost=Decimal("0.0125"),
        total_trades=1,
        created_at=NOON,
    )
    return replace(first, **changes)


def sample_command(**changes: Any) -> Command:
    command = Command(
        id="c-1",
        bot_id="main",
        kind=CommandKind.PAUSE,
        status=CommandStatus.PENDING,
        user="first",
        reason="Lunch.",
        parameters={"onStop": "KEEP_EVERYTHING"},
        created_at=NOON,
        executed_at=None,
        outcome=None,
        error=None,
    )
    return replace(command, **changes)


def sample_intent(**changes: Any) -> Intent:
    caller = Caller(key_id="first", name="first", scope=Scope.ADMIN, max_response_bytes=10_240, rate_per_minute=None)
    intent = Intent(caller=caller, idempotency_key="key-1", digest="d1", reason="Lunch.")
    return replace(intent, **changes)
