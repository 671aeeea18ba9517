"""A tick writes only what the store or the clock has touched since the last one, and every byte is as if all were written."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from graph.execution import Executor
from graph.live.hub import Live
from graph.plan.parts import Kept
from resolvers.context import Operation
from resolvers.state import find_bot_state
from tests.fakes.seeded_trades import account
from tests.fakes.standing_clock import StandingClock
from tests.live.watching import CALLER, prepared, until, watch
from trading_bot.store import accounts

WHOLE = """subscription($few: Int! = 2, $plans: Boolean! = true) {
  state: botState {
    botId timestamp dataAgeSeconds seq warnings
    account { buyingPower money: accountBalance dayTradeCount }
    positions { symbol quantity unrealizedPl plan @include(if: $plans) { id reason __typename } }
    some: positions(first: $few) { symbol }
    orders(first: 3) { ...Order }
    performance { winRate totalPl }
    health { status checks { name ok } }
    configSummary { mode version symbols }
    __typename
  }
}
fragment Order on OrderInfo { orderId symbol side status remaining createdAt }"""


def test_every_byte_is_as_if_all_were_written(run: Executor) -> None:
    async def look() -> int:
        kept: Kept = {}
        moments = 0
        for variables in ({}, {"few": 1, "plans": False}):
            kept.clear()  # they belong to one set of variables
            for step in range(6):
                await move(run, step)
                operation = Operation(run.parts, CALLER)
                state = await find_bot_state(operation.of_root("state"))
                document = prepared(run, WHOLE, variables)
                parts = await run.event_bytes(document, operation, state, kept)
                whole = await run.event_bytes(document, operation, state)
                await operation.close()
                assert parts.raw == whole.raw
                assert parts.codes == ()
                moments += 1
        return moments

    assert asyncio.run(look()) == 12


def test_what_nothing_touched_is_not_written_again(run: Executor) -> None:
    kept: Kept = {}

    async def look() -> tuple[set[str], set[str], set[str]]:
        seen = []
        for step in (0, 1, 2, 3):
            await move(run, step)
            operation = Operation(run.parts, CALLER)
            state = await find_bot_state(operation.of_root("state"))
            await run.event_bytes(prepared(run, WHOLE, {"plans": False}), operation, state, kept)
            await operation.close()
            seen.append({key: id(raw) for key, (_, raw) in kept.items()})
        return again(seen[0], seen[1]), again(seen[1], seen[2]), again(seen[2], seen[3])

    at_once, later, after_a_commit = asyncio.run(look())

    assert "positions" not in at_once | later
    assert not {"account", "orders", "some", "performance", "configSummary"} & (at_once | later)
    assert "health" in later
    assert "timestamp" not in kept  # what has no fields of its own is written each time
    assert {"account", "positions", "orders", "performance", "configSummary"} <= after_a_commit


def test_a_part_that_can_not_be_written_is_graphql_cores_to_word(run: Executor) -> None:
    async def look() -> tuple[Any, bool]:
        kept: Kept = {}
        operation = Operation(run.parts, CALLER)
        state = await find_bot_state(operation.of_root("state"))
        broken = replace(state, account=replace(state.account, buying_power=Decimal("NaN")))
        document = prepared(run, "subscription { botState { account { buyingPower } seq } }")
        answers = [await run.event_bytes(document, operation, value, kept) for value in (state, broken, state)]
        await operation.close()
        return [answer.codes for answer in answers], answers[0].raw == answers[2].raw

    codes, is_the_same = asyncio.run(look())

    assert codes == [(), ("SYS_001",), ()]
    assert is_the_same


@pytest.mark.parametrize("field", ["seq", "timestamp"])
def test_an_unchanged_answer_is_the_same_payload(run: Executor, field: str) -> None:
    async def look() -> bool:
        live = Live(executor=run)
        shown = []
        watching = await watch(live, f"subscription {{ botSummary(intervalSeconds: 1) {{ {field_of[field]} }} }}")
        watching.wire.show = lambda opening, payload: shown.append(payload)  # type: ignore[method-assign]
        await until(lambda: len(shown) == 1)
        assert isinstance(run.parts.clock, StandingClock)
        run.parts.clock.advance(1)
        await until(lambda: len(shown) == 2)
        watching.leave()
        return shown[0] is shown[1]

    field_of = {"seq": "seq positionCount", "timestamp": "generatedAt"}

    assert asyncio.run(look()) is (field == "seq")


async def move(run: Executor, step: int) -> None:
    """Nothing, then the clock, then a commit, in turn."""
    clock = run.parts.clock
    assert isinstance(clock, StandingClock)
    if step % 3:
        clock.advance(1)
    if step % 3 == 0 and step:
        with run.parts.store.writing("main") as w:
            accounts.save_account(w, replace(account(), buying_power=Decimal(step)))


def again(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """The parts that were written again."""
    return {key for key, place in after.items() if before[key] != place}
