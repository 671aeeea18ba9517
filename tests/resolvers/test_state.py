"""A state is read anew exactly when something changed, and dated by the clock always."""

import asyncio

import pytest

from resolvers.context import Context, Operation, Parts
from resolvers.state import find_bot_state, find_bot_summary
from tests.domain.samples import sample_order
from tests.fakes.seeded_trades import account
from tests.fakes.seeded_watch import running
from tests.fakes.set_clock import SetClock
from tests.resolvers.conftest import CALLER
from trading_bot.domain.orders import OrderStatus
from trading_bot.domain.state import BotSummary
from trading_bot.errors.fault import Fault
from trading_bot.store import accounts, orders, runtime


def test_facts_are_read_anew_only_when_something_changed(parts: Parts, clock: SetClock) -> None:
    summarise(parts)
    summarise(parts)
    with parts.store.writing("main") as w:
        runtime.save_runtime(w, running(clock.now()))
    summarise(parts)

    assert (parts.counters.facts_read, parts.counters.facts_reused) == (2, 1)


def test_facts_are_read_anew_after_the_ttl(parts: Parts, clock: SetClock) -> None:
    summarise(parts)
    clock.move(59)
    summarise(parts)
    clock.move(2)
    summarise(parts)

    assert (parts.counters.facts_read, parts.counters.facts_reused) == (2, 1)


def test_remembered_facts_are_dated_by_the_clock(parts: Parts, clock: SetClock) -> None:
    first = summarise(parts)
    clock.move(20)
    second = summarise(parts)

    assert parts.counters.facts_reused == 1
    assert (first.health_status.name, first.data_age_seconds) == ("HEALTHY", 1.0)
    assert (second.health_status.name, second.data_age_seconds) == ("OFFLINE", 21.0)
    assert second.generated_at == clock.now()


def test_two_answers_of_one_operation_are_of_the_same_commit(parts: Parts) -> None:
    async def look() -> list[int]:
        operation = Operation(parts, CALLER)
        first = await find_bot_state(operation.of_root("a"))
        parts.memory.facts.clear()
        with parts.store.writing("main") as w:
            accounts.save_account(w, account())
            runtime.mark_process_ended(w, generation=1)
        second = await find_bot_state(operation.of_root("b"))
        await operation.renew()
        third = await find_bot_state(operation.of_root("a"))
        await operation.close()
        return [state.health.status.name == "OFFLINE" for state in (first, second, third)]

    assert asyncio.run(look()) == [False, False, True]


def test_orders_are_all_counted_where_only_a_hundred_are_shown(parts: Parts) -> None:
    before = summarise(parts).open_order_count
    with parts.store.writing("main") as w:
        for n in range(150):
            orders.save_order(w, sample_order(client_order_id=f"bg-main-{n}", status=OrderStatus.ACCEPTED))

    assert summarise(parts).open_order_count == before + 150


def test_an_unknown_bot_is_a_fault(context: Context) -> None:
    async def look() -> None:
        await find_bot_state(context, bot_id="nobody")

    with pytest.raises(Fault, match="BOT_001: No bot has the id `nobody`"):
        asyncio.run(look())


def summarise(parts: Parts) -> BotSummary:
    async def look() -> BotSummary:
        operation = Operation(parts, CALLER)
        try:
            return await find_bot_summary(operation.of_root("root"))
        finally:
            await operation.close()

    return asyncio.run(look())
