"""What resolvers are given, over a store, a clock and threads that a test chooses; without workflows."""

from concurrent.futures import ThreadPoolExecutor

from resolvers.context import Parts
from resolvers.counters import Counters
from resolvers.memory import Memory
from resolvers.snapshot import Views
from resolvers.stream import Stream
from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.services.acknowledgements import Acknowledgements
from trading_bot.services.commands import Commands
from trading_bot.services.config_apply import ConfigChanges
from trading_bot.services.config_tokens import PlanTokens
from trading_bot.services.tokens import Tokens
from trading_bot.store.store import Store
from workflows.desk import Desk, Equipment


def parts_over(store: Store, clock: Clock, workers: ThreadPoolExecutor) -> Parts:
    """All of them, with secrets of zeros."""
    plan_tokens = PlanTokens(bytes(32), clock)
    return Parts(
        store=store,
        clock=clock,
        commands=Commands(store=store, clock=clock),
        acknowledgements=Acknowledgements(store=store),
        tokens=Tokens(bytes(32), clock),
        workers=workers,
        views=Views(store=store, workers=workers),
        stream=Stream(store=store, clock=clock),
        counters=Counters(started=clock.monotonic()),
        memory=Memory(store=store, clock=clock, workers=workers, ttl=60),
        workflows=Desk(_no_workflows),
        plan_tokens=plan_tokens,
        config_changes=ConfigChanges(store=store, clock=clock, tokens=plan_tokens),
    )


def _no_workflows() -> Equipment:
    """Nothing: a test that comes here did need some."""
    raise Fault("SYS_001", "This test has no workflows.")
