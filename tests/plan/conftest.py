"""The executor over data that is made by chance: real schema, real resolvers, and a store that answers with anything."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
import structlog

from graph.execution import Executor, executor
from graph.guard.errors import ErrorShape
from graph.schema import build_schema
from resolvers.context import Operation
from resolvers.counters import Counters
from resolvers.facts import Facts
from tests.fakes.standing_clock import StandingClock
from tests.plan.made_data import made
from trading_bot.domain.candles import Candle
from trading_bot.domain.commands import Caller, Command
from trading_bot.domain.config_changes import Config, ConfigChange, ConfigDifference
from trading_bot.domain.decisions import Decision
from trading_bot.domain.errors import Scope, SemanticError
from trading_bot.domain.events import Event
from trading_bot.domain.fills import Fill
from trading_bot.domain.health import Runtime
from trading_bot.domain.market import Quote
from trading_bot.domain.plans import TradePlan
from trading_bot.domain.risk_events import RiskEvent
from trading_bot.domain.sessions import BotSession
from trading_bot.domain.state import Bot
from trading_bot.domain.trades import Trade
from trading_bot.domain.watch import PerformanceMetric
from trading_bot.domain.workflow_runs import WorkflowRun
from trading_bot.store.paging import Page
from workflows.model import Workflow

T = TypeVar("T")

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CALLER = Caller(key_id="k", name="k", scope=Scope.READ, max_response_bytes=10**9, rate_per_minute=None)
PAGES: dict[str, type] = {
    "list_trades": Trade,
    "list_plans": TradePlan,
    "list_fills": Fill,
    "list_sessions": BotSession,
    "list_decisions": Decision,
    "list_risk_events": RiskEvent,
    "list_alerts": PerformanceMetric,
    "list_candles": Candle,
    "list_commands": Command,
    "list_errors": SemanticError,
    "list_history": ConfigChange,
    "list_workflow_runs": WorkflowRun,
}
SINGLE: dict[str, type] = {
    "find_trade_plan": TradePlan,
    "find_trade_decision": Decision,
    "find_command": Command,
    "find_snapshot": Quote,
    "find_bot_config": Config,
    "find_workflow_run": WorkflowRun,
}
LISTS: dict[str, type] = {"list_changes": Event, "list_trade_fills": Fill, "list_differences": ConfigDifference}


class StillClock(StandingClock):
    """Stands still in every way."""

    def monotonic(self) -> float:
        return 5.0


class AnyStore:
    """Answers each resolver with the same made-up data again and again."""

    def __init__(self, seed: int, wrong: float) -> None:
        self.seed = seed
        self.wrong = wrong

    async def read(self, bot_id: str, work: Callable[..., Any]) -> Any:
        """What the resolver that `work` is of would have found."""
        name = work.__qualname__.partition(".")[0]
        if name == "_facts":
            return 1, self.made(Facts, name)
        if name == "find_metrics":
            return self.made(Runtime, name), 1, 2, 3
        if name in SINGLE:
            return self.made(SINGLE[name], name)
        if name in LISTS:
            return tuple(self.made(LISTS[name], f"{name}{n}") for n in range(self.seed % 3))
        items: tuple[Any, ...] = tuple(self.made(PAGES[name], f"{name}{n}") for n in range(self.seed % 4))
        cursors = tuple(f"c{n}" for n in range(len(items)))
        return Page(items=items, cursors=cursors, has_next=self.seed % 2 == 0, has_previous=False)

    async def close(self) -> None:
        """Nothing is open."""

    def list_bots(self, first: int) -> tuple[Bot, ...]:
        return tuple(self.made(Bot, f"bot{n}") for n in range(min(first, self.seed % 3)))

    def size_bytes(self) -> int:
        return 2**40

    def made(self, kind: type[T], name: str) -> T:
        """An instance of `kind`, the same for one name."""
        return made(kind, random.Random(f"{self.seed} {name}"), wrong=self.wrong)


class AnyDesk:
    """Has workflows that are made up too."""

    def __init__(self, store: AnyStore) -> None:
        self._store = store

    def list(self) -> tuple[Workflow, ...]:
        return tuple(self._store.made(Workflow, f"workflow{n}") for n in range(self._store.seed % 3))

    def find(self, id: str) -> Workflow:
        return self._store.made(Workflow, id)

    def meaning(self, definition: object) -> Workflow:
        return self._store.made(Workflow, "meaning")


class AnyMemory:
    """Knows one bot, and remembers nothing."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.ttl = 60.0
        self.outages = 0

    async def bot(self, wanted: str | None) -> str:
        return wanted or "main"

    async def bots(self) -> tuple[str, ...]:
        return ("main",)

    def fresh(self, bot_id: str) -> None:
        return None


class Stand:
    """Holds an executor whose operations must be made by `operation_of`, and is short when printed."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor


@pytest.fixture(scope="session")
def stand() -> Iterator[Stand]:
    clock = StillClock(NOW)
    with ThreadPoolExecutor(1) as workers:
        parts: Any = SimpleNamespace(
            clock=clock,
            counters=Counters(started=clock.monotonic()),
            memory=AnyMemory(),
            workers=workers,
            views=None,
        )
        shape = ErrorShape(now=clock.now, log=structlog.wrap_logger(structlog.ReturnLogger(), processors=[]))
        yield Stand(executor(build_schema(), parts, shape))


def operation_of(run: Executor, seed: int, wrong: float) -> Operation:
    """An operation that reads the data of that seed."""
    store: Any = AnyStore(seed, wrong)
    run.parts.store = store  # type: ignore[misc]  # a namespace here
    run.parts.workflows = AnyDesk(store)  # type: ignore[misc, assignment]  # likewise
    operation = Operation(run.parts, CALLER)
    operation.snapshot = store
    return operation
