"""Who reads slowly is shown the newest state, misses no event, and keeps nobody waiting."""

import asyncio

from graph.execution import Executor
from graph.live.hub import Live
from tests.live.test_hub import EVENTS, SUMMARY
from tests.live.watching import happen, tasks, until, watch


def test_a_slow_reader_gets_the_newest_state_when_it_reads_again(run: Executor) -> None:
    async def look() -> tuple[list[int], int, int]:
        live = Live(executor=run)
        slow, quick = await watch(live, SUMMARY), await watch(live, SUMMARY)
        await until(lambda: len(slow.payloads) == 1)
        slow.wire.stop()
        await until(lambda: len(quick.payloads) == 3)
        happen(run.parts.store, 1)
        await until(lambda: len(quick.payloads) == 4)
        skipped = run.parts.counters.skipped
        shown = len(slow.payloads)
        slow.wire.go_on()
        seqs = [payload["data"]["botSummary"]["seq"] for payload in slow.payloads]
        slow.leave()
        quick.leave()
        return seqs, shown, skipped

    assert asyncio.run(look()) == ([4, 5], 1, 3)


def test_what_a_slow_reader_was_not_shown_goes_out_before_the_end(run: Executor) -> None:
    async def look() -> list[object]:
        live = Live(executor=run)
        slow = await watch(live, SUMMARY)
        await until(lambda: len(slow.payloads) == 1)
        slow.wire.stop()
        await until(lambda: run.parts.counters.skipped == 1)
        slow.subscription.member.end(None)
        slow.leave()
        return [len(slow.payloads), slow.ended]

    assert asyncio.run(look()) == [2, [None]]


def test_a_slow_reader_misses_no_event_and_gets_none_twice(run: Executor) -> None:
    async def look() -> tuple[list[int], list[int], int]:
        live = Live(executor=run)
        slow, quick = [await watch(live, EVENTS, {"after": 4}) for _ in range(2)]
        happen(run.parts.store, 3)
        await until(lambda: len(slow.seqs) == 3 and len(quick.seqs) == 3)
        slow.wire.stop()
        for _ in range(15):
            happen(run.parts.store, 100)
        await until(lambda: len(quick.seqs) == 1_503)
        behind = len(slow.seqs)
        slow.wire.go_on()
        happen(run.parts.store, 10)
        await until(lambda: len(slow.seqs) == 1_513 and len(quick.seqs) == 1_513)
        for one in (slow, quick):
            one.leave()
        await until(lambda: tasks() == 0)
        return slow.seqs, quick.seqs, behind

    slow, quick, behind = asyncio.run(look())

    assert slow == quick == list(range(5, 1_518))
    assert behind == 3


def test_followers_who_begin_elsewhere_write_each_event_once(run: Executor) -> None:
    async def look() -> tuple[list[list[int]], int]:
        live = Live(executor=run)
        happen(run.parts.store, 200)
        watchers = [await watch(live, EVENTS, {"after": after}) for after in (0, 50, 100, 204, 204)]
        await until(lambda: watchers[0].seqs[-1:] == [204])
        happen(run.parts.store, 50)
        await until(lambda: all(one.seqs[-1:] == [254] for one in watchers))
        seqs = [one.seqs for one in watchers]
        for one in watchers:
            one.leave()
        return seqs, run.parts.counters.written

    seqs, written = asyncio.run(look())

    assert seqs == [list(range(after + 1, 255)) for after in (0, 50, 100, 204, 204)]
    assert written == 254


def test_events_that_are_left_out_hold_nobody_back(run: Executor) -> None:
    async def look() -> tuple[int, int, list[str]]:
        live = Live(executor=run)
        watchers = [await watch(live, EVENTS, {"after": 4, "kinds": kinds}) for kinds in (["FILL"], ["FILL", "FILL"])]
        groups = len(live)
        happen(run.parts.store, 300)
        await until(lambda: len(watchers[0].payloads) >= 20 and len(watchers[0].payloads) == len(watchers[1].payloads))
        kinds = sorted({payload["data"]["events"]["kind"] for one in watchers for payload in one.payloads})
        for one in watchers:
            one.leave()
        return groups, len(live), kinds

    assert asyncio.run(look()) == (1, 0, ["FILL"])
