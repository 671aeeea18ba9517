"""The supervisor: parent of the bot and the API, which restarts what ends or hangs, and stops both when it is asked to.

It owns processes and nothing else. It is asked to stop by SIGINT, SIGTERM or SIGHUP; when it is killed its children live on, and the
next supervisor of the same home takes them over. What is held down stays so until it is started by command, or until the supervisor was
stopped in order and is started again: that is an operator's act as well.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from rich.console import Console
from structlog.typing import FilteringBoundLogger

from trading_bot.clock import Clock
from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import secrets_of
from trading_bot.settings import NAMES, Settings
from trading_bot.supervision import greeting
from trading_bot.supervision.glance import is_current
from trading_bot.supervision.hold import remove_hold
from trading_bot.supervision.keeper import REFUSED, Keeper, Refusal
from trading_bot.supervision.limits import Limits
from trading_bot.supervision.lock import held
from trading_bot.supervision.notices import Notices
from trading_bot.supervision.port import require_free
from trading_bot.supervision.process import Process, take_over
from trading_bot.supervision.program import Program, cleaned, read_note
from trading_bot.supervision.watch import Watch

if TYPE_CHECKING:
    from trading_bot.supervision.registry import Registry

API_NICENESS = 10
"""A tenth of the bot's share where both want a core, and enough to answer beside other programs. See ADR 0014."""
ASKED_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BOT_ARGV = (sys.executable, "-P", "-m", "trading_bot")  # -P: nothing in the folder where it was started shadows ours
API_ARGV = (sys.executable, "-P", "-m", "graph")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """The two commands that run as children."""

    bot: tuple[str, ...] = BOT_ARGV
    """The bot."""
    api: tuple[str, ...] = API_ARGV
    """The API."""


def supervise(
    settings: Settings,
    *,
    release: str,
    clock: Clock,
    begun: float,
    out: Console,
    err: Console,
    limits: Limits | None = None,
    commands: Commands | None = None,
) -> int:
    """Run bot and API until asked to stop; the exit code of the process: 0, or 78 when a child refused to start.

    `begun` is when the start began, in the clock's monotonic seconds. Raises a Fault when nothing could be started: BOT_005 where
    another supervisor holds the home, SYS_004 where the port is taken, CFG_003, SYS_002 or SYS_003.
    """
    os.umask(0o077)
    settings.make_folders()
    log_to(settings.logs_dir / "supervisor.log", secrets_of(settings))
    with held(settings.supervisor_lock):
        bot, api = _programs(settings, commands or Commands(), release=release)
        supervisor = _Supervisor(
            settings, bot, api, clock=clock, begun=begun, limits=limits or Limits(), out=out, err=err
        )
        return asyncio.run(supervisor.run())


def _programs(settings: Settings, commands: Commands, *, release: str) -> tuple[Program, Program]:
    environment = cleaned(os.environ) | settings.environment()
    without_token = {name: value for name, value in environment.items() if name != NAMES["api_auth_token"]}
    bot = Program(
        name="bot",
        argv=commands.bot,
        environment=without_token,
        release=release,
        output=settings.logs_dir / "bot.out.log",
        note=settings.run_dir / "bot.json",
    )
    api = Program(
        name="api",
        argv=commands.api,
        environment=environment,
        niceness=API_NICENESS,
        release=release,
        output=settings.logs_dir / "api.out.log",
        note=settings.run_dir / "api.json",
    )
    return bot, api


