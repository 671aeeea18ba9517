"""The words that clients, store and log hold on to: none may change or go."""

from enum import Enum

import pytest

from trading_bot.domain.account import TradingMode
from trading_bot.domain.errors import RetryKind, Scope, Severity
from trading_bot.domain.events import EventKind
from trading_bot.domain.fills import UNATTRIBUTED, Liquidity
from trading_bot.domain.health import Health, RunState
from trading_bot.domain.orders import Leg, OrderStatus, OrderType, Side
from trading_bot.domain.performance import StreakType
from trading_bot.domain.plans import PlanStatus
from trading_bot.domain.streams import LINE_FIELDS, STREAMS
from trading_bot.domain.trades import RECORD_FIELDS, Outcome


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (TradingMode, "PAPER LIVE"),
        (Severity, "LOW MEDIUM HIGH CRITICAL"),
        (RetryKind, "NEVER SAME AFTER_DELAY AFTER_FIX UNKNOWN_OUTCOME"),
        (Scope, "READ OPERATE ADMIN"),
        (
            EventKind,
            "TRADE ORDER FILL PLAN POSITION ERROR RISK CONFIG WORKFLOW COMMAND HEALTH DECISION SESSION",
        ),
        (Liquidity, "MAKER TAKER"),
        (Health, "HEALTHY DEGRADED OFFLINE"),
        (RunState, "STARTING RUNNING PAUSED HALTED STOPPING STOPPED"),
        (Leg, "E X"),
        (
            OrderStatus,
            "INTENDED SUBMITTED ACCEPTED PARTIALLY_FILLED FILLED PENDING_CANCEL CANCELLED EXPIRED REJECTED UNKNOWN",
        ),
        (OrderType, "MARKET LIMIT STOP STOP_LIMIT"),
        (Side, "BUY SELL"),
        (StreakType, "WIN LOSS"),
        (PlanStatus, "OPEN SUSPENDED CLOSED"),
        (Outcome, "win loss breakeven open"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_words_of_an_enum_are_the_published_ones(words: type[Enum], expected: str) -> None:
    assert " ".join(word.value for word in words) == expected


def test_the_word_for_a_fill_that_nothing_explains() -> None:
    assert UNATTRIBUTED == "unattributed"


def test_the_streams_are_those_of_the_rules() -> None:
    assert " ".join(STREAMS) == (
        "orders plans sessions trades errors risk-management performance-alerts decisions commands "
        "config_history workflow_execution_log"
    )


def test_no_field_of_a_trade_record_is_one_that_the_log_writes_itself() -> None:
    assert set(LINE_FIELDS) & set(RECORD_FIELDS) == set()
