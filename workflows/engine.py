"""The engine: carries one run on, step by step, as long as the worker's lease on it is held.

Each move is one transaction, which reads the run, takes in what its step came to, and writes down the next step before that is begun. So
the worker may die at any instant: whoever takes the run over finds either a step that has ended, or one that is under way. Carrying a step
out lies between two transactions, under the same idempotency key in every attempt.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog

from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import SemanticError
from trading_bot.domain.workflow_runs import StepPhase, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys
from trading_bot.store import errors, workflow_runs
from trading_bot.store.store import Store
from trading_bot.store.workflow_runs import Lease
from workflows.model import SYSTEM, Scene, Step, StepRunner, Wake, Workflow
from workflows.progress import Done, Failed, Outcome, Skipped, Stopped, abandoned, carried_on, scene_of, taken_up

T = TypeVar("T")

LATE_SECONDS = 1.0
"""What a step still gets whose time was over before its worker came to it, such as one that waited for just as long as it may."""
RETRY_SECONDS = 0.2
"""Time until what a step came to is written again when the store could not be used."""
LAST_SECONDS = 2.0
"""How long a step may take to end once it is stopped."""
_TOO_LATE = "WF_005"
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Turn:
    """One worker's time with one run."""

    lease: Lease
    """Its right to it."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody wants the run to be cancelled."""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the lease is over: the step that is under way is stopped, and nothing more is written."""
    good_until: float = float("inf")
    """Monotonic time until when nobody else can have the lease."""


class Engine:
    """Carries runs on. Safe to use for many runs at a time, from one event loop."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        keys: Keys,
        runner: StepRunner,
        parse: Callable[[dict[str, Any]], Workflow],
        require: Callable[[Workflow, Scene], Coroutine[Any, Any, None]],
        threads: Executor,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._runner = runner
        self._parse = parse
        self._require = require
        self._threads = threads

    async def carry_on(self, turn: Turn) -> None:
        """Carry the run of a lease on until it ends, waits for its time, or the lease is over. SYS_002 when the store can't be used."""
        try:
            await self._carry_on(turn)
        except Fault as fault:
            if fault.code != "WF_015":
                raise
            _log.info("workflow_lease_lost", run_id=turn.lease.run_id, fence=turn.lease.fence)

    async def _carry_on(self, turn: Turn) -> None:
        run, workflow = await self._in_thread(lambda: self._begin(turn.lease))
        if workflow is None:
            return
        refusal = await self._refusal(turn, run, workflow) if run.started_at is None else None
        run, step = await self._in_thread(lambda: self._take_up(turn.lease, workflow, refusal))
        while step is not None and not turn.lost.is_set():
            outcome = await self._carry_out(turn, run, step)
            if turn.lost.is_set():
                return
            run, step = await self._kept(turn, lambda: self._go_on(turn.lease, run, workflow, outcome))  # noqa: B023 - awaited

    async def _kept(self, turn: Turn, work: Callable[[], T]) -> T:
        """Use the store, again and again while it can't be used: no step must fail, or be run twice, for that."""
        while True:
            try:
                return await self._in_thread(work)
            except Fault as fault:
                if fault.code != "SYS_002" or turn.lost.is_set() or self._clock.monotonic() >= turn.good_until:
                    raise
                await self._clock.sleep(RETRY_SECONDS)

    def _begin(self, lease: Lease) -> tuple[WorkflowRun, Workflow | None]:
        """The run and what it runs; a run whose definition this release can't read any more ends here."""
        with self._store.reading(lease.bot_id) as r:
            run = workflow_runs.find_run(r, lease.run_id)
        if run is None:
            raise Fault("SYS_001", "The run of a lease is missing.", context={"runId": lease.run_id})
        try:
            return run, self._parse(run.definition)
        except Fault as fault:
            error = fault.semantic(now=self._clock.now())
            self._write(lease, lambda run, now: (abandoned(run, error, now=now), None))
            return run, None

    async def _refusal(self, turn: Turn, run: WorkflowRun, workflow: Workflow) -> SemanticError | None:
        """Why the run must not begin; null where it may."""
        try:
            caller = await self._kept(turn, lambda: self._caller(run))
            await self._require(workflow, scene_of(run, workflow.steps[0], caller, now=self._clock.now()))
        except Fault as fault:
            return fault.semantic(now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - a condition must not end the worker
            return self._unexpected(error, run).semantic(now=self._clock.now())
        return None

    def _take_up(
        self, lease: Lease, workflow: Workflow, refusal: SemanticError | None
    ) -> tuple[WorkflowRun, Step | None]:
        return self._write(lease, lambda run, now: taken_up(run, workflow, refusal=refusal, now=now))

    def _go_on(
        self, lease: Lease, run: WorkflowRun, workflow: Workflow, outcome: Outcome
    ) -> tuple[WorkflowRun, Step | None]:
        return self._write(lease, lambda run, now: carried_on(run, workflow, outcome, now=now), known=run)

    def _write(
        self,
        lease: Lease,
        move: Callable[[WorkflowRun, datetime], tuple[WorkflowRun, Step | None]],
        *,
        known: WorkflowRun | None = None,
    ) -> tuple[WorkflowRun, Step | None]:
        """One move of the run, in one transaction. WF_015, and nothing is written, where the lease is over."""
        with self._store.writing(lease.bot_id) as w:
            before = workflow_runs.find_held(w, lease, known)
            after, step = move(before, w.now)
            workflow_runs.save_held(w, lease, before, after)
            if after.error is not None and after.error != before.error and _is_worth_telling(after):
                errors.save_error(w, after.error)
        return after, step

    async def _carry_out(self, turn: Turn, run: WorkflowRun, step: Step) -> Outcome:
        """What the step came to; whatever it does, it comes to something."""
        try:
            caller = SYSTEM if run.phase is StepPhase.ROLLBACK else await self._kept(turn, lambda: self._caller(run))
            scene = scene_of(run, step, caller, now=self._clock.now())
            if not self._runner.is_due(step, scene):
                return Skipped()
            return await self._watched(turn, run, step, scene)
        except Fault as fault:
            return Failed(error=fault.semantic(now=self._clock.now()), is_late=fault.code == _TOO_LATE)
        except Exception as error:  # noqa: BLE001 - a step must not end the worker
            return Failed(error=self._unexpected(error, run).semantic(now=self._clock.now()))

    async def _watched(self, turn: Turn, run: WorkflowRun, step: Step, scene: Scene) -> Outcome:
        """Carry the step out, and stop it at its deadline, when the run is to be cancelled, or when the lease is over."""
        ends = [turn.lost] if run.phase is StepPhase.ROLLBACK else [turn.lost, turn.cancelled]
        work = asyncio.ensure_future(self._run(turn, step, scene))
        watches = [asyncio.ensure_future(end.wait()) for end in ends]
        try:
            left = (scene.deadline - self._clock.now()).total_seconds()
            await asyncio.wait(
                {work, *watches}, timeout=left if left > 0 else LATE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if work.done():
                output = work.result()
                return output if isinstance(output, Wake) else Done(output=output)
            if any(end.is_set() for end in ends):
                return Stopped()
            cause = f"Step `{step.id}` had not ended after {step.timeout_seconds} s."
            raise Fault(_TOO_LATE, cause, context={"runId": run.id, "step": step.id})
        finally:
            for task in (work, *watches):
                task.cancel()
            await asyncio.wait({work, *watches}, timeout=LAST_SECONDS)

    async def _run(self, turn: Turn, step: Step, scene: Scene) -> dict[str, Any] | Wake:
        """Run the step, unless this process stood still so long that another worker may have done so meanwhile.

        One that may be repeated is run again where the store could not be used: what it did under its key is done once all the same.
        """
        while self._clock.monotonic() < turn.good_until:
            try:
                return await self._runner.run(step, scene)
            except Fault as fault:
                if fault.code != "SYS_002" or not step.is_repeatable:
                    raise
                await self._clock.sleep(RETRY_SECONDS)
        turn.lost.set()
        return {}  # nobody hears of it

    def _caller(self, run: WorkflowRun) -> Caller:
        """On whose behalf the run goes on: its caller, with no more than the key may do now. AUTH_001 for one that was revoked."""
        asked = Caller(
            key_id=run.user,
            name=run.user_name,
            scope=run.scope,
            max_response_bytes=run.max_response_bytes,
            rate_per_minute=None,
        )
        known = self._keys.find(run.user)
        if known is None:
            cause = f"The key {run.user} that asked for the run opens nothing any more."
            raise Fault("AUTH_001", cause, context={"runId": run.id, "keyId": run.user})
        return asked if known.scope.includes(run.scope) else known

    def _unexpected(self, error: Exception, run: WorkflowRun) -> Fault:
        fault_id = uuid.uuid4().hex
        _log.error("workflow_step_failed", run_id=run.id, fault_id=fault_id, exc_info=error)
        return Fault("SYS_001", f"A step met {type(error).__name__}.", context={"fault_id": fault_id, "runId": run.id})

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _is_worth_telling(run: WorkflowRun) -> bool:
    """Whether the bot's errors should hold why the run is no success: a cancelled one is what somebody wanted."""
    return run.cancellation is None or run.status is WorkflowStatus.ROLLBACK_FAILED
