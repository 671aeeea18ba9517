"""Composition: the parts that answer operations and carry workflows on, put together for the API and for a worker of its own."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import strawberry

from graph.doors.operations import Operations, load_operations
from graph.execution import Executor, executor
from graph.guard.errors import ErrorShape
from graph.schema import build_schema
from resolvers.context import Parts
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Views
from resolvers.stream import Stream
from trading_bot.clock import Clock
from trading_bot.services.acknowledgements import Acknowledgements
from trading_bot.services.commands import Commands
from trading_bot.services.config_apply import ConfigChanges
from trading_bot.services.config_tokens import PlanTokens
from trading_bot.services.keys import Keys
from trading_bot.services.tokens import Tokens, load_secret
from trading_bot.settings import Settings
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import require_current
from trading_bot.store.store import Store
from workflows.desk import Desk, Equipment
from workflows.engine import Engine
from workflows.model import Workflow
from workflows.runs import Runs
from workflows.worker import Worker

READERS = 4
"""Threads that read what operations show; more would wait for each other."""
WORKERS = 2
"""Threads of the store for what is short: keys, which state there is, and writes, so that a pause waits for no query."""
WORKFLOW_THREADS = 2
"""Threads of the store that workflows have for themselves: what a run writes waits for no query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What answers operations and carries workflows on."""

    schema: strawberry.Schema
    parts: Parts
    keys: Keys
    executor: Executor
    operations: Operations
    readers: ThreadPoolExecutor
    """Of the store, for what operations show."""
    threads: ThreadPoolExecutor
    """Of the store, for keys and writes."""
    workflow_threads: ThreadPoolExecutor
    """Of the store, for workflows."""

    def worker(self) -> Worker:
        """What carries workflows on."""
        return Worker(
            store=self.parts.store,
            clock=self.parts.clock,
            engine=lambda: self.parts.workflows.equipment.engine,
            threads=self.workflow_threads,
        )

    def close(self) -> None:
        """Let go of threads and connections."""
        self.parts.stream.close()
        for threads in (self.readers, self.threads, self.workflow_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self.parts.store.close()


def open_store(settings: Settings, clock: Clock) -> Store:
    """The settings' store. Raises SYS_002 when it can't be used, SYS_003 when it is not of this release."""
    engine = open_engine(settings.store_url)
    require_current(engine)
    return Store(engine, clock)


def build_core(settings: Settings, store: Store, clock: Clock, *, counters: Counters, shape: ErrorShape) -> Core:
    """The parts over a store, which `Core.close` closes."""
    keys = Keys(store.engine, clock)
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="views")
    threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="store")
    workflow_threads = ThreadPoolExecutor(WORKFLOW_THREADS, thread_name_prefix="workflows")
    commands = Commands(store=store, clock=clock)

    def equipment() -> Equipment:
        return _equipment(
            settings, store, clock, keys=keys, commands=commands, operations=operations, threads=workflow_threads
        )

    secret = load_secret(settings.confirm_secret_file)
    plan_tokens = PlanTokens(secret, clock)
    parts = Parts(
        store=store,
        clock=clock,
        commands=commands,
        acknowledgements=Acknowledgements(store=store),
        tokens=Tokens(secret, clock),
        workers=threads,
        views=Views(store=store, workers=readers),
        stream=Stream(store=store, clock=clock),
        counters=counters,
        memory=Memory(store=store, clock=clock, workers=threads, ttl=settings.state_cache_ttl),
        workflows=Desk(equipment),
        plan_tokens=plan_tokens,
        config_changes=ConfigChanges(store=store, clock=clock, tokens=plan_tokens),
    )
    schema = build_schema()
    run = executor(schema, parts, shape)
    operations = Operations(load_operations(run.documents), run)
    return Core(
        schema=schema,
        parts=parts,
        keys=keys,
        executor=run,
        operations=operations,
        readers=readers,
        threads=threads,
        workflow_threads=workflow_threads,
    )


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[None]:
    """Have a worker work meanwhile; at the end it lets go of its runs."""
    task = asyncio.create_task(worker.work())
    try:
        yield
    finally:
        worker.end()
        await task


def _equipment(
    settings: Settings,
    store: Store,
    clock: Clock,
    *,
    keys: Keys,
    commands: Commands,
    operations: Operations,
    threads: ThreadPoolExecutor,
) -> Equipment:
    # Heavy: the condition language and the schema of definitions, which nothing else needs.
    from workflows.installation import installation  # noqa: PLC0415
    from workflows.load import parse_workflow  # noqa: PLC0415

    here = installation(settings, store=store, commands=commands, clock=clock, workers=threads, operations=operations)

    def parse(definition: dict[str, object]) -> Workflow:
        return parse_workflow(definition, here.steps)

    engine = Engine(
        store=store,
        clock=clock,
        keys=keys,
        runner=here.steps,
        parse=parse,
        require=here.steps.require_preconditions,
        threads=threads,
    )
    runs = Runs(store=store, clock=clock, runner=here.steps, require=here.steps.require_preconditions, threads=threads)
    return Equipment(library=here.library, runs=runs, engine=engine, parse=parse)
