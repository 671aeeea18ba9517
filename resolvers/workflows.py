"""Workflows: what can be run, runs as they are, and the two writes: a run asked for, a run cancelled."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

import orjson

from resolvers.context import Context
from resolvers.inputs import WorkflowCancel, WorkflowExecute
from resolvers.paging import Connection, connection, require_first
from resolvers.payloads import WorkflowRunPayload
from resolvers.watches import answers
from trading_bot.domain.commands import Intent
from trading_bot.domain.events import EventKind
from trading_bot.domain.workflow_runs import WorkflowRun
from trading_bot.errors.fault import Fault
from trading_bot.store import workflow_runs
from trading_bot.store.store import Reading
from workflows.model import Workflow

T = TypeVar("T")

MOST_PARAMETER_BYTES = 16_384
"""Bytes of a run's parameters, as JSON."""
REFUSALS = frozenset({"BOT_001", "BOT_003", "QRY_005", "QRY_007", "WF_001", "WF_002", "WF_016", "WF_017"})
"""Codes that stand in the payload's errors: the write was understood and refused."""


async def list_workflows(context: Context, *, first: int) -> tuple[Workflow, ...]:
    """What can be run, by id. Fault QRY_004 for `first` outside 1 to 100."""
    require_first(first)
    return (await _in_thread(context, context.parts.workflows.list))[:first]


async def find_workflow(context: Context, *, id: str) -> Workflow | None:
    """The workflow of that id; null when there is none."""
    return await _in_thread(context, lambda: context.parts.workflows.find(id))


async def workflow_of_run(context: Context, run: WorkflowRun) -> Workflow:
    """The workflow as it was when the run was asked for. Fault WF_001 where this release can't read it."""
    return await _in_thread(context, lambda: context.parts.workflows.meaning(run.definition))


async def find_workflow_run(context: Context, *, id: str) -> WorkflowRun | None:
    """The run of that id, whatever bot it concerns; null when there is none."""
    for bot_id in await context.parts.memory.bots():
        await context.choose_bot(bot_id)
        found = await context.read(lambda r: workflow_runs.find_run(r, id))
        if found is not None:
            return found
    return None


async def list_workflow_runs(
    context: Context,
    *,
    bot_id: str | None = None,
    workflow_id: str | None = None,
    first: int,
    after: str | None = None,
) -> Connection[WorkflowRun]:
    """A page of runs, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: workflow_runs.list_runs(r, first, after, workflow_id=workflow_id)))


async def execute_workflow(context: Context, input: WorkflowExecute, intent: Intent) -> WorkflowRunPayload:
    """A run asked for, or what each of its steps would do now."""
    parameters = _parameters(input.parameters)
    desk = context.parts.workflows

    def submit() -> tuple[WorkflowRun, bool]:
        known = desk.runs.known(bot_id, intent)
        if known is not None:
            return known, True
        return desk.runs.submit(bot_id, desk.require(input.workflow_id), parameters, intent)

    try:
        bot_id = await context.choose_bot(input.bot_id)
        if input.dry_run:
            workflow = await _in_thread(context, lambda: desk.require(input.workflow_id))
            preview = await desk.runs.preview(bot_id, workflow, parameters, intent)
            return WorkflowRunPayload(run=None, preview=preview, errors=(), replayed=False)
        run, replayed = await _in_thread(context, submit)
    except Fault as fault:
        return _refused(context, fault)
    return WorkflowRunPayload(run=run, preview=None, errors=(), replayed=replayed)


async def cancel_workflow(context: Context, input: WorkflowCancel, intent: Intent) -> WorkflowRunPayload:
    """A run stopped and undone, or what that would mean now."""
    desk = context.parts.workflows
    try:
        if input.dry_run:
            preview = await _in_thread(context, lambda: desk.runs.preview_cancel(input.run_id))
            return WorkflowRunPayload(run=None, preview=preview, errors=(), replayed=False)
        run, replayed = await _in_thread(context, lambda: desk.runs.cancel(input.run_id, intent))
    except Fault as fault:
        return _refused(context, fault)
    return WorkflowRunPayload(run=run, preview=None, errors=(), replayed=replayed)


@dataclass(slots=True, kw_only=True)
class WatchedRun:
    """A run at once and after each of its steps, until it has ended."""

    context: Context
    id: str
    _place: tuple[str, int] | None = None
    """Its bot, and the number of the last event that the first answer shows."""

    async def look(self) -> WorkflowRun:
        """The run as it is now. Fault QRY_005 for one that does not exist."""
        await self.context.operation.renew()
        if self._place is None:
            bot_id = await self._bot()
            run, seq = await self._found(bot_id)
            self._place = bot_id, seq
            return run
        return (await self._found(self._place[0]))[0]

    look_again = look

    async def moves(self) -> AsyncGenerator[None, None]:
        """Its steps, and whatever else is written of it."""
        if self._place is None:
            raise Fault("SYS_001", "A run was followed before it was looked at.")
        stream = self.context.parts.stream
        async with aclosing(stream.batches(*self._place, (EventKind.WORKFLOW,))) as batches:
            async for events, _ in batches:
                if any(event.subject == self.id for event in events):
                    yield

    def is_last(self, seen: WorkflowRun) -> bool:
        """Whether it has ended."""
        return seen.has_ended

    def __aiter__(self) -> AsyncGenerator[WorkflowRun, None]:  # noqa: PYI058 - to be closed
        """The answers, for one who watches alone."""
        return answers(self)

    async def _bot(self) -> str:
        run = await find_workflow_run(self.context, id=self.id)
        if run is None:
            raise Fault("QRY_005", f"There is no run `{self.id:.40}`.", context={"field": "id"})
        return run.bot_id

    async def _found(self, bot_id: str) -> tuple[WorkflowRun, int]:
        """The run, and the number of the last event that it shows."""
        await self.context.choose_bot(bot_id)

        def read(r: Reading) -> tuple[WorkflowRun | None, int]:
            return workflow_runs.find_run(r, self.id), r.seq()

        run, seq = await self.context.read(read)
        if run is None:
            raise Fault("QRY_005", f"The run `{self.id:.40}` is not there any more.", context={"field": "id"})
        return run, seq


def watch_workflow_run(context: Context, *, id: str) -> WatchedRun:
    """The run at once and after each of its steps, until it has ended. Fault QRY_005 for a run that does not exist."""
    return WatchedRun(context=context, id=id)


def _parameters(sent: object) -> dict[str, object]:
    """What was sent, as names and values; Fault QRY_004 for anything else and for too much of it."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise Fault(
            "QRY_004", "Expected `parameters` as an object of names and values.", context={"field": "parameters"}
        )
    try:
        size = len(orjson.dumps(sent))
    except (orjson.JSONEncodeError, TypeError):
        raise Fault("QRY_004", "Expected `parameters` of JSON values.", context={"field": "parameters"}) from None
    if size > MOST_PARAMETER_BYTES:
        cause = f"Expected `parameters` of at most {MOST_PARAMETER_BYTES} bytes, were {size}."
        raise Fault("QRY_004", cause, context={"field": "parameters", "max": MOST_PARAMETER_BYTES})
    return sent


def _refused(context: Context, fault: Fault) -> WorkflowRunPayload:
    """The payload of a write that was refused; what the caller got wrong (scope, confirm token) is raised."""
    if fault.code not in REFUSALS:
        raise fault
    return WorkflowRunPayload(run=None, preview=None, errors=(fault.semantic(now=context.now),), replayed=False)


async def _in_thread(context: Context, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(context.parts.workers, work)
