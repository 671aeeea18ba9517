import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trading_bot.clock import SystemClock
from trading_bot.supervision import process as process_module
from trading_bot.supervision.process import Process, start, take_over
from trading_bot.supervision.program import Program, read_note

CLOCK = SystemClock()
UNTIL_KILLED = "import signal, sys; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Program]:
    def made(code: str) -> Program:
        return Program(
            name="bot",
            argv=(sys.executable, "-S", "-c", code),
            environment={"PATH": os.environ["PATH"], "BOT_X": "1"},
            release="1",
            output=tmp_path / "bot.out.log",
            note=tmp_path / "bot.json",
        )

    return made


async def up(process: Process) -> Process:
    """The process, once it has said something."""
    while process.program.output.stat().st_size <= process.output_from and not process.ended.is_set():
        await CLOCK.sleep(0.005)
    return process


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(timed())


def test_an_exit_code_is_known_at_once_and_the_note_goes(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        process = start(program("import sys; print('bye'); sys.exit(78)"), clock=CLOCK)
        assert read_note(process.program) is not None
        await process.ended.wait()
        assert process.exit_code == 78
        assert process.program.output.read_text() == "bye\n"
        assert read_note(process.program) is None

    run(work)


def test_a_child_has_no_stdin_its_own_session_and_only_the_environment_given(program: Callable[[str], Program]) -> None:
    code = "import os, sys; print(sys.stdin.read() == '', os.getsid(0) == os.getpid(), sorted(os.environ))"

    async def work() -> None:
        process = start(program(code), clock=CLOCK)
        await process.ended.wait()
        words = process.program.output.read_text()
        assert words.startswith("True True ['BOT_X', ")
        assert "HOME" not in words

    run(work)


def test_a_child_that_yields_runs_at_a_lower_priority(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        process = await up(start(replace(program(UNTIL_KILLED), niceness=5), clock=CLOCK))
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0) + 5
        await process.stop(grace=10)

    run(work)


def test_a_child_that_obeys_ends_by_sigterm(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        process = await up(start(program(UNTIL_KILLED), clock=CLOCK))
        await process.stop(grace=10)
        assert process.exit_code == -signal.SIGTERM

    run(work)


def test_a_child_that_does_not_obey_is_killed_after_the_grace(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        process = await up(start(program(STUBBORN), clock=CLOCK))
        await process.stop(grace=0.1)
        assert process.exit_code == -signal.SIGKILL

    run(work)


def test_a_child_that_was_frozen_can_still_end_cleanly(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        process = await up(start(program(UNTIL_KILLED), clock=CLOCK))
        process.send(signal.SIGSTOP)
        await process.stop(grace=10)
        assert process.exit_code == -signal.SIGTERM

    run(work)


def test_a_signal_to_a_process_that_ended_goes_to_nobody(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        process = start(program("pass"), clock=CLOCK)
        await process.ended.wait()
        process.send(signal.SIGKILL)
        await process.stop(grace=1)
        assert process.exit_code == 0

    run(work)


def test_without_pidfds_ends_are_noticed_too(
    program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.setattr(process_module, "POLL_SECONDS", 0.01)

    async def work() -> None:
        process = await up(start(program(UNTIL_KILLED), clock=CLOCK))
        await process.stop(grace=10)
        assert process.exit_code == -signal.SIGTERM

    run(work)


def test_a_child_that_runs_is_not_lost_where_the_system_gives_no_pidfd_or_priority(
    program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refused)
    monkeypatch.setattr(os, "setpriority", refused)
    monkeypatch.setattr(process_module, "POLL_SECONDS", 0.01)

    async def work() -> None:
        process = await up(start(replace(program(UNTIL_KILLED), niceness=5), clock=CLOCK))
        await process.stop(grace=10)
        assert process.exit_code == -signal.SIGTERM

    run(work)


def test_a_process_left_behind_with_the_same_settings_is_taken_over(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        left = await up(start(program(UNTIL_KILLED), clock=CLOCK))
        process = await take_over(left.program, clock=CLOCK, grace=10)
        assert process is not None
        assert (process.pid, process.was_taken_over) == (left.pid, True)
        assert process.started_at == left.started_at
        await process.stop(grace=10)
        assert process.exit_code is None  # only a parent learns it
        await left.ended.wait()

    run(work)


def test_a_process_left_behind_with_other_settings_is_ended(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        left = await up(start(program(UNTIL_KILLED), clock=CLOCK))
        other = replace(left.program, environment={"PATH": os.environ["PATH"], "BOT_X": "2"})
        assert await take_over(other, clock=CLOCK, grace=10) is None
        await left.ended.wait()
        assert left.exit_code == -signal.SIGTERM

    run(work)


def test_nothing_is_taken_over_where_nothing_was_left(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        assert await take_over(program("pass"), clock=CLOCK, grace=1) is None

    run(work)


def test_a_note_about_a_pid_that_is_somebody_elses_kills_nobody(program: Callable[[str], Program]) -> None:
    async def work() -> None:
        innocent = await up(start(program(UNTIL_KILLED), clock=CLOCK))
        note = innocent.program.note
        ticks = read_note(innocent.program)
        assert ticks is not None
        note.write_text(note.read_text().replace(str(ticks.start_ticks), str(ticks.start_ticks - 1)))
        other = replace(innocent.program, release="2")
        assert await take_over(other, clock=CLOCK, grace=1) is None
        assert not innocent.ended.is_set()
        await innocent.stop(grace=10)

    run(work)
