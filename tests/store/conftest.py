"""An open store on either database, with its tables."""

from collections.abc import Iterator

import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tables_url: str, clock: SetClock) -> Iterator[Store]:
    opened = Store(open_engine(tables_url), clock)
    yield opened
    opened.close()
