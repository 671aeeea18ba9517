import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.domain.samples import (
    NOON,
    sample_account,
    sample_check,
    sample_config_summary,
    sample_error,
    sample_order,
    sample_runtime,
)
from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.errors import SemanticError, Severity
from trading_bot.domain.health import Health, RunState, Runtime, assess, data_age_seconds
from trading_bot.domain.money import ZERO, plain
from trading_bot.domain.orders import OrderStatus
from trading_bot.domain.performance import Record, metrics
from trading_bot.domain.positions import Lot, Position
from trading_bot.domain.state import BotState, BotSummary, RecentError, recent, summary, warnings

QUIET = sample_runtime()


def state_of(
    runtime: Runtime = QUIET,
    *,
    now: datetime = NOON,
    account: Account | None = None,
    mode: TradingMode = TradingMode.LIVE,
    replay_of: str | None = None,
    **changes: Any,
) -> BotState:
    """The state as the API builds it: health, age and warnings from what the bot last said and the clock."""
    known = account or sample_account()
    health, age = assess(runtime, now=now), data_age_seconds(runtime, now=now)
    made = BotState(
        bot_id="main",
        account=known,
        positions=(),
        orders=(),
        performance=metrics(Record(), unrealized=ZERO, trades_today=0, session_count=1),
        health=health,
        config_summary=sample_config_summary(mode=mode),
        timestamp=now,
        data_age_seconds=age,
        warnings=warnings(health=health, runtime=runtime, account=known, mode=mode, data_age=age, replay_of=replay_of),
        seq=7,
    )
    return replace(made, **changes)


# ---- warnings ----


def test_a_healthy_bot_with_real_money_has_no_warnings() -> None:
    assert state_of().warnings == ()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (state_of(mode=TradingMode.PAPER), ("Paper mode: no real money moves",)),
        (state_of(now=NOON + timedelta(seconds=16)), ("Bot offline: No heartbeat for 16 s.",)),
        (
            state_of(sample_runtime(circuit_breaker_reason="Daily loss of 3 %.")),
            ("Circuit breaker active: Daily loss of 3 %.",),
        ),
        (
            state_of(sample_runtime(observed_at=NOON - timedelta(seconds=301))),
            ("Stale data: last read from the venue 301 s ago",),
        ),
        (state_of(sample_runtime(observed_at=NOON - timedelta(seconds=300))), ()),
        (state_of(sample_runtime(run_state=RunState.PAUSED, run_state_reason="Lunch.")), ("Bot is PAUSED: Lunch.",)),
        (state_of(sample_runtime(run_state=RunState.STARTING)), ("Bot is STARTING",)),
        (
            state_of(account=sample_account(account_balance=Decimal("24999.99"), day_trade_count=3)),
            ("Day-trade limit reached: 3 of 3 in five sessions",),
        ),
        (state_of(account=sample_account(account_balance=Decimal("25000.00"), day_trade_count=3)), ()),
        (state_of(account=sample_account(account_balance=Decimal("24999.99"), day_trade_count=2)), ()),
        (
            state_of(sample_runtime(venue_is_replay=True), replay_of="candles.csv.gz"),
            ("Replay of candles.csv.gz, venue time is 2025-01-06T17:00Z",),
        ),
        (
            state_of(sample_runtime(venue_is_replay=True, venue_time=None), replay_of="candles.csv.gz"),
            ("Replay of candles.csv.gz",),
        ),
        (state_of(sample_runtime(venue_is_replay=False), replay_of="candles.csv.gz"), ()),
    ],
)
def test_each_thing_to_look_at_has_its_warning(state: BotState, expected: tuple[str, ...]) -> None:
    assert state.warnings == expected


WORST = sample_runtime(
    run_state=RunState.HALTED,
    run_state_reason="Reconciliation.",
    circuit_breaker_reason="Daily loss.",
    observed_at=NOON - timedelta(hours=1),
    venue_is_replay=True,
    checks=(sample_check(ok=False, detail="late"),),
)


def test_the_most_pressing_warning_comes_first() -> None:
    poor = sample_account(account_balance=Decimal(1), day_trade_count=4)

    found = state_of(
        WORST, now=NOON + timedelta(minutes=1), account=poor, mode=TradingMode.PAPER, replay_of="candles.csv.gz"
    )

    assert [text.split(":")[0] for text in found.warnings] == [
        "Bot offline",
        "Circuit breaker active",
        "Stale data",
        "Bot is HALTED",
        "Day-trade limit reached",
        "Replay of candles.csv.gz, venue time is 2025-01-06T17",
        "Paper mode",
    ]


@given(st.text(max_size=600))
def test_a_warning_is_one_line_of_120_bytes_at_most(text: str) -> None:
    for warning in state_of(sample_runtime(run_state=RunState.PAUSED, run_state_reason=text)).warnings:
        assert len(warning.encode()) <= 120
        assert warning.isprintable()
        assert warning.startswith("Bot is PAUSED")


# ---- the summary ----


