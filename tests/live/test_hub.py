"""One execution for all who have the same open, none when nobody has, and nothing left behind."""

import asyncio
from unittest import mock

import pytest
from graphql import separate_operations

from graph.execution import Executor
from graph.live.hub import Live
from graph.live.shares import Shares
from graph.live.sources import CanNotBeginError
from tests.live.watching import CALLER, happen, other, prepared, tasks, until, watch
from trading_bot.domain.errors import Scope

SUMMARY = "subscription { botSummary(intervalSeconds: 1) { seq generatedAt } }"
EVENTS = "subscription($after: BigInt, $kinds: [EventKind!]) { events(afterSeq: $after, kinds: $kinds) { seq kind } }"


def test_those_who_come_together_share_each_answer(run: Executor) -> None:
    async def look() -> tuple[int, int, int]:
        live = Live(executor=run)
        watchers = [await watch(live, SUMMARY) for _ in range(50)]
        await until(lambda: all(len(one.payloads) == 3 for one in watchers))
        for one in watchers:
            one.leave()
        return run.parts.counters.written, run.parts.counters.sent, len(watchers[0].payloads)

    assert asyncio.run(look()) == (3, 100, 3)


def test_who_comes_later_is_answered_at_once_and_then_with_the_others(run: Executor) -> None:
    async def look() -> tuple[list[float], list[float], int]:
        live = Live(executor=run)
        clock = run.parts.clock
        query = SUMMARY.replace("1", "2")
        early = await watch(live, query)
        await until(lambda: len(early.payloads) == 1)
        begun = clock.monotonic()
        await clock.sleep(0.3)
        late = await watch(live, query)
        moments: dict[int, list[float]] = {0: [], 1: []}
        while len(moments[1]) < 3:
            for number, one in enumerate((early, late)):
                while len(moments[number]) < len(one.payloads):
                    moments[number].append(clock.monotonic() - begun)
            await clock.sleep(0.002)
        early.leave()
        late.leave()
        return moments[0][1:], moments[1], len(live)

    early, late, left = asyncio.run(look())

    assert 0.3 <= late[0] < early[0]
    assert late[1] - early[0] < 0.3
    assert late[2] - early[1] < 0.3
    assert left == 0


def test_spacing_and_the_order_of_variables_make_no_difference(run: Executor) -> None:
    first = "subscription A($b: ID, $i: Int!) { botSummary(botId: $b, intervalSeconds: $i) { seq } }"
    second = "subscription   A( $b: ID,\n $i: Int! ) {botSummary(botId:$b intervalSeconds:$i){ seq, } } # the same"

    async def look() -> list[int]:
        live = Live(executor=run)
        await watch(live, first, {"i": 60, "b": "main"})
        await watch(live, second, {"b": "main", "i": 60, "unused": 7})
        counts = [len(live)]
        await watch(live, first, {"i": 59, "b": "main"})
        await watch(live, first, {"i": 60, "b": "main"}, other(scope=Scope.ADMIN))
        await watch(live, first, {"i": 60, "b": "main"}, other(max_response_bytes=50))
        await watch(live, first.replace(" A(", " B("), {"i": 60, "b": "main"})
        counts.append(len(live))
        return counts

    assert asyncio.run(look()) == [1, 5]


def test_a_stream_of_new_documents_does_not_have_the_others_looked_at_again(run: Executor) -> None:
    shares = Shares()
    with mock.patch("graph.live.shares.separate_operations", wraps=separate_operations) as looks:
        for _ in range(2):
            shares.whole(prepared(run, SUMMARY), CALLER)
        assert looks.call_count == 1
        for number in range(300):
            shares.whole(prepared(run, SUMMARY.replace("seq", f"a{number}: seq  {' ' * 6_000}")), CALLER)
        looks.reset_mock()
        shares.whole(prepared(run, SUMMARY), CALLER)

    assert looks.call_count == 0


def test_callers_of_one_scope_share_whoever_they_are(run: Executor) -> None:
    async def look() -> int:
        live = Live(executor=run)
        await watch(live, SUMMARY, caller=other(key_id="one"))
        await watch(live, SUMMARY, caller=other(key_id="two", name="x", rate_per_minute=5, rate_remaining=4))
        return len(live)

    assert asyncio.run(look()) == 1


