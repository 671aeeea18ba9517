import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import structlog

from trading_bot.clock import SystemClock
from trading_bot.supervision.keeper import End, Keeper, Refusal
from trading_bot.supervision.limits import Limits
from trading_bot.supervision.program import Program

CLOCK = SystemClock()
QUICK = Limits(first_delay=0.01, longest_delay=0.02)
STEADY = "import signal; print('up', flush=True); signal.pause()"


class Kept:
    """A keeper of one program, and the ends that it told of."""

    def __init__(self, folder: Path, code: str, limits: Limits = QUICK, *, gives_up: bool = False) -> None:
        self.ends: asyncio.Queue[End] = asyncio.Queue()
        program = Program(
            name="bot",
            argv=(sys.executable, "-S", "-c", code),
            environment={"PATH": os.environ["PATH"]},
            release="1",
            output=folder / "bot.out.log",
            note=folder / "bot.json",
        )
        self.keeper = Keeper(
            program,
            process=None,
            clock=CLOCK,
            limits=limits,
            log=structlog.get_logger(),
            on_end=self.ends.put,
            gives_up=gives_up,
        )


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(timed())


def test_a_child_that_ends_is_started_again_after_growing_pauses(tmp_path: Path) -> None:
    async def work() -> None:
        kept = Kept(tmp_path, "import sys; print('no luck'); sys.exit(3)")
        keeping = asyncio.create_task(kept.keeper.keep())
        ends = [await kept.ends.get() for _ in range(3)]
        keeping.cancel()
        if kept.keeper.process:
            await kept.keeper.process.ended.wait()
        assert [end.delay for end in ends] == [0.01, 0.02, 0.02]
        assert ends[0].how == "ended with exit code 3 after 0 s"
        assert len({end.process.pid for end in ends}) == 3

    with structlog.testing.capture_logs() as events:
        run(work)
    assert [event["event"] for event in events[:3]] == ["process_started", "process_ended", "process_started"]
    assert (events[1]["program"], events[1]["last_line"], events[1]["restart_in"]) == ("bot", "no luck", 0.01)


def test_a_child_that_is_killed_is_named_by_its_signal(tmp_path: Path) -> None:
    async def work() -> None:
        kept = Kept(tmp_path, STEADY)
        keeping = asyncio.create_task(kept.keeper.keep())
        process = kept.keeper.start()
        assert process is not None
        process.send(signal.SIGSEGV)
        end = await kept.ends.get()
        keeping.cancel()
        assert end.how == "was ended by SIGSEGV after 0 s"

    run(work)


def test_a_child_that_hangs_is_killed_and_the_reason_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        kept = Kept(tmp_path, STEADY)
        keeping = asyncio.create_task(kept.keeper.keep())
        process = kept.keeper.start()
        assert process is not None
        process.send(signal.SIGSTOP)
        kept.keeper.kill(process, because="gave no heartbeat")
        end = await kept.ends.get()
        kept.keeper.kill(process, because="too late for that one")
        keeping.cancel()
        assert (end.how, end.process) == ("gave no heartbeat", process)

    run(work)


def test_a_child_that_refuses_is_not_started_again_and_has_the_last_word(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "bot.out.log").write_text("of an earlier start\n")
        kept = Kept(tmp_path, "import sys; print('CFG_001: Invalid configuration'); sys.exit(78)")
        with pytest.raises(Refusal) as raised:
            await kept.keeper.keep()
        assert str(raised.value) == "CFG_001: Invalid configuration"
        assert kept.ends.empty()

    run(work)


def test_once_everything_has_run_a_refusal_is_tried_again_after_the_longest_pause(tmp_path: Path) -> None:
    async def work() -> None:
        kept = Kept(tmp_path, "import sys; print('SYS_004: The port is taken\\n  Cause: ...'); sys.exit(78)")
        kept.keeper.is_starting = False
        keeping = asyncio.create_task(kept.keeper.keep())
        ends = [await kept.ends.get() for _ in range(2)]
        keeping.cancel()
        if kept.keeper.process:
            await kept.keeper.process.ended.wait()
        assert [(end.how, end.delay) for end in ends] == [("refused to start: SYS_004: The port is taken", 0.02)] * 2

    run(work)


def test_a_child_that_refuses_without_a_word_leaves_a_place_to_look(tmp_path: Path) -> None:
    async def work() -> None:
        kept = Kept(tmp_path, "import sys; sys.exit(78)")
        with pytest.raises(Refusal, match=r"The bot process refused to start; .*bot\.out\.log may say why\."):
            await kept.keeper.keep()

    run(work)


def test_an_end_that_can_not_be_told_does_not_keep_the_child_down(tmp_path: Path) -> None:
    async def work() -> None:
        kept = Kept(tmp_path, "import sys; sys.exit(3)")
        told: list[End] = []
        thrice = asyncio.Event()

        async def fails(end: End) -> None:
            told.append(end)
            if len(told) == 3:
                thrice.set()
            raise LookupError

        kept.keeper._on_end = fails
        keeping = asyncio.create_task(kept.keeper.keep())
        await thrice.wait()
        assert not keeping.done()
        keeping.cancel()
        if kept.keeper.process:
            await kept.keeper.process.ended.wait()

    run(work)


@pytest.mark.parametrize(("code", "is_held"), [(75, False), (1, True)])
def test_what_waits_is_told_from_what_crashes_although_neither_says_a_word(
    tmp_path: Path, *, code: int, is_held: bool
) -> None:
    async def work() -> None:
        limits = Limits(first_delay=0.01, longest_delay=0.02, crash_loop=3)
        kept = Kept(tmp_path, f"import sys; sys.exit({code})", limits, gives_up=True)
        keeping = asyncio.create_task(kept.keeper.keep())
        ends = [await kept.ends.get() for _ in range(3)]
        if not is_held:
            ends.append(await kept.ends.get())
        keeping.cancel()
        if kept.keeper.process:
            await kept.keeper.process.ended.wait()
        assert [end.hold is not None for end in ends] == [False, False, is_held, False][: len(ends)]

    run(work)
