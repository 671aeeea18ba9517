"""BotState and BotSummary: everything about one bot, now, whole and compressed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_bot.domain.account import Account, TradingMode
from trading_bot.domain.config import ConfigSummary
from trading_bot.domain.errors import (
    CAUSE_BYTES,
    IMPACT_BYTES,
    MESSAGE_BYTES,
    REMEDIATION_BYTES,
    SemanticError,
    Severity,
    capped,
)
from trading_bot.domain.health import STALE_AFTER_SECONDS, Health, HealthStatus, RunState, Runtime
from trading_bot.domain.orders import Order
from trading_bot.domain.performance import PerformanceMetrics
from trading_bot.domain.positions import Position

DAY_TRADES_ALLOWED = 3
DAY_TRADE_EQUITY = Decimal(25_000)
RECENT_ERRORS = 3
MOST_WARNINGS = 10
# JSON may write a byte as two: with these caps BotSummary stays under 10,240 bytes even where every text is of quotation marks.
WARNING_BYTES = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One bot, by name."""

    id: str
    """Short id, 1 to 8 characters."""
    name: str
    """For people."""
    mode: TradingMode
    """PAPER or LIVE."""
    venue: str
    """Where its orders go, such as paper."""
    run_state: RunState
    """What it lets itself do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotState:
    """Everything about one bot, now."""

    bot_id: str
    """The bot."""
    account: Account
    """Money at the venue, as last seen."""
    positions: tuple[Position, ...]
    """What it holds, by symbol, with live profit or loss."""
    orders: tuple[Order, ...]
    """Live orders, then recent ones, newest first."""
    performance: PerformanceMetrics
    """How well it trades."""
    health: HealthStatus
    """Whether it lives and does its work."""
    config_summary: ConfigSummary
    """The highlights of the configuration in force."""
    timestamp: datetime
    """When this snapshot was taken, UTC."""
    data_age_seconds: float
    """Seconds since the bot last wrote what this shows; under 60 is fresh, over 300 also stands in warnings."""
    warnings: tuple[str, ...]
    """What an operator should look at, most pressing first; at most 10 of at most 120 bytes."""
    seq: int
    """The point in the event stream that this state reflects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentError:
    """One of the last errors, short."""

    id: str
    """Id of the stored error."""
    error_code: str
    """CATEGORY_NUMBER."""
    message: str
    """What happened, at most 120 bytes."""
    cause: str
    """Why, at most 160 bytes."""
    impact: str
    """What it means, at most 160 bytes."""
    remediation: str
    """Steps that resolve it, at most 240 bytes."""
    timestamp: datetime
    """When it occurred, UTC."""
    severity: Severity
    """How much it matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSummary:
    """The state of one bot, compressed: its worst case, printed with an indent of 2, is under 10,240 bytes."""

    health_status: Health
    """HEALTHY, DEGRADED or OFFLINE."""
    health_reason: str | None
    """Why it is not HEALTHY, at most 500 bytes; null when it is."""
    position_count: int
    """Positions held."""
    open_order_count: int
    """Orders that may still act."""
    daily_pnl: Decimal
    """Equity now minus equity at the session's start, in the quote currency."""
    circuit_breaker_active: bool
    """Whether the breaker stops new entries."""
    circuit_breaker_reason: str | None
    """Why it tripped, at most 500 bytes; null while it has not."""
    recent_errors: tuple[RecentError, ...]
    """The last three at most, newest first."""
    last_trade_time: datetime | None
    """Venue time of the latest fill, UTC; null before the first."""
    generated_at: datetime
    """When this summary was made, UTC."""
    mode: TradingMode
    """PAPER or LIVE."""
    run_state: RunState
    """What the bot lets itself do."""
    data_age_seconds: float
    """Seconds since the bot last wrote what this shows; under 60 is fresh, over 300 also stands in warnings."""
    warnings: tuple[str, ...]
    """What an operator should look at, most pressing first; at most 10 of at most 120 bytes."""
    seq: int
    """The point in the event stream that this summary reflects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Three points of a distribution."""

    p50: float | None
    """Half of the values are at most this; null without values."""
    p95: float | None
    """95 % of the values are at most this."""
    p99: float | None
    """99 % of the values are at most this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What runs and how well, for monitoring."""

    loop_latency_ms: Quantiles
    """Time to handle one bar, in milliseconds, over the last 1,000."""
    ticks: int
    """Bars handled since the bot's process started."""
    last_tick_at: datetime | None
    """Wall clock of the last handled bar, UTC."""
    errors_last_hour: int
    """Errors stored in the last hour of the wall clock."""
    orders_last_hour: int
    """Orders intended in the last hour of the wall clock."""
    fills_last_hour: int
    """Fills booked in the last hour of the wall clock."""
    api_requests: int
    """Requests answered since the API's process started."""
    api_latency_ms: Quantiles
    """Time to answer one request, in milliseconds, over the last 1,000."""
    cache_hit_rate: float | None
    """Share of answers that came from a cache, 0 to 1; null before the first."""
    subscribers: int
    """Subscriptions that are open now."""
    store_bytes: int
    """Size of the store, in bytes."""
    uptime_seconds: float
    """Seconds since the API's process started."""
    generated_at: datetime
    """When these figures were taken, UTC."""