def test_nothing_is_done_when_nobody_is_left(run: Executor) -> None:
    async def look() -> tuple[int, int, int, int]:
        live = Live(executor=run)
        watchers = [await watch(live, query) for query in (SUMMARY, SUMMARY, EVENTS, EVENTS) for _ in range(5)]
        await until(lambda: all(one.began for one in watchers))
        for one in watchers:
            one.leave()
            one.leave()  # twice does no harm
        await until(lambda: tasks() == 0)
        written = run.parts.counters.written
        happen(run.parts.store, 1)
        await run.parts.clock.sleep(1.2)
        return len(live), run.parts.counters.subscribers, tasks(), run.parts.counters.written - written

    assert asyncio.run(look()) == (0, 0, 0, 0)


def test_who_leaves_before_its_answer_is_forgotten(run: Executor) -> None:
    async def look() -> tuple[int, int, list[object]]:
        live = Live(executor=run)
        gone = await watch(live, SUMMARY)
        gone.leave()
        await until(lambda: tasks() == 0)
        return len(live), run.parts.counters.subscribers, gone.payloads

    assert asyncio.run(look()) == (0, 0, [])


def test_a_new_group_takes_the_place_of_one_that_is_ending(run: Executor) -> None:
    async def look() -> tuple[int, int]:
        live = Live(executor=run)
        for _ in range(20):
            gone = await watch(live, SUMMARY)
            gone.leave()
            stays = await watch(live, SUMMARY)
            await until(lambda: len(stays.payloads) > 0)  # noqa: B023 - awaited
            assert len(live) == 1
            stays.leave()
        await until(lambda: tasks() == 0)
        return len(live), run.parts.counters.subscribers

    assert asyncio.run(look()) == (0, 0)


def test_views_of_the_store_are_given_back(run: Executor) -> None:
    async def look() -> bool:
        live = Live(executor=run)
        for number in range(40):
            one = await watch(live, SUMMARY.replace("seq", f"a{number}: seq"))
            await run.parts.clock.sleep(0.001 * (number % 4))
            one.leave()
        await until(lambda: tasks() == 0)
        return run.parts.views.room.locked()

    assert asyncio.run(look()) is False


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('subscription { botSummary(botId: "nobody") { seq } }', "BOT_001"),
        ("subscription { botSummary(intervalSeconds: 61) { seq } }", "QRY_004"),
        ('subscription { events(botId: "nobody") { seq } }', "BOT_001"),
        ("subscription { events(afterSeq: 99) { seq } }", "DATA_006"),
        ("subscription { events(afterSeq: -1) { seq } }", "QRY_004"),
        ("subscription { events(kinds: []) { seq } }", "QRY_004"),
        ("subscription($i: Int!) { botSummary(intervalSeconds: $i) { seq } }", "QRY_004"),
    ],
)
def test_what_can_not_begin_says_why_and_leaves_nothing(run: Executor, query: str, code: str) -> None:
    async def look() -> tuple[list[str], int, int]:
        live = Live(executor=run)
        try:
            watching = await watch(live, query)
        except CanNotBeginError as refused:
            errors = refused.errors
        else:
            await until(lambda: bool(watching.ended))
            errors = watching.ended[0] or []
            assert watching.began == [(code,)]
            assert watching.payloads == []
        await until(lambda: tasks() == 0)
        return [error["extensions"]["errorCode"] for error in errors], len(live), run.parts.counters.subscribers

    assert asyncio.run(look()) == ([code], 0, 0)


def test_variables_that_are_nested_too_deeply_are_the_callers_fault(run: Executor) -> None:
    nested: object = 5
    for _ in range(300):
        nested = [nested]

    async def look() -> list[str]:
        try:
            await watch(Live(executor=run), EVENTS, {"after": nested})
        except CanNotBeginError as refused:
            return [error["extensions"]["errorCode"] for error in refused.errors]
        return []

    assert asyncio.run(look()) == ["QRY_004"]


def test_an_answer_that_is_too_large_says_so_at_each_tick_and_nobody_else_is_touched(run: Executor) -> None:
    query = "subscription { botState(intervalSeconds: 1) { orders { orderId symbol status } seq } }"

    async def look() -> tuple[list[str], list[object]]:
        live = Live(executor=run)
        small = await watch(live, query, caller=other(max_response_bytes=60))
        large = await watch(live, query)
        await until(lambda: len(small.payloads) == 2 and len(large.payloads) == 2)
        codes = [payload["errors"][0]["extensions"]["errorCode"] for payload in small.payloads]
        small.leave()
        large.leave()
        return codes, [set(payload) for payload in large.payloads]

    assert asyncio.run(look()) == (["QRY_027", "QRY_027"], [{"data"}, {"data"}])
