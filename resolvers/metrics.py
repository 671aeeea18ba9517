"""Metrics: what runs and how well."""

import asyncio
from datetime import timedelta

from resolvers.context import Context
from resolvers.counters import quantiles
from trading_bot.domain.state import Metrics, Quantiles
from trading_bot.store import errors, fills, orders, runtime

HOUR = timedelta(hours=1)


async def find_metrics(context: Context, *, bot_id: str | None = None) -> Metrics:
    """Figures of the bot's loop and of this API."""
    await context.choose_bot(bot_id)
    parts = context.parts
    since = context.now - HOUR
    known, *counts = await context.read(
        lambda r: (
            runtime.find_runtime(r),
            errors.count_errors_since(r, since),
            orders.count_orders_since(r, since),
            fills.count_fills_since(r, since),
        )
    )
    p50, p95, p99 = known.loop_latency_ms if known else (None, None, None)
    return Metrics(
        loop_latency_ms=Quantiles(p50=p50, p95=p95, p99=p99),
        ticks=known.ticks if known else 0,
        last_tick_at=known.last_tick_at if known else None,
        errors_last_hour=counts[0],
        orders_last_hour=counts[1],
        fills_last_hour=counts[2],
        api_requests=parts.counters.requests,
        api_latency_ms=quantiles(parts.counters.latencies_ms),
        cache_hit_rate=parts.counters.hit_rate,
        subscribers=parts.counters.subscribers,
        store_bytes=await asyncio.get_running_loop().run_in_executor(parts.workers, parts.store.size_bytes),
        uptime_seconds=round(parts.clock.monotonic() - parts.counters.started, 3),
        generated_at=context.now,
    )
