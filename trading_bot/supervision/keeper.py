"""Keeper: keeps one program running, with a growing pause between its restarts."""

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from trading_bot.clock import Clock
from trading_bot.supervision.limits import Delay, Limits
from trading_bot.supervision.output import last_line, tail
from trading_bot.supervision.process import Process, start
from trading_bot.supervision.program import Program

REFUSED = 78
"""The exit code of a child that starting again would not help: it has printed a SemanticError. EX_CONFIG of sysexits.h."""


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
    """Seconds until it is started again."""


class Keeper:
    """Keeps one program running. `process` is None between an end and the next start.

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
    ) -> None:
        self.program = program
        self.process = process
        self.is_starting = True
        self._clock = clock
        self._limits = limits
        self._delay = Delay(limits=limits)
        self._log = log.bind(program=program.name)
        self._on_end = on_end
        self._hung: str | None = None

    def start(self) -> Process:
        """The program's process, started now unless it runs."""
        if self.process is None:
            self.process = start(self.program, clock=self._clock)
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
                await self._clock.sleep(delay)
                continue
            await process.ended.wait()
            if process.exit_code == REFUSED and self.is_starting:
                raise Refusal(self._words(process))
            end = self._end(process)
            last = last_line(self.program.output, since=process.output_from)
            self._log.warning("process_ended", pid=process.pid, how=end.how, restart_in=end.delay, last_line=last[:500])
            self.process = self._hung = None
            await self._on_end(end)
            await self._clock.sleep(end.delay)

    def kill(self, process: Process, *, because: str) -> None:
        """End a process that hangs; `keep` then starts it again."""
        if process is self.process:
            self._hung = because
            process.send(signal.SIGKILL)

    def _end(self, process: Process) -> End:
        if process.exit_code == REFUSED:
            first = self._words(process).partition("\n")[0]
            return End(process=process, how=f"refused to start: {first}", delay=self._limits.longest_delay)
        lived = max(0.0, self._clock.now().timestamp() - process.started_at)
        how = self._hung or f"{_manner(process.exit_code)} after {lived:.0f} s"
        return End(process=process, how=how, delay=self._delay.after(lived=lived))

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
