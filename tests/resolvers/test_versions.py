"""Which state of the books there is now is told without reading, and never wrongly."""

import asyncio

from resolvers.context import Parts
from resolvers.versions import Versions
from tests.fakes.seeded_watch import running
from tests.fakes.set_clock import SetClock
from trading_bot.store import runtime


def test_nothing_is_told_before_the_first_read(parts: Parts) -> None:
    assert parts.memory.versions.now() is None


def test_versions_hold_until_somebody_commits(parts: Parts, clock: SetClock) -> None:
    first = read(parts)
    held = parts.memory.versions.now()
    with parts.store.writing("main") as w:
        runtime.save_runtime(w, running(clock.now()))
    moved = parts.memory.versions.now()
    second = read(parts)

    assert (held, moved) == (first, None)
    assert [bot_id for bot_id, _ in second] == ["main"]
    assert second[0][1] == first[0][1] + 1
    assert parts.memory.versions.now() == second


def test_a_bot_that_is_added_is_known_of(parts: Parts) -> None:
    read(parts)
    with parts.store.writing("other"):
        pass
    read(parts)

    assert parts.memory.versions.bots == ("main", "other")


def test_while_the_store_can_not_be_looked_at_nothing_is_told(parts: Parts) -> None:
    read(parts)
    watch = parts.store._watch
    assert watch is not None
    driver = watch.connection.dbapi_connection
    assert driver is not None
    driver.close()  # as a broken disk would have it fail

    assert parts.memory.versions.now() is None
    assert asyncio.run(parts.memory.versions.read()) is None


def read(parts: Parts) -> Versions:
    found = asyncio.run(parts.memory.versions.read())
    assert found is not None
    return found