def test_a_summary_is_the_state_compressed() -> None:
    held = Position(
        symbol="ACME",
        lots=(Lot(quantity=Decimal(1), cost=Decimal(1)),),
        current_price=Decimal(1),
        last_updated=NOON,
    )
    orders = tuple(sample_order(status=status) for status in OrderStatus)
    errors = [sample_error(id=f"e-{number}") for number in range(5)]

    made = summary(
        state_of(WORST, positions=(held, held), orders=orders, mode=TradingMode.PAPER),
        open_order_count=6,
        daily_pnl=Decimal("-12.30"),
        last_trade_time=NOON - timedelta(minutes=5),
        errors=tuple(recent(error) for error in errors),
    )

    assert made == BotSummary(
        health_status=Health.DEGRADED,
        health_reason="market_data: late",
        position_count=2,
        open_order_count=6,
        daily_pnl=Decimal("-12.30"),
        circuit_breaker_active=True,
        circuit_breaker_reason="Daily loss.",
        recent_errors=(recent(errors[0]), recent(errors[1]), recent(errors[2])),
        last_trade_time=NOON - timedelta(minutes=5),
        generated_at=NOON,
        mode=TradingMode.PAPER,
        run_state=RunState.HALTED,
        data_age_seconds=3600.0,
        warnings=(
            "Circuit breaker active: Daily loss.",
            "Stale data: last read from the venue 3600 s ago",
            "Bot is HALTED: Reconciliation.",
            "Paper mode: no real money moves",
        ),
        seq=7,
    )


def test_a_recent_error_has_no_actions_and_no_context() -> None:
    assert recent(sample_error(id=None)) == RecentError(
        id="",
        error_code="ORD_001",
        message="The venue rejected an order",
        cause="The venue answered 403 for ACME.",
        impact="The order does not exist at the venue.",
        remediation="Compare the order with the account's buying power.",
        timestamp=NOON,
        severity=Severity.MEDIUM,
    )


# ---- its size ----


def answer(made: BotSummary) -> bytes:
    """Every field of BotSummary, as the API writes it, printed with an indent of 2."""
    body = {
        "healthStatus": made.health_status.value,
        "healthReason": made.health_reason,
        "positionCount": made.position_count,
        "openOrderCount": made.open_order_count,
        "dailyPnl": plain(made.daily_pnl),
        "circuitBreakerActive": made.circuit_breaker_active,
        "circuitBreakerReason": made.circuit_breaker_reason,
        "recentErrors": [
            {
                "id": error.id,
                "errorCode": error.error_code,
                "message": error.message,
                "cause": error.cause,
                "impact": error.impact,
                "remediation": error.remediation,
                "timestamp": error.timestamp.isoformat(),
                "severity": error.severity.value,
            }
            for error in made.recent_errors
        ],
        "lastTradeTime": made.last_trade_time.isoformat() if made.last_trade_time else None,
        "generatedAt": made.generated_at.isoformat(),
        "mode": made.mode.value,
        "runState": made.run_state.value,
        "dataAgeSeconds": made.data_age_seconds,
        "warnings": list(made.warnings),
        "seq": str(made.seq),
    }
    return json.dumps({"data": {"botSummary": body}}, indent=2, ensure_ascii=False).encode()


def bloated(text: str, *, more_warnings: Sequence[str] = ()) -> BotSummary:
    """The summary of a bot of which everything is wrong, and told in `text` wherever a text may stand."""
    moment = NOON.replace(microsecond=123_456)
    runtime = replace(
        WORST,
        run_state=RunState.STOPPING,
        run_state_reason=text,
        circuit_breaker_reason=text,
        last_heartbeat=moment,
        checks=tuple(sample_check(name=f"check_{number}", ok=False, detail=text) for number in range(20)),
    )
    error: SemanticError = sample_error(
        error_code="RECONCIL_001",
        message=text,
        cause=text,
        impact=text,
        remediation=text,
        severity=Severity.CRITICAL,
        timestamp=moment,
    )
    state = state_of(
        runtime,
        now=moment,
        account=sample_account(account_balance=Decimal(1), day_trade_count=99),
        mode=TradingMode.PAPER,
        replay_of=text or "x",
        seq=2**63 - 1,
        data_age_seconds=123_456_789_012.123,
    )
    return summary(
        replace(
            state,
            positions=(None,) * 1_000,  # type: ignore[arg-type]  # only counted
            orders=(sample_order(),) * 1_000,
            warnings=(*more_warnings, *state.warnings),
        ),
        open_order_count=1_000,
        daily_pnl=Decimal("-99999999999999999999.99999999"),
        last_trade_time=moment,
        errors=(recent(error),) * 4,
    )


@pytest.mark.parametrize("text", ["𝄞" * 1000, '"' * 1000, "\\" * 1000, "\n" * 1000, "ä" * 1000, "x " * 1000])
def test_a_summary_at_its_worst_is_under_10240_bytes(text: str) -> None:
    made = bloated(text, more_warnings=[text] * 10)

    assert len(made.recent_errors) == 3
    assert len(made.warnings) == 10
    assert len(answer(made)) < 10_240


def test_the_worst_text_of_all_leaves_a_margin() -> None:
    """Each quotation mark is written as two bytes, and every text has as many as it may."""
    made = bloated('"' * 1000, more_warnings=['"' * 1000] * 10)

    assert made.health_reason is not None
    assert len(made.recent_errors[0].remediation.encode()) == 240
    assert 9_900 < len(answer(made)) < 10_240


@given(st.text(max_size=700), st.lists(st.text(max_size=300), max_size=20))
@example("\U0010fffd" * 700, ["\U0010fffd" * 300] * 20)
def test_no_summary_reaches_10240_bytes(text: str, more_warnings: list[str]) -> None:
    assert len(answer(bloated(text, more_warnings=more_warnings))) < 10_240
