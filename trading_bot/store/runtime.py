"""Runtime: what the bot and the supervisor last said of the bot's process, and how far the bot has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trading_bot.domain.health import HealthCheck, RunState, Runtime
from trading_bot.store.rows import made, of_bot, put, select_of, values_of
from trading_bot.store.tables import counters, progress, runtime
from trading_bot.store.transaction import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the bot has come, in venue time."""

    cursor: datetime | None
    """The venue's clock at the last bar that was wholly handled, UTC; null before the first."""
    last_sync_at: datetime | None
    """Venue time of the last sync of fills that was completed, UTC; null before the first."""


_NEW = {
    "run_state": RunState.STARTING,
    "venue_is_replay": False,
    "checks": [],
    "loop_latency_ms": [None, None, None],
}


def begin_generation(w: Writing, *, pid: int) -> int:
    """Note the start of a process of the bot and return its generation, from 1: writings with an older one are refused from now on."""
    raised = counters.update().where(of_bot(w, counters)).values(generation=counters.c.generation + 1)
    generation: int = w.connection.execute(raised.returning(counters.c.generation)).scalar_one()
    started = {"pid": pid, "process_ended_at": None, "started_at": w.now, "ticks": 0}
    put(w, runtime, {**_NEW, **started}, once=_NEW)
    return generation


def begin_paused(w: Writing, *, reason: str, breaker: str | None) -> None:
    """Note a bot that no process ran yet in this store: PAUSED for that reason, with why its breaker is tripped, if it is."""
    row = {**_NEW, "ticks": 0, "run_state": RunState.PAUSED, "run_state_reason": reason}
    put(w, runtime, {**row, "circuit_breaker_reason": breaker})


def find_runtime(r: Reading) -> Runtime | None:
    """What was last said of the bot's process; null before its first start."""
    query = sa.select(runtime, counters.c.generation).join(counters, counters.c.bot_id == runtime.c.bot_id)
    row = r.connection.execute(query.where(of_bot(r, runtime))).one_or_none()
    return None if row is None else _runtime(row)


def save_runtime(w: Writing, value: Runtime) -> None:
    """Keep what the bot says of itself: everything but `generation` and `process_ended_at`, which others decide."""
    row = values_of(value)
    del row["generation"], row["process_ended_at"]
    row["checks"] = [
        [check.name, check.ok, check.detail, check.observed_at.isoformat()] for check in value.checks
    ]  # few and small: not worth a table
    put(w, runtime, row)


def mark_process_ended(w: Writing, *, generation: int) -> None:
    """Note that the process of that generation ended; nothing when a newer one runs or the bot has given a sign since."""
    if w.connection.execute(sa.select(counters.c.generation).where(of_bot(w, counters))).scalar() != generation:
        return
    silent = sa.or_(runtime.c.last_heartbeat.is_(None), runtime.c.last_heartbeat <= w.now)
    w.connection.execute(runtime.update().where(of_bot(w, runtime), silent).values(process_ended_at=w.now))


def find_process(r: Reading) -> tuple[int, int] | None:
    """Generation and process id of the bot's last start; null before the first."""
    query = sa.select(counters.c.generation, runtime.c.pid).join(counters, counters.c.bot_id == runtime.c.bot_id)
    row = r.connection.execute(query.where(of_bot(r, runtime))).one_or_none()
    return None if row is None or row.pid is None else (row.generation, row.pid)


def find_progress(r: Reading) -> Progress:
    """How far the bot has come."""
    row = r.connection.execute(select_of(Progress, progress).where(of_bot(r, progress))).one_or_none()
    return Progress(cursor=None, last_sync_at=None) if row is None else made(Progress, row)


def save_progress(w: Writing, value: Progress) -> None:
    """Keep how far the bot has come."""
    put(w, progress, values_of(value))


def _runtime(row: sa.Row[Any]) -> Runtime:
    columns = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    del columns["bot_id"], columns["pid"]
    p50, p95, p99 = columns.pop("loop_latency_ms")
    checks = tuple(
        HealthCheck(name=name, ok=ok, detail=detail, observed_at=datetime.fromisoformat(observed_at))
        for name, ok, detail, observed_at in columns.pop("checks")
    )
    return Runtime(**columns, checks=checks, loop_latency_ms=(p50, p95, p99))
