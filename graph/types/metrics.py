"""Metrics: what runs and how well, for monitoring."""

from datetime import datetime

from graph.describes import describes
from graph.scalars import BigInt
from trading_bot.domain import state


@describes(state.Quantiles)
class Quantiles:
    p50: float | None
    p95: float | None
    p99: float | None


@describes(state.Metrics)
class Metrics:
    loop_latency_ms: Quantiles
    ticks: BigInt
    last_tick_at: datetime | None
    errors_last_hour: int
    orders_last_hour: int
    fills_last_hour: int
    api_requests: BigInt
    api_latency_ms: Quantiles
    cache_hit_rate: float | None
    subscribers: int
    store_bytes: BigInt
    uptime_seconds: float
    generated_at: datetime
