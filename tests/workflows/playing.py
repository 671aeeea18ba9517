"""Plays runs in a test: asks for them, lets a worker's lease carry them on, and tells what became of them."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.fakes.set_clock import SetClock
from tests.workflows.scripted_steps import ScriptedSteps, nothing_required, parsed
from trading_bot.domain.commands import Caller, Intent
from trading_bot.domain.errors import Scope
from trading_bot.domain.events import Event
from trading_bot.domain.workflow_runs import WorkflowRun
from trading_bot.services.keys import Keys
from trading_bot.store import changes, workflow_runs
from trading_bot.store.store import Store
from trading_bot.store.workflow_runs import Lease
from workflows.engine import Engine, Turn
from workflows.runs import Runs

LEASE = timedelta(seconds=6)
OPERATOR = Caller(
    key_id="terminal", name="Terminal", scope=Scope.ADMIN, max_response_bytes=10_240, rate_per_minute=None
)


@dataclass(slots=True, kw_only=True)
class Play:
    """A store, and everything that carries runs on in it."""

    store: Store
    clock: SetClock
    threads: ThreadPoolExecutor
    steps: ScriptedSteps = field(default_factory=ScriptedSteps)
    require: Any = nothing_required
    asked: int = 0
    operator: Caller = field(init=False)
    """Whose key asks for runs."""

    def __post_init__(self) -> None:
        self.operator, _ = Keys(self.store.engine, self.clock).create("operator", Scope.ADMIN)

    @property
    def runs(self) -> Runs:
        return Runs(store=self.store, clock=self.clock, runner=self.steps, require=self.require, threads=self.threads)

    @property
    def engine(self) -> Engine:
        return Engine(
            store=self.store,
            clock=self.clock,
            keys=Keys(self.store.engine, self.clock),
            runner=self.steps,
            parse=parsed,
            require=self.require,
            threads=self.threads,
        )

    def intent(self, key: str | None = None, *, caller: Caller | None = None, token: str | None = None) -> Intent:
        self.asked += 1
        return Intent(
            caller=caller or self.operator,
            idempotency_key=key or f"key-{self.asked}",
            digest="d" * 64,
            reason="Because the test says so.",
            token_id=token,
        )

    def ask(self, definition: dict[str, Any], *, caller: Caller | None = None, bot_id: str = "main") -> WorkflowRun:
        return self.runs.submit(bot_id, parsed(definition), {}, self.intent(caller=caller))[0]

    def cancel(self, run_id: str) -> WorkflowRun:
        return self.runs.cancel(run_id, self.intent())[0]

    def take(self, run_id: str, owner: str = "worker") -> Lease | None:
        with self.store.writing("main") as w:
            return workflow_runs.take(w, run_id, owner=owner, until=w.now + LEASE)

    def lease(self, run_id: str, owner: str = "worker") -> Lease:
        lease = self.take(run_id, owner)
        assert lease is not None
        return lease

    def carry_on(self, run_id: str) -> WorkflowRun:
        """Take a run and carry it on until it ends or waits."""
        asyncio.run(self.engine.carry_on(Turn(lease=self.lease(run_id))))
        return self.run(run_id)

    def carried_out(self, definition: dict[str, Any], **more: Any) -> WorkflowRun:
        return self.carry_on(self.ask(definition, **more).id)

    def die_in(self, run_id: str) -> Lease:
        """Carry a run on up to the step that hangs, and die there: nothing that comes after is written."""
        self.steps.hanging, self.steps.released = asyncio.Event(), asyncio.Event()

        async def work() -> Lease:
            turn = Turn(lease=self.lease(run_id))
            task = asyncio.create_task(self.engine.carry_on(turn))
            await self.steps.hanging.wait()
            task.cancel()
            await asyncio.wait({task})
            return turn.lease

        return asyncio.run(work())

    def run(self, run_id: str) -> WorkflowRun:
        with self.store.reading("main") as r:
            found = workflow_runs.find_run(r, run_id)
        assert found is not None
        return found

    def events(self) -> tuple[Event, ...]:
        with self.store.reading("main") as r:
            return changes.list_changes(r, 0, 1000)

    def lines(self) -> list[dict[str, Any]]:
        """What waits to be appended to the log of runs."""
        from trading_bot.store import outbox  # noqa: PLC0415

        with self.store.reading("main") as r:
            rows = outbox.list_outbox(r, 1000)
        return [json.loads(json.dumps(row.record)) for row in rows if row.stream == "workflow_execution_log"]


def told(run: WorkflowRun) -> list[tuple[str, str]]:
    """Each attempt of a run with its end, rollback steps after a `<`."""
    return [(("<" if one.phase.name == "ROLLBACK" else "") + one.id, one.status.name) for one in run.steps]
