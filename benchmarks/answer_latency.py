"""How long an answer takes at ten concurrent requests, beside a bare Starlette server that sends the same bytes."""

import asyncio
import json
import tempfile
from pathlib import Path

from benchmarks.homes import busy_home
from benchmarks.load import Load, request
from benchmarks.load import run as load
from benchmarks.served import free_port, served
from benchmarks.table import Table

SUMMARY = "{ botSummary { healthStatus healthReason positionCount openOrderCount dailyPnl circuitBreakerActive recentErrors { errorCode message cause impact remediation timestamp severity } lastTradeTime generatedAt mode runState dataAgeSeconds warnings seq } }"  # noqa: E501
STATE = "{ botState { botId account { buyingPower accountBalance cashBalance dayTradeCount lastUpdated } positions { symbol quantity entryPrice currentPrice unrealizedPl unrealizedPlPct lastUpdated } orders { orderId clientOrderId symbol side orderType status quantity remaining price stopPrice averagePrice reason createdAt updatedAt } performance { winRate totalRealizedPl totalUnrealizedPl totalPl currentStreak tradesToday sessionCount maxDrawdown } health { status reason lastHeartbeat runState checks { name ok detail observedAt } } configSummary { mode version strategies symbols } timestamp dataAgeSeconds warnings seq } }"  # noqa: E501
CONNECTIONS = 10


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """Latencies of botSummary and botState."""
    total = 200 if quick else 2_000
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder:
        port = free_port()
        settings, token = busy_home(Path(folder) / "home", port=port)
        with served("graph", settings.environment(), port=port) as api:
            for name, query, limit in (("botSummary", SUMMARY, 0.1), ("botState", STATE, 0.2)):
                headers = {"X-API-Key": token, "Content-Type": "application/json"}
                ask = request("/graphql", body=json.dumps({"query": query}).encode(), headers=headers)
                asyncio.run(load(port, [ask], connections=CONNECTIONS, total=50))
                before = api.cpu_seconds()
                seen = asyncio.run(load(port, [ask], connections=CONNECTIONS, total=total))
                rows.append(_row(name, seen, (api.cpu_seconds() - before) / total, limit))
    return Table(
        title="Answers at ten concurrent requests",
        columns=("query", "bytes", "p50 ms", "p95 ms", "p99 ms", "p95 / limit", "server CPU ms / request"),
        rows=tuple(rows),
        note="A bot with 20 positions and 20 live orders; the limits are 100 ms (botSummary) and 200 ms (botState) at p95.",
    )


def _row(name: str, seen: Load, cpu: float, limit: float) -> tuple[str, ...]:
    if seen.statuses != {200}:
        msg = f"{name} was answered with {sorted(seen.statuses)}."
        raise RuntimeError(msg)
    size = seen.bytes_received // len(seen.latencies)
    p50, p95, p99 = (seen.quantile(share) for share in (0.5, 0.95, 0.99))
    return (
        name,
        str(size),
        *(f"{value * 1000:.1f}" for value in (p50, p95, p99)),
        f"{p95 / limit:.2f}",
        f"{cpu * 1000:.2f}",
    )
