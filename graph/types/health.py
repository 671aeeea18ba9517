"""Health: whether the bot lives and does its work."""

from datetime import datetime

from graph.describes import describes, publish
from trading_bot.domain import health

publish(health.Health)
publish(health.RunState)


@describes(health.HealthCheck)
class HealthCheck:
    name: str
    ok: bool
    detail: str | None
    observed_at: datetime


@describes(health.HealthStatus)
class HealthStatus:
    status: health.Health
    reason: str | None
    circuit_breaker_active: bool
    circuit_breaker_reason: str | None
    last_heartbeat: datetime | None
    run_state: health.RunState
    run_state_reason: str | None
    checks: list[HealthCheck]