class _Supervisor:
    def __init__(
        self,
        settings: Settings,
        bot: Program,
        api: Program,
        *,
        clock: Clock,
        begun: float,
        limits: Limits,
        out: Console,
        err: Console,
    ) -> None:
        self._settings = settings
        self._programs = (bot, api)
        self._clock = clock
        self._begun = begun
        self._limits = limits
        self._out = out
        self._err = err
        self._log: FilteringBoundLogger = structlog.get_logger(__name__)
        self._notices = Notices(os.environ)
        self._asked = asyncio.Event()
        self._keepers: list[Keeper] = []

    async def run(self) -> int:
        """Start both, watch over them, stop both."""
        for number in ASKED_TO_STOP:
            asyncio.get_running_loop().add_signal_handler(number, self._ask)
        try:
            watch = await self._start()
        except BaseException:
            # What was taken over trades on, as it did before: the next start may come farther than this one.
            await self._stop([process for process in self._living if not process.was_taken_over])
            raise
        outcome = await self._until_asked(watch.over())
        began = self._clock.monotonic()
        self._notices.stopping()
        await self._stop(self._living)
        await watch.note_stop()
        if outcome is None:
            for keeper in self._keepers:
                remove_hold(keeper.program)
        self._log.info("stopped", seconds=round(self._clock.monotonic() - began, 3))
        if isinstance(outcome, Refusal):
            greeting.say(self._err, str(outcome))
            return REFUSED
        if outcome is not None:
            raise outcome
        return 0

    async def _start(self) -> Watch:
        note = read_note(self._programs[0])
        left = [await take_over(program, clock=self._clock, grace=self._limits.stop) for program in self._programs]
        if left[1] is None:
            require_free(self._settings.api_host, self._settings.api_port)
        watch = Watch(
            settings=self._settings,
            clock=self._clock,
            begun=self._begun,
            limits=self._limits,
            log=self._log,
            out=self._out,
            notices=self._notices,
        )
        self._keepers = [self._keeper(*both, watch) for both in zip(self._programs, left, strict=True)]
        watch.bot, watch.api = self._keepers
        if is_current(self._settings.store_url):
            self._start_both()
        watch.registry, key = self._open_store()
        if note is not None and left[0] is None:
            await watch.note_lost(note)
        self._start_both()
        self._log.info("started", taken_over=[process is not None for process in left])
        greeting.hello(self._out, settings=self._settings, release=self._programs[0].release, key=key)
        return watch

    def _keeper(self, program: Program, process: Process | None, watch: Watch) -> Keeper:
        return Keeper(
            program,
            process=process,
            clock=self._clock,
            limits=self._limits,
            log=self._log,
            on_end=watch.note_end,
            gives_up=program is self._programs[0],
        )

    def _start_both(self) -> None:
        for keeper in self._keepers:
            keeper.start()

    def _open_store(self) -> tuple["Registry", str | None]:
        """The store, brought up to date, and the first key if it had to be made."""
        # The database toolkit takes a third of a second to load: bot and API may be starting meanwhile.
        from trading_bot.services.keys import Keys  # noqa: PLC0415
        from trading_bot.store.engine import open_engine  # noqa: PLC0415
        from trading_bot.store.schema import bring_up_to_date  # noqa: PLC0415
        from trading_bot.supervision.registry import Registry  # noqa: PLC0415

        engine = open_engine(self._settings.store_url)
        bring_up_to_date(engine)
        registry, keys, token = (
            Registry(engine, clock=self._clock),
            Keys(engine, self._clock),
            self._settings.api_auth_token,
        )
        if token is None:
            return registry, keys.ensure_first(self._settings.first_key_file)
        keys.import_token(token.get_secret_value())
        return registry, None

    async def _until_asked(self, work: Coroutine[Any, Any, None]) -> BaseException | None:
        """What ended the work; None when we were asked to stop."""
        working, asked = asyncio.create_task(work), asyncio.create_task(self._asked.wait())
        await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
        ended = working.done()
        for task in (working, asked):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        if not ended:
            return None
        error = working.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return error

    @property
    def _living(self) -> list[Process]:
        return [keeper.process for keeper in self._keepers if keeper.process is not None]

    async def _stop(self, processes: Sequence[Process]) -> None:
        """End them, each within the grace; asked a second time, kill them at once."""
        stopping = asyncio.gather(*(process.stop(grace=self._limits.stop) for process in processes))
        self._asked.clear()
        again = asyncio.create_task(self._asked.wait())
        either: list[asyncio.Future[Any]] = [stopping, again]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        for process in processes:
            process.send(signal.SIGKILL)
        await stopping
        again.cancel()

    def _ask(self) -> None:
        self._asked.set()
