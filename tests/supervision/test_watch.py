"""What the supervisor does with the ends of its children while the store can't be used."""

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import structlog
from rich.console import Console

from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import load_settings
from trading_bot.supervision import watch as watch_module
from trading_bot.supervision.keeper import End, Keeper
from trading_bot.supervision.limits import Limits
from trading_bot.supervision.notices import Notices
from trading_bot.supervision.process import Process
from trading_bot.supervision.program import Program
from trading_bot.supervision.registry import Pulse, Registry
from trading_bot.supervision.watch import MOST_UNTOLD, Watch

CLOCK = SystemClock()


class Refusing:
    """A store that can't be used, until it can."""

    def __init__(self) -> None:
        self.refuses = True
        self.stored: list[str] = []

    def find_pulse(self, *, pid: int, since: float) -> Pulse:
        return Pulse(bot_id="main", generation=1, last_heartbeat=None)

    def note_crash(self, bot_id: str, generation: int) -> None:
        return None

    def write_end(self, bot_id: str, generation: int) -> None:
        if self.refuses:
            raise Fault("SYS_002", "The disk is full.")

    def write_fault(self, bot_id: str, fault: Fault) -> None:
        self.stored.append(fault.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A process that has ended."""

    program: Program
    pid: int
    started_at: float = 0.0


def watching(home: Path, store: Refusing) -> Watch:
    log = structlog.get_logger()
    watch = Watch(
        settings=load_settings(home=home),
        clock=CLOCK,
        begun=0.0,
        limits=Limits(),
        log=log,
        out=Console(file=io.StringIO()),
        notices=Notices({}),
    )
    watch.registry = cast("Registry", store)
    for name in ("bot", "api"):
        program = Program(
            name=name, argv=(), environment={}, release="1", output=home / f"{name}.log", note=home / f"{name}.json"
        )
        keeper = Keeper(program, process=None, clock=CLOCK, limits=Limits(), log=log, on_end=watch.note_end)
        setattr(watch, name, keeper)
    return watch


def ended(watch: Watch, pid: int) -> End:
    process: Any = Gone(program=watch.bot.program, pid=pid)
    return End(process=cast("Process", process), how="crashed", delay=60.0, hold=None, earlier=())


def test_ends_that_can_not_be_stored_for_days_don_t_pile_up_and_are_stored_in_the_end(
    home: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(watch_module, "RETRY_SECONDS", 0.01)

    async def work() -> None:
        store = Refusing()
        watch = watching(home, store)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            watch._group = group
            for pid in range(3 * MOST_UNTOLD):
                await watch.note_end(ended(watch, pid))
            assert len(watch._untold) == MOST_UNTOLD
            store.refuses = False
        assert store.stored == ["The bot process crashed; it starts again in 60 s."] * MOST_UNTOLD
        assert watch._untold == set()

    asyncio.run(work())


def test_an_end_that_can_not_be_stored_for_a_reason_that_nobody_foresaw_ends_nothing_else(
    home: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(watch_module, "RETRY_SECONDS", 0.01)
    failures = [LookupError(), LookupError()]

    class Strange(Refusing):
        def write_end(self, bot_id: str, generation: int) -> None:
            if failures:
                raise failures.pop()

    async def work() -> None:
        store = Strange()
        watch = watching(home, store)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            watch._group = group
            await watch.note_end(ended(watch, 1))
        assert len(store.stored) == 1

    asyncio.run(work())
