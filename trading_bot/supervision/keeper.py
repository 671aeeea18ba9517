"""Keeper: keeps one program running, with a growing pause between its restarts, until it is held down."""

import asyncio
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from trading_bot.clock import Clock
from trading_bot.domain.processes import Hold
from trading_bot.supervision.hold import read_hold, remove_hold, write_hold
from trading_bot.supervision.limits import Delay, Limits
from trading_bot.supervision.output import last_line, tail
from trading_bot.supervision.process import Process, start
from trading_bot.supervision.program import Program

REFUSED = 78
"""The exit code of a child that starting again would not help: it has printed a SemanticError. EX_CONFIG of sysexits.h."""
WAITS = 75
"""The exit code of a child that waits for what may come back, such as a database or room on the disk. EX_TEMPFAIL of sysexits.h."""
ENDS_TOLD = 6
"""Of a process that is held down, as many of its last ends are told."""


class Refusal(Exception):  # noqa: N818 - a child's, in its own words
    """A child could not start as everything is set up; the message is what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a child's process ended."""

    process: Process
    """The process, which is gone."""
    how: str
    """In words: by which signal or with which exit code, and after how long."""
    delay: float
    """Seconds until it is started again, unless it is held."""
    hold: Hold | None
    """Why it is not started again; null where it is."""
    earlier: tuple[str, ...]
    """How it ended before, in words, oldest first, this time at the end; at most six times."""


class Keeper:
    """Keeps one program running. `process` is None between an end and the next start; `hold` and `refusal` say why there is none.

    While `is_starting`, a child that refuses ends everything: somebody is looking, and can mend it. Once both have run, the other one
    goes on without it: a bot with open positions must not end because the API can't start again.
    """

    def __init__(
        self,
        program: Program,
        *,
        process: Process | None,
        clock: Clock,
        limits: Limits,
        log: FilteringBoundLogger,
        on_end: Callable[[End], Awaitable[None]],
        gives_up: bool = False,
    ) -> None:
        self.program = program
        self.process = process
        self.hold = read_hold(program)
        self.refusal: str | None = None
        self.is_starting = True
        self._clock = clock
        self._limits = limits
        self._delay = Delay(limits=limits)
        self._log = log.bind(program=program.name)
        self._on_end = on_end
        self._gives_up = gives_up
        self._hung: str | None = None
        self._asked: Process | None = None
        self._ends: deque[str] = deque(maxlen=ENDS_TOLD)
        self._hurry = asyncio.Event()

    def start(self) -> Process | None:
        """The program's process, started now unless it runs; null while it is held down."""
        if self.process is None and self.hold is None:
            self.process = start(self.program, clock=self._clock)
            self.refusal = None
            self._hurry.clear()
            self._log.info("process_started", pid=self.process.pid)
        return self.process

    async def keep(self) -> None:
        """Start it whenever it has ended, until cancelled; raises Refusal while everything is starting."""
        while True:
            try:
                process = self.start()
            except OSError as error:  # no memory, no process to be had, no folder for its output: that may pass
                delay = self._delay.after(lived=0.0)
                self._log.error("process_not_started", error=str(error), restart_in=delay)
                await self._pause(delay)
                continue
            if process is None:
                await self._pause(None)
                continue
            await process.ended.wait()
            if process is self._asked:
                self._log.info("process_ended_as_asked", pid=process.pid, exit_code=process.exit_code)
                self.process = self._hung = self._asked = None
                continue
            if process.exit_code == REFUSED and self.is_starting:
                raise Refusal(self._words(process))
            end = self._end(process)
            last = last_line(self.program.output, since=process.output_from)
            self._log.warning("process_ended", pid=process.pid, how=end.how, restart_in=end.delay, last_line=last[:500])
            self.process = self._hung = None
            try:
                await self._on_end(end)
            except Exception:  # noqa: BLE001 - that an end can't be told must not keep the program down
                self._log.exception("process_end_not_told")
            await self._pause(end.delay)

    def kill(self, process: Process, *, because: str) -> None:
        """End a process that hangs; `keep` then starts it again."""
        if process is self.process:
            self._hung = because
            process.send(signal.SIGKILL)

    async def end(self, *, grace: float) -> Process | None:
        """End the process as somebody asked, within `grace` seconds or by force, and return it; `keep` starts it again at once."""
        process = self._asked = self.process
        if process is not None:
            await process.stop(grace=grace)
        return process

    def hold_down(self, hold: Hold) -> None:
        """Don't start it any more. What runs is not ended by this."""
        self.hold = hold
        write_hold(self.program, hold)
        self._log.warning("process_held", error_code=hold.error_code, cause=hold.cause)

    def release(self) -> None:
        """Start it again, now: what happened before is forgotten."""
        if self.hold is not None:
            self._log.info("process_released")
        self.hold = None
        remove_hold(self.program)
        self.begin_anew()
        self._hurry.set()

    def begin_anew(self) -> None:
        """Something was changed: what happened before tells nothing about the next start."""
        self._delay.begin_anew()
        self._ends.clear()

    async def _pause(self, seconds: float | None) -> None:
        """Wait that long (null: for ever), or until somebody asks for a start."""
        hurry = asyncio.create_task(self._hurry.wait())
        waiting = {hurry} if seconds is None else {hurry, asyncio.create_task(self._clock.sleep(seconds))}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self._hurry.clear()

    def _end(self, process: Process) -> End:
        if process.exit_code == REFUSED:
            self.refusal = self._words(process).partition("\n")[0]
            how, delay = f"refused to start: {self.refusal}", self._limits.longest_delay
        else:
            lived = max(0.0, self._clock.now().timestamp() - process.started_at)
            how, delay = (
                self._hung or f"{_manner(process.exit_code)} after {lived:.0f} s",
                self._delay.after(lived=lived),
            )
            if self._delay.in_a_row == 1:
                self._ends.clear()
            self._ends.append(how)
            if self._is_looping(process):
                cause = (
                    f"The {self.program.name} process ended {self._delay.in_a_row} times in a row, at last it {how}."
                )
                self.hold_down(Hold(error_code="SUP_001", cause=cause, at=self._clock.now()))
        return End(process=process, how=how, delay=delay, hold=self.hold, earlier=tuple(self._ends))

    def _is_looping(self, process: Process) -> bool:
        """Whether it crashed too often; what waits for something outside, such as a database, is tried for ever.

        The exit code says so, and no words: on a full disk there are none.
        """
        is_often = self._gives_up and self._delay.in_a_row >= self._limits.crash_loop
        return is_often and process.exit_code != WAITS

    def _words(self, process: Process) -> str:
        said = tail(self.program.output, since=process.output_from)
        return said or f"The {self.program.name} process refused to start; {self.program.output} may say why."


def _manner(code: int | None) -> str:
    if code is None:
        return "ended"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
