"""A store with a bot in it, on either database, and what carries runs on there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.conftest import _no_log_lines, api, seeded_store, start  # noqa: F401 - fixtures
from tests.fakes.set_clock import SetClock
from tests.store.conftest import store  # noqa: F401 - a fixture
from tests.workflows.playing import Play
from trading_bot.domain.account import TradingMode
from trading_bot.store import bots
from trading_bot.store.store import Store


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def play(store: Store, clock: SetClock, threads: ThreadPoolExecutor) -> Play:  # noqa: F811 - the fixture
    """A bot `main`, and what carries its runs on."""
    with store.writing("main") as w:
        bots.register_bot(w, name="Main", mode=TradingMode.PAPER, venue="paper", replay_of=None)
    return Play(store=store, clock=clock, threads=threads)


@pytest.fixture
def make_play(store: Store, threads: ThreadPoolExecutor) -> Callable[[SetClock], Play]:  # noqa: F811 - the fixture
    """The same with another clock."""
    return lambda clock: Play(store=store, clock=clock, threads=threads)
