"""Runs: asks for one, once; says beforehand what it would do; and has one cancelled."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from trading_bot.clock import Clock
from trading_bot.domain.commands import ActionPreview, Caller, Intent, RiskLevel
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.workflow_runs import Cancellation, WorkflowRun, WorkflowStatus
from trading_bot.errors.fault import Fault
from trading_bot.services import intents
from trading_bot.store import bots, workflow_runs
from trading_bot.store.store import Reading, Store, Writing
from workflows.model import Scene, Step, StepRunner, Workflow
from workflows.parameters import checked
from workflows.progress import scene_of

T = TypeVar("T")

MOST_OPEN = 100
"""Runs of one bot that have not ended; of those that go first as many again, so that what waits can't hold up a shutdown."""
MOST_EFFECTS = 20
"""Effects that a preview lists."""
EFFECT_BYTES = 190
"""Bytes of each of them."""
_RISKS = tuple(RiskLevel)


def _new_id() -> str:
    return str(uuid.uuid4())


class Runs:
    """Takes runs in, each once by its idempotency key."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        runner: StepRunner,
        require: Callable[[Workflow, Scene], Coroutine[Any, Any, None]],
        threads: Executor,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._store = store
        self._clock = clock
        self._runner = runner
        self._require = require
        self._threads = threads
        self._new_id = new_id

    def known(self, bot_id: str, intent: Intent) -> WorkflowRun | None:
        """The run that the same write made before, as it is now; null for a new write. QRY_007 as `submit`.

        Asked before anything else: whose answer got lost is told what became of it also after the workflow was changed or taken away.
        """
        with self._store.reading(bot_id) as r:
            known = intents.carried_out(r, intent)
            return None if known is None else _first(r, known)

    def submit(
        self, bot_id: str, workflow: Workflow, sent: Mapping[str, Any], intent: Intent
    ) -> tuple[WorkflowRun, bool]:
        """Store a run and give it back; true when the same was asked for before, and that one is given back.

        Raises BOT_001 for an unknown bot, WF_002 for parameters that don't fit, WF_017 when too many runs wait, QRY_007 when the
        idempotency key stands for something else; AUTH_002 for a key of too small a scope, QRY_008 without the confirm token that risk
        HIGH needs, QRY_009 with a bad one.
        """
        parameters = checked(workflow.parameter_rules, sent)
        with self._store.writing(bot_id) as w:
            _require_bot(w)
            known = intents.carried_out(w, intent)
            if known is not None:
                return _first(w, known), True
            _require_scope(intent.caller, workflow)
            if workflow_runs.count_open(w, preempts=workflow.preempts) >= MOST_OPEN:
                cause = f"{MOST_OPEN} runs of this bot have not ended."
                raise Fault("WF_017", cause, context={"max": MOST_OPEN})
            run = _run(workflow, parameters, intent, id=self._new_id(), w=w)
            intents.record(w, intent, risk=self.risk(workflow, parameters), subject_id=run.id)
            stored = workflow_runs.add_run(w, run)
            if workflow.preempts:
                _preempt(w, run)
        return stored, False

    def cancel(self, run_id: str, intent: Intent) -> tuple[WorkflowRun, bool]:
        """Have a run stopped and undone, and give it back as it is now; one that no worker has begun has ended with that.

        Raises QRY_005 for an unknown run, WF_016 for one that has ended, QRY_007 as `submit`. Needs no confirm token, ever.
        """
        bot_id = self._bot_of(run_id)
        with self._store.writing(bot_id) as w:
            known = intents.carried_out(w, intent)
            if known is not None:
                return _first(w, known), True
            run = workflow_runs.find_run(w, run_id) or _missing(run_id)
            if run.has_ended:
                cause = f"The run has ended: it is {run.status.name}."
                raise Fault("WF_016", cause, context={"runId": run.id, "status": run.status.name})
            intents.record(w, intent, risk=RiskLevel.LOW, subject_id=run.id)
            _cancel(w, run, user=intent.caller.key_id, reason=capped(intent.reason, REASON_BYTES))
            return workflow_runs.find_run(w, run_id) or _missing(run_id), False

    def risk(self, workflow: Workflow, parameters: Mapping[str, Any]) -> RiskLevel:
        """How much harm the workflow could do with these parameters: its steps' highest, with those that undo them.

        What undoes them runs as the system and asks nobody: nobody may be awake. So it is confirmed with the rest, before the first step.
        """
        every = (*workflow.steps, *workflow.rollback)
        return max((self._runner.risk(step, parameters) for step in every), key=_RISKS.index)

    async def preview(self, bot_id: str, workflow: Workflow, sent: Mapping[str, Any], intent: Intent) -> ActionPreview:
        """What each step would do on the present state, without doing it. Raises BOT_001 and WF_002 as `submit`."""
        parameters = checked(workflow.parameter_rules, sent)
        effects, queue = await self._in_thread(lambda: self._circumstances(bot_id, workflow))
        run = await self._in_thread(lambda: self._imagined(bot_id, workflow, parameters, intent))
        effects += await self._unfulfilled(run, workflow, intent.caller)
        effects += [await self._rehearsed(step, run, intent.caller) for step in workflow.steps]
        undo = f" {len(workflow.rollback)} steps undo it if one fails." if workflow.rollback else ""
        return ActionPreview(
            summary=capped(f"{workflow.name}: {len(workflow.steps)} steps.{undo}{queue}", EFFECT_BYTES),
            effects=tuple(capped(effect, EFFECT_BYTES) for effect in effects[:MOST_EFFECTS]),
            risk=self.risk(workflow, parameters),
            confirm_token=None,
            expires_at=None,
        )

    def preview_cancel(self, run_id: str) -> ActionPreview:
        """What a cancellation would do now. Raises QRY_005 and WF_016 as `cancel`."""
        with self._store.reading(self._bot_of(run_id)) as r:
            run = workflow_runs.find_run(r, run_id) or _missing(run_id)
        if run.has_ended:
            cause = f"The run has ended: it is {run.status.name}."
            raise Fault("WF_016", cause, context={"runId": run.id, "status": run.status.name})
        begun = [one.id for one in run.attempts if one.finished_at is not None]
        effects = [f"Step {run.current.id} is stopped."] if run.current is not None else []
        effects.append(f"What was begun is undone: {', '.join(begun)}." if begun else "Nothing has to be undone.")
        return ActionPreview(
            summary=f"{run.workflow_id} is stopped.",
            effects=tuple(effects),
            risk=RiskLevel.LOW,
            confirm_token=None,
            expires_at=None,
        )

    def _circumstances(self, bot_id: str, workflow: Workflow) -> tuple[list[str], str]:
        """What happens beside the steps, and whether the run has to wait."""
        with self._store.reading(bot_id) as r:
            _require_bot(r)
            holder = None if workflow.reads_only else workflow_runs.find_holder(r)
        if holder is None:
            return [], ""
        if workflow.preempts:
            return [f"The run of {holder.workflow_id} that is under way is cancelled and undone first."], ""
        return [], f" It waits until the run of {holder.workflow_id} has ended."

    def _imagined(self, bot_id: str, workflow: Workflow, parameters: dict[str, Any], intent: Intent) -> WorkflowRun:
        with self._store.reading(bot_id) as r:
            return _run(workflow, parameters, intent, id=self._new_id(), w=r)

    async def _unfulfilled(self, run: WorkflowRun, workflow: Workflow, caller: Caller) -> list[str]:
        """Why the run would be refused before its first step; empty where it would not."""
        try:
            await self._require(workflow, scene_of(run, workflow.steps[0], caller, now=self._clock.now()))
        except Fault as fault:
            return [f"It would not begin now. {fault.code}: {fault.cause}"]
        return []

    async def _rehearsed(self, step: Step, run: WorkflowRun, caller: Caller) -> str:
        try:
            rehearsal = await self._runner.rehearse(step, scene_of(run, step, caller, now=self._clock.now()))
        except Fault as fault:
            return f"{step.id}: would fail now. {fault.code}: {fault.cause}"
        return f"{step.id}: {'skipped: ' if rehearsal.is_skipped else ''}{rehearsal.effect}"

    def _bot_of(self, run_id: str) -> str:
        for bot_id in self._store.bot_ids():
            with self._store.reading(bot_id) as r:
                if workflow_runs.find_run(r, run_id) is not None:
                    return bot_id
        return _missing(run_id)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _run(workflow: Workflow, parameters: dict[str, Any], intent: Intent, *, id: str, w: Reading) -> WorkflowRun:
    return WorkflowRun(
        id=id,
        bot_id=w.bot_id,
        workflow_id=workflow.id,
        definition=workflow.definition,
        parameters=parameters,
        reads_only=workflow.reads_only,
        preempts=workflow.preempts,
        timeout_seconds=workflow.timeout_seconds,
        forward=tuple(step.id for step in workflow.steps),
        status=WorkflowStatus.NOT_STARTED,
        user=intent.caller.key_id,
        user_name=intent.caller.name,
        scope=intent.caller.scope,
        max_response_bytes=intent.caller.max_response_bytes,
        reason=capped(intent.reason, REASON_BYTES),
        created_at=w.now,
        due_at=w.now,
    )


def _require_bot(r: Reading) -> None:
    if bots.find_bot(r) is None:
        raise Fault("BOT_001", f"No bot `{r.bot_id[:40]}` is in the store.", context={"botId": r.bot_id[:40]})


def _require_scope(caller: Caller, workflow: Workflow) -> None:
    if not caller.scope.includes(workflow.scope):
        cause = f"{workflow.id} needs a key of scope {workflow.scope.name}, this one has {caller.scope.name}."
        raise Fault("AUTH_002", cause, context={"needs": workflow.scope.name, "has": caller.scope.name})


def _preempt(w: Writing, run: WorkflowRun) -> None:
    """Have the run that is under way cancelled: the new one goes right after it."""
    holder = workflow_runs.find_holder(w)
    if holder is not None:
        _cancel(w, holder, user=run.id, reason=f"{run.workflow_id} goes first.")


def _cancel(w: Writing, run: WorkflowRun, *, user: str, reason: str) -> None:
    if run.cancellation is not None:
        return
    asked = Cancellation(at=w.now, user=user, reason=reason)
    if run.started_at is not None:
        workflow_runs.ask_cancel(w, run, asked)
        return
    fault = Fault("WF_012", f"Cancelled by {user}: {reason}", context={"runId": run.id, "workflowId": run.workflow_id})
    ended = replace(run.moved(WorkflowStatus.CANCELLED, ended_at=w.now), error=fault.semantic(now=w.now))
    workflow_runs.end_unstarted(w, replace(ended, cancellation=asked))


def _first(r: Reading, run_id: str) -> WorkflowRun:
    """The run that the first write was about, as it is now."""
    run = workflow_runs.find_run(r, run_id)
    if run is None:
        raise Fault("SYS_001", "The first write's run is missing.", context={"runId": run_id})
    return run


def _missing(run_id: str) -> NoReturn:
    raise Fault("QRY_005", f"There is no run `{run_id[:40]}`.", context={"runId": run_id[:40]})
