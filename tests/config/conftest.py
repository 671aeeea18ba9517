"""What tests of the configuration share: a bot's store on either database, and a clock that a test moves."""

from collections.abc import Iterator

import pytest

from tests.config.changing import begun
from tests.fakes.set_clock import SetClock
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tables_url: str, clock: SetClock) -> Iterator[Store]:
    """The store of a bot that was started once and is down: version 1 has the defaults."""
    opened = Store(open_engine(tables_url), clock)
    begun(opened)
    yield opened
    opened.close()
