"""Health: whether the bot lives and does its work, and what an operator should look at.

OFFLINE: the last heartbeat is older than 15 s, or the supervisor saw the process end. DEGRADED: a check fails. The clock is part of it, so
health is never stored, but derived when it is asked for.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from trading_bot.domain.errors import REASON_BYTES, capped

OFFLINE_AFTER_SECONDS = 15.0
STALE_AFTER_SECONDS = 300.0
MOST_CHECKS = 20


class Health(Enum):
    """Whether the bot lives and does its work."""

    HEALTHY = "HEALTHY"
    """Alive, and every check passes."""
    DEGRADED = "DEGRADED"
    """Alive, but a check fails; `healthReason` says which."""
    OFFLINE = "OFFLINE"
    """No heartbeat for 15 s, or its process ended: what is shown is the last that is known."""


class RunState(Enum):
    """What the bot lets itself do."""

    STARTING = "STARTING"
    """Not reconciled yet; sends nothing."""
    RUNNING = "RUNNING"
    """Enters and exits."""
    PAUSED = "PAUSED"
    """By command: no entries; stops, targets and sync go on."""
    HALTED = "HALTED"
    """By the breaker or reconciliation: no entries; stops, targets and sync go on."""
    STOPPING = "STOPPING"
    """Cancelling or flattening before STOPPED."""
    STOPPED = "STOPPED"
    """Sends nothing; the process lives on."""


MAY_ENTER = frozenset({RunState.RUNNING})
"""States in which new entries may leave."""
MAY_EXIT = frozenset({RunState.RUNNING, RunState.PAUSED, RunState.HALTED, RunState.STOPPING})
"""States in which stops and targets are watched."""
RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.STARTING: frozenset(
        {
            RunState.RUNNING,
            RunState.PAUSED,
            RunState.HALTED,
            RunState.STOPPING,
            RunState.STOPPED,
        }
    ),
    RunState.RUNNING: frozenset({RunState.PAUSED, RunState.HALTED, RunState.STOPPING, RunState.STOPPED}),
    RunState.PAUSED: frozenset({RunState.RUNNING, RunState.HALTED, RunState.STOPPING, RunState.STOPPED}),
    RunState.HALTED: frozenset({RunState.RUNNING, RunState.PAUSED, RunState.STOPPING, RunState.STOPPED}),
    RunState.STOPPING: frozenset({RunState.STOPPED, RunState.RUNNING, RunState.PAUSED, RunState.HALTED}),
    RunState.STOPPED: frozenset({RunState.RUNNING, RunState.STOPPING}),
}
"""The one table of run states. A state may always stay as it is, with another reason; a process begins in STARTING, whatever was before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One thing that must work, and whether it did when last tried."""

    name: str
    """One of market_data, account, fills, orders, store, audit_log, venue, decider."""
    ok: bool
    """Whether it worked."""
    detail: str | None
    """What is wrong, at most 160 bytes; null when it works."""
    observed_at: datetime
    """Wall clock of the last try, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the bot and the supervisor last said of the bot's process."""

    run_state: RunState
    """What it lets itself do."""
    run_state_reason: str | None
    """Why, at most 500 bytes; null where nobody said."""
    generation: int
    """Counts the starts of the bot's process, from 1."""
    last_heartbeat: datetime | None
    """Wall clock of the last sign of life, UTC; null before the first."""
    process_ended_at: datetime | None
    """When the supervisor saw the process end, UTC; null while it lives."""
    observed_at: datetime | None
    """Wall clock when the bot last read the venue with success, UTC; null before the first."""
    venue_time: datetime | None
    """The venue's clock at that moment, UTC."""
    venue_is_replay: bool
    """Whether the venue replays the past."""
    circuit_breaker_reason: str | None
    """Why the breaker tripped; null while it has not."""
    checks: tuple[HealthCheck, ...]
    """What must work."""
    started_at: datetime | None
    """Wall clock when this process started, UTC."""
    ticks: int
    """Bars handled since the process started."""
    last_tick_at: datetime | None
    """Wall clock of the last handled bar, UTC."""
    loop_latency_ms: tuple[float | None, float | None, float | None]
    """p50, p95 and p99 of handling one bar, in milliseconds, over the last 1,000."""
    resume_as: RunState | None = None
    """While STARTING: the state to go on in once reconciled, so that it outlives a start that is killed too; null otherwise."""
    resume_reason: str | None = None
    """Why it is to be in that state, at most 500 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthStatus:
    """Whether the bot lives and does its work, and what it lets itself do."""

    status: Health
    """HEALTHY, DEGRADED or OFFLINE."""
    reason: str | None
    """Why it is not HEALTHY, at most 500 bytes; null when it is."""
    circuit_breaker_active: bool
    """Whether the breaker stops new entries."""
    circuit_breaker_reason: str | None
    """Why it tripped, at most 500 bytes; null while it has not."""
    last_heartbeat: datetime | None
    """Wall clock of the bot's last sign of life, UTC; null before the first."""
    run_state: RunState
    """What the bot lets itself do."""
    run_state_reason: str | None
    """Why, at most 500 bytes; null where nobody said."""
    checks: tuple[HealthCheck, ...]
    """What must work, and whether it did when last tried; at most 20."""


def assess(runtime: Runtime, *, now: datetime) -> HealthStatus:
    """The health of a bot at `now` (wall clock, UTC), from what it last said."""
    status, reason = _verdict(runtime, now=now)
    return HealthStatus(
        status=status,
        reason=_reason(reason),
        circuit_breaker_active=runtime.circuit_breaker_reason is not None,
        circuit_breaker_reason=_reason(runtime.circuit_breaker_reason),
        last_heartbeat=runtime.last_heartbeat,
        run_state=runtime.run_state,
        run_state_reason=_reason(runtime.run_state_reason),
        checks=runtime.checks[:MOST_CHECKS],
    )


def _reason(text: str | None) -> str | None:
    return None if text is None else capped(text, REASON_BYTES)


def data_age_seconds(runtime: Runtime, *, now: datetime) -> float:
    """Seconds since the bot last read the venue with success; since its start or first sign where it never has."""
    since = runtime.observed_at or runtime.started_at or runtime.last_heartbeat
    return round(max((now - since).total_seconds(), 0.0), 3) if since else 0.0


def _verdict(runtime: Runtime, *, now: datetime) -> tuple[Health, str | None]:
    if runtime.process_ended_at is not None:
        return Health.OFFLINE, f"The bot's process ended at {runtime.process_ended_at:%Y-%m-%dT%H:%M:%SZ}."
    if runtime.last_heartbeat is None:
        return Health.OFFLINE, "The bot has not given a sign of life yet."
    silent = (now - runtime.last_heartbeat).total_seconds()
    if silent > OFFLINE_AFTER_SECONDS:
        return Health.OFFLINE, f"No heartbeat for {silent:.0f} s."
    failing = [check for check in runtime.checks if not check.ok]
    if failing:
        return Health.DEGRADED, "; ".join(f"{check.name}: {check.detail or 'fails'}" for check in failing[:3])
    return Health.HEALTHY, None
