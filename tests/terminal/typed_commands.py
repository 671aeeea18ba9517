"""Commands typed in a test."""

import asyncio
from collections.abc import Callable

from tests.fakes.scripted_bot import ScriptedBot

Said = tuple[int, str, str]
"""Exit code, stdout, stderr."""
Run = Callable[..., Said]


async def asked(bot: ScriptedBot, run: Run, *arguments: str) -> Said:
    """The command, typed while the bot goes on."""
    typing = asyncio.create_task(asyncio.to_thread(run, *arguments))
    while not typing.done():
        await bot.bar()
        await asyncio.sleep(0.02)
    return await typing
