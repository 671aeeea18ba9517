"""A workflow worker in a process of its own, to be killed or stopped at any instant, whose steps have an effect that can be counted.

A step's effect is a file named by its idempotency key: whoever makes it first has had the effect. What is begun, and every write of a
worker whose lease is not the run's latest, is appended to a file of its own.
"""

import asyncio
import json
import logging
import os
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401 - each worker would import it again: it is forked
import sqlalchemy as sa
import structlog

from tests.workflows.scripted_steps import ScriptedSteps, nothing_required, parsed
from trading_bot.clock import SystemClock
from trading_bot.domain.workflow_runs import WorkflowRun
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys
from trading_bot.store import workflow_runs
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store, Writing
from trading_bot.store.workflow_runs import Lease
from trading_bot.store.workflow_tables import workflow_runs as table
from workflows.engine import Engine
from workflows.model import Scene, Step, Wake
from workflows.worker import Worker

CLOCK = SystemClock()


class CountedSteps(ScriptedSteps):
    """Steps that take `takes` seconds, have their effect half-way, and then fail or succeed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    async def run(self, step: Step, scene: Scene) -> dict[str, Any] | Wake:
        note(self._folder / "begun", {"key": scene.idempotency_key, "at": CLOCK.now().timestamp()})
        await CLOCK.sleep(step.parameters["takes"] / 2)
        effect = self._folder / "effects" / scene.idempotency_key
        try:
            os.close(os.open(effect, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            note(self._folder / "repeated", {"key": scene.idempotency_key})
        await CLOCK.sleep(step.parameters["takes"] / 2)
        if step.parameters["does"] == "fail":
            raise Fault("BOT_003", "The bot is STOPPED.")
        return {"said": step.id}


def run(lease_milliseconds: int, environment: Mapping[str, str]) -> int:
    """Carry on what is due in the store `url`, until killed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    random.seed()
    folder = Path(environment["folder"])
    _watch_fences(folder)
    engine = open_engine(environment["url"])
    store, threads = Store(engine, CLOCK), ThreadPoolExecutor(4)
    carrying = Engine(
        store=store,
        clock=CLOCK,
        keys=Keys(engine, CLOCK),
        runner=CountedSteps(folder),
        parse=parsed,
        require=nothing_required,
        threads=threads,
    )
    lease = lease_milliseconds / 1000
    worker = Worker(store=store, clock=CLOCK, engine=lambda: carrying, threads=threads, lease_seconds=lease)
    asyncio.run(worker.work())
    return 0


def note(file: Path, line: dict[str, Any]) -> None:
    """Append one line, whole."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, json.dumps(line).encode() + b"\n")
    os.close(handle)


def _watch_fences(folder: Path) -> None:
    """Look in each transaction that a worker writes whether the lease that it wrote under was the run's latest."""
    original = workflow_runs.save_held

    def watched(w: Writing, lease: Lease, before: WorkflowRun, after: WorkflowRun) -> None:
        query = sa.select(table.c.fence).where(table.c.bot_id == lease.bot_id, table.c.id == lease.run_id)
        latest = w.connection.execute(query).scalar_one()
        original(w, lease, before, after)
        if latest != lease.fence:
            note(folder / "fenced", {"run": lease.run_id, "fence": lease.fence, "latest": latest})

    workflow_runs.save_held = watched