def warnings(
    *,
    health: HealthStatus,
    runtime: Runtime,
    account: Account,
    mode: TradingMode,
    data_age: float,
    replay_of: str | None,
) -> tuple[str, ...]:
    """What an operator should look at, most pressing first."""
    texts: list[str] = []
    if health.status is Health.OFFLINE:
        texts.append(f"Bot offline: {health.reason}")
    if health.circuit_breaker_active:
        texts.append(f"Circuit breaker active: {health.circuit_breaker_reason}")
    if data_age > STALE_AFTER_SECONDS:
        texts.append(f"Stale data: last read from the venue {data_age:.0f} s ago")
    if health.run_state is not RunState.RUNNING:
        texts.append(
            f"Bot is {health.run_state.value}" + (f": {health.run_state_reason}" if health.run_state_reason else "")
        )
    if account.account_balance < DAY_TRADE_EQUITY and account.day_trade_count >= DAY_TRADES_ALLOWED:
        texts.append(f"Day-trade limit reached: {account.day_trade_count} of {DAY_TRADES_ALLOWED} in five sessions")
    if runtime.venue_is_replay and replay_of:
        at = f", venue time is {runtime.venue_time:%Y-%m-%dT%H:%MZ}" if runtime.venue_time else ""
        texts.append(f"Replay of {replay_of}{at}")
    if mode is TradingMode.PAPER:
        texts.append("Paper mode: no real money moves")
    return _short(texts)


def _short(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(capped(text, WARNING_BYTES) for text in texts[:MOST_WARNINGS])


def summary(
    state: BotState,
    *,
    open_order_count: int,
    daily_pnl: Decimal,
    last_trade_time: datetime | None,
    errors: tuple[RecentError, ...],
) -> BotSummary:
    """`state`, compressed. Warnings are cut here, wherever they came from; `recent` has cut the errors, `assess` the reasons."""
    return BotSummary(
        health_status=state.health.status,
        health_reason=state.health.reason,
        position_count=len(state.positions),
        open_order_count=open_order_count,
        daily_pnl=daily_pnl,
        circuit_breaker_active=state.health.circuit_breaker_active,
        circuit_breaker_reason=state.health.circuit_breaker_reason,
        recent_errors=errors[:RECENT_ERRORS],
        last_trade_time=last_trade_time,
        generated_at=state.timestamp,
        mode=state.config_summary.mode,
        run_state=state.health.run_state,
        data_age_seconds=state.data_age_seconds,
        warnings=_short(state.warnings),
        seq=state.seq,
    )


def recent(error: SemanticError) -> RecentError:
    """`error`, short."""
    return RecentError(
        id=error.id or "",
        error_code=error.error_code,
        message=capped(error.message, MESSAGE_BYTES),
        cause=capped(error.cause, CAUSE_BYTES),
        impact=capped(error.impact, IMPACT_BYTES),
        remediation=capped(error.remediation, REMEDIATION_BYTES),
        timestamp=error.timestamp,
        severity=error.severity,
    )
