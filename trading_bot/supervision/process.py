"""Process: one living child, started by us or taken over from a supervisor that was killed."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress

from trading_bot.clock import Clock
from trading_bot.supervision.program import Program, forget, lives, read_note, write_note

POLL_SECONDS = 0.1


class Process:
    """One living child. `ended` is set once it is gone; `exit_code` is then known where we are its parent."""

    def __init__(
        self,
        program: Program,
        *,
        pid: int,
        popen: subprocess.Popen[bytes] | None,
        handle: int | None,
        started_at: float,
        output_from: int,
        clock: Clock,
    ) -> None:
        self.program = program
        self.pid = pid
        self.started_at = started_at
        self.output_from = output_from
        self.ended = asyncio.Event()
        self.exit_code: int | None = None
        self._popen = popen
        self._handle = handle
        self._clock = clock
        self._poll: asyncio.Task[None] | None = None
        if handle is None:
            self._poll = asyncio.get_running_loop().create_task(self._watch())
        else:
            asyncio.get_running_loop().add_reader(handle, self._gone)

    @property
    def was_taken_over(self) -> bool:
        """Whether another supervisor started it."""
        return self._popen is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.ended.is_set():
            return
        with suppress(ProcessLookupError):
            if self._handle is None and self._popen is not None:
                self._popen.send_signal(number)
            elif self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)

    async def stop(self, *, grace: float) -> None:
        """Ask it to end, and kill it after `grace` seconds."""
        self.send(signal.SIGTERM)
        # A stopped process takes no other signal before it goes on.
        self.send(signal.SIGCONT)
        try:
            async with asyncio.timeout(grace):
                await self.ended.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.ended.wait()

    def _gone(self) -> None:
        if self._handle is not None:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None
        if self._popen is not None:
            self.exit_code = self._popen.wait()
        forget(self.program)
        self.ended.set()

    async def _watch(self) -> None:
        # Where the system has no pidfd, as on macOS, or gives none.
        while self._popen is not None and self._popen.poll() is None:
            await self._clock.sleep(POLL_SECONDS)
        self._gone()


def start(program: Program, *, clock: Clock) -> Process:
    """Run the program in a session of its own, so that Ctrl-C in our terminal is not sent to it."""
    started_at = clock.now().timestamp()
    with program.output.open("ab") as output:
        output_from = output.tell()
        popen = subprocess.Popen(  # noqa: S603 - fixed argv, no shell
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(program.environment),
        )
    with suppress(OSError):  # a full disk: it runs, and only a later supervisor won't find it
        write_note(program, popen.pid, started_at=started_at)
    if program.niceness:
        with suppress(OSError):  # it has ended, or the system does not let us: it runs all the same
            os.setpriority(os.PRIO_PROCESS, popen.pid, program.niceness)
    return Process(
        program,
        pid=popen.pid,
        popen=popen,
        handle=_handle(popen.pid),
        started_at=started_at,
        output_from=output_from,
        clock=clock,
    )


def _handle(pid: int) -> int | None:
    """What tells the end of our child at once; null where the system has or gives none. It runs by now and must not be lost."""
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None


async def take_over(program: Program, *, clock: Clock, grace: float) -> Process | None:
    """The process that a killed supervisor left behind, if it runs the same command with the same settings; another one is ended."""
    note = read_note(program)
    if note is None or not lives(note) or not hasattr(os, "pidfd_open"):
        return None
    try:
        handle = os.pidfd_open(note.pid)
    except ProcessLookupError:
        return None
    if not lives(note):  # it ended before we held it, and the pid is somebody else's
        os.close(handle)
        return None
    size = program.output.stat().st_size if program.output.exists() else 0
    process = Process(
        program, pid=note.pid, popen=None, handle=handle, started_at=note.started_at, output_from=size, clock=clock
    )
    if note.digest != program.digest:
        await process.stop(grace=grace)
    return None if process.ended.is_set() else process
