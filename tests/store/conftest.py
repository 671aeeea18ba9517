"""An open store on either database, with its tables."""

from collections.abc import Iterator

import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.store.engine import open_engine
from trading_bot.store.schema import bring_up_to_date
from trading_bot.store.store import Store


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(store_url: str, clock: SetClock) -> Iterator[Store]:
    opened = Store(open_engine(store_url), clock)
    bring_up_to_date(opened.engine)
    yield opened
    opened.close()
