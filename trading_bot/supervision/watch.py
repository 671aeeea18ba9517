"""Watch: what the supervisor looks at while both children run, and what it stores of what it saw."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from structlog.typing import FilteringBoundLogger

from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings
from trading_bot.supervision import greeting
from trading_bot.supervision.keeper import End, Keeper
from trading_bot.supervision.limits import Limits
from trading_bot.supervision.livez import status
from trading_bot.supervision.notices import Notices
from trading_bot.supervision.output import bound
from trading_bot.supervision.program import Note
from trading_bot.supervision.silence import Silence

if TYPE_CHECKING:
    from trading_bot.supervision.registry import Pulse, Registry

HTTP_OK = 200
READY_EVERY_SECONDS = 0.05
RETRY_SECONDS = 1.0
TIDY_SECONDS = 10.0
CONFIGURATION_SECONDS = 10.0
FRESH_SECONDS = 15.0
MOST_UNTOLD = 20
"""Ends that wait for the store at the same time; while it can't be written for long, what comes after them stands in the log alone."""


class Watch:
    """Looks after the two keepers. They and the registry are set once they exist."""

    bot: Keeper
    api: Keeper
    registry: "Registry"  # loaded late: it needs the database toolkit

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        begun: float,
        limits: Limits,
        log: FilteringBoundLogger,
        out: Console,
        notices: Notices,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._begun = begun
        self._limits = limits
        self._log = log
        self._out = out
        self._notices = notices
        self._pulse: Pulse | None = None
        self._untold: set[asyncio.Task[None]] = set()
        self._host = next((name for name in settings.api_allowed_hosts if "*" not in name), "localhost")

    async def over(self) -> None:
        """Keep both running until cancelled; raises Refusal when one can't start."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self.bot.keep())
            group.create_task(self.api.keep())
            works = (
                self._announce,
                self._watch_heartbeat,
                self._watch_answers,
                self._obey,
                self._give_signs,
                self._tidy,
                self._watch_configuration,
            )
            for work in works:
                group.create_task(self._go_on(work))

    async def note_end(self, end: End) -> None:
        """A child's process has ended by itself: say so, and store it."""
        program = end.process.program
        again = (
            f"it starts again in {end.delay:g} s"
            if end.hold is None
            else "it is held down until it is started by command"
        )
        greeting.say(self._out, f"The {program.name} process {end.how}; {again}. Its log: {program.output}")
        if end.hold is not None:
            self._notices.say(f"The {program.name} process is held down: {end.hold.cause}")
        pulse = self._pulse
        if pulse is None or program is self.bot.program:
            pulse = await self._find_pulse(end.process.pid, end.process.started_at) or pulse or await self._find_last()
        if pulse is not None:
            if len(self._untold) < MOST_UNTOLD:
                telling = self._group.create_task(self._go_on(functools.partial(self._store_end, end, pulse)))
                self._untold.add(telling)
                telling.add_done_callback(self._untold.discard)
            if program is self.bot.program:
                note = functools.partial(self.registry.note_crash, pulse.bot_id, pulse.generation)
                self._group.create_task(self._go_on(functools.partial(self._take_back, note)))

    async def note_lost(self, note: Note) -> None:
        """Store the end of the bot that the note is about: the supervisor that started it was killed and could not."""
        pulse = await self._find_pulse(note.pid, note.started_at)
        if pulse is not None:
            await self._store(lambda: self.registry.write_end(pulse.bot_id, pulse.generation))

    async def note_stop(self) -> None:
        """Both have been stopped: store that the bot's process ended."""
        process = self.bot.process
        pulse = await self._find_pulse(process.pid, process.started_at) if process else None
        if pulse is not None:
            await self._store(lambda: self.registry.write_end(pulse.bot_id, pulse.generation))

    async def _announce(self) -> None:
        slow = False
        while not await self._is_ready():
            waited = self._clock.monotonic() - self._begun
            if waited > self._limits.slow_start and not slow:
                slow = True
                greeting.slow(self._out, logs=(self.bot.program.output, self.api.program.output))
            await self._clock.sleep(READY_EVERY_SECONDS)
        self.bot.is_starting = self.api.is_starting = False
        hold = self.bot.hold
        if hold is not None:
            greeting.held(self._out, hold=hold)
            self._notices.ready(f"The bot is held down: {hold.cause}")
            return
        self._notices.ready("Bot and API run")
        seconds = self._clock.monotonic() - self._begun
        self._log.info("ready", seconds=round(seconds, 3))
        pulse = self._pulse
        bot, replay_of = (
            await asyncio.to_thread(self.registry.find_bot, pulse.bot_id) if pulse is not None else (None, None)
        )
        greeting.ready(self._out, seconds=seconds, bot=bot, replay_of=replay_of, settings=self._settings)

    async def _is_ready(self) -> bool:
        if self.bot.hold is None and not await self._is_beating():
            return False
        return await self._answers()

    async def _is_beating(self) -> bool:
        process = self.bot.process
        pulse = await self._find_pulse(process.pid, process.started_at) if process else None
        if pulse is None or pulse.last_heartbeat is None:
            return False
        return (self._clock.now() - pulse.last_heartbeat).total_seconds() <= FRESH_SECONDS

    async def _answers(self) -> bool:
        answer = await status(self._settings.api_address, host=self._host, timeout=self._limits.answer_every)
        return answer == HTTP_OK

    async def _obey(self) -> None:
        """Carry out commands to the supervisor, as long as there is one."""
        # It needs the database toolkit; by now that is loaded.
        from trading_bot.supervision.process_control import ProcessControl  # noqa: PLC0415

        control = ProcessControl(
            bot=self.bot,
            api=self.api,
            registry=self.registry,
            config_file=self._settings.config_file,
            answers=self._answers,
            clock=self._clock,
            limits=self._limits,
            log=self._log,
        )
        while True:
            try:
                await control.look()
            except Fault as fault:  # the store will be usable again, or nothing else is either
                self._log.warning("commands_unknown", error_code=fault.code, cause=fault.cause)
                await self._clock.sleep(RETRY_SECONDS)
            await self._clock.sleep(self._limits.commands_every)

    async def _give_signs(self) -> None:
        """Tell the service manager that we are not hung, twice as often as it expects it."""
        every = self._notices.watchdog_seconds
        while every is not None:
            self._notices.alive()
            await self._clock.sleep(every / 2)

    async def _watch_heartbeat(self) -> None:
        silence = Silence()
        while True:
            await self._clock.sleep(self._limits.heartbeat_every)
            process = self.bot.process
            if process is None:
                continue
            try:
                found = await asyncio.to_thread(self.registry.find_pulse, pid=process.pid, since=process.started_at)
            except Fault as fault:  # without the store nobody knows, and the bot can't write either: begin anew
                self._log.warning("heartbeat_unknown", error_code=fault.code, cause=fault.cause)
                silence = Silence()
                continue
            self._pulse = found or self._pulse
            sign = found.last_heartbeat if found else None
            seconds = silence.seconds(pid=process.pid, sign=sign, at=self._clock.monotonic())
            if seconds >= self._limits.heartbeat:
                self.bot.kill(process, because=f"gave no heartbeat for {seconds:.0f} s and was killed")

    async def _watch_answers(self) -> None:
        silence, answers = Silence(), 0
        while True:
            began = self._clock.monotonic()
            process = self.api.process
            answer = await status(self._settings.api_address, host=self._host, timeout=self._limits.answer_every)
            answers += answer is not None
            if process is not None:
                seconds = silence.seconds(pid=process.pid, sign=answers, at=self._clock.monotonic())
                if seconds >= self._limits.answer:
                    self.api.kill(process, because=f"did not answer for {seconds:.0f} s and was killed")
            await self._clock.sleep(max(0.0, began + self._limits.answer_every - self._clock.monotonic()))

    async def _tidy(self) -> None:
        while True:
            for keeper in (self.bot, self.api):
                await asyncio.to_thread(bound, keeper.program.output, limit=self._limits.output_bytes)
            await self._clock.sleep(TIDY_SECONDS)

    async def _go_on(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, and again when it fails for a reason that nobody foresaw: that must not end the trading."""
        while True:
            try:
                return await work()
            except Exception:  # noqa: BLE001 - the log holds it, with its traceback
                self._log.exception("watch_failed", work=str(work))
                await self._clock.sleep(RETRY_SECONDS)

    async def _find_pulse(self, pid: int, since: float) -> "Pulse | None":
        try:
            found = await asyncio.to_thread(self.registry.find_pulse, pid=pid, since=since)
        except Fault:
            return None
        self._pulse = found or self._pulse
        return found

    async def _find_last(self) -> "Pulse | None":
        """The bot's last process that the store knows, where this one ended before it gave a sign of life."""
        try:
            return await asyncio.to_thread(self.registry.find_last, self._settings.config_file)
        except Fault:
            return None

    async def _take_back(self, look: Callable[[], int | None]) -> None:
        """Have a configuration taken back under which the bot crashes or stays silent; the one in its place gets a fresh start."""
        try:
            version = await asyncio.to_thread(look)
        except Fault as fault:
            self._log.warning("configuration_unknown", error_code=fault.code, cause=fault.cause)
            return
        if version is None:
            return
        self._log.warning("configuration_taken_back", version=version)
        greeting.say(self._out, f"The configuration was taken back: version {version} is in force.")
        if self.bot.hold is None or self.bot.hold.error_code is not None:  # what an operator stopped stays so
            self.bot.release()

    async def _watch_configuration(self) -> None:
        """Now and then: a version that no bot took on is taken back as well."""
        while True:
            await self._clock.sleep(CONFIGURATION_SECONDS)
            pulse = self._pulse
            if pulse is not None:
                await self._take_back(functools.partial(self.registry.note_silence, pulse.bot_id))

    async def _store_end(self, end: End, pulse: "Pulse") -> None:
        program = end.process.program
        context: dict[str, Any] = {"program": program.name, "pid": end.process.pid, "log": str(program.output)}
        if end.hold is not None and end.hold.error_code is not None:
            context |= {"log_from": end.process.output_from, "ends": list(end.earlier)}
            fault = Fault(end.hold.error_code, end.hold.cause, context=context)
        else:
            cause = f"The {program.name} process {end.how}; it starts again in {end.delay:g} s."
            fault = Fault("BOT_006", cause, after_seconds=end.delay, context=context)
        if program is self.bot.program:
            while not await self._store(lambda: self.registry.write_end(pulse.bot_id, pulse.generation)):
                await self._clock.sleep(RETRY_SECONDS)
        while not await self._store(lambda: self.registry.write_fault(pulse.bot_id, fault)):
            await self._clock.sleep(RETRY_SECONDS)

    async def _store(self, write: Callable[[], None]) -> bool:
        """Whether it was stored; a store that can't be used now may be later."""
        try:
            await asyncio.to_thread(write)
        except Fault as fault:
            self._log.warning("not_stored", error_code=fault.code, cause=fault.cause)
            return False
        return True
