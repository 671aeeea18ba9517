"""What tests of steps share: a clock that goes on by sleeping, one step as it is loaded, and a bot that ends commands."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.standing_clock import StandingClock
from tests.workflows.definitions import defined, loaded
from trading_bot.domain.commands import CommandStatus
from trading_bot.errors.fault import Fault
from trading_bot.store import commands
from trading_bot.store.store import Store
from workflows.installation import Installation
from workflows.model import Scene, Step


class Moving(StandingClock):
    """Goes on by sleeping, and lets everything else have its turn."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await super().sleep(0.001)


def step_of(here: Installation, kind: str, parameters: dict[str, Any], validation: dict[str, Any], **more: Any) -> Step:
    """The one step of a definition, loaded as every definition is."""
    given = {"action_type": kind, "parameters": parameters, "validation": validation, **more}
    declared = {
        "x": {"type": "string", "description": "X.", "default": "x"},
        "seconds": {"type": "duration", "description": "S.", "default": 9},
    }
    return loaded(defined(step=given, parameters=declared), here.steps).steps[0]


def run(here: Installation, step: Step, scene: Scene) -> Any:
    return asyncio.run(here.steps.run(step, scene))


def refused(code: str, here: Installation, step: Step, scene: Scene) -> Fault:
    with pytest.raises(Fault, match=code) as raised:
        run(here, step, scene)
    return raised.value


def ending(
    store: Store, status: CommandStatus, outcome: dict[str, Any] | None = None
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Plays the bot: ends the next command that it finds."""

    async def play() -> None:
        while True:
            with store.writing("main") as w:
                for command in commands.list_pending_commands(w):
                    error = (
                        Fault("BOT_003", "The bot is stopped.").semantic(now=w.now)
                        if status is CommandStatus.FAILED
                        else None
                    )
                    commands.save_command(
                        w, replace(command, status=status, executed_at=w.now, outcome=outcome, error=error)
                    )
                    return
            await asyncio.sleep(0.001)

    return play


async def beside(work: Coroutine[Any, Any, Any], play: Callable[[], Coroutine[Any, Any, None]]) -> Any:
    playing = asyncio.create_task(play())
    try:
        return await asyncio.wait_for(work, 10)
    finally:
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
