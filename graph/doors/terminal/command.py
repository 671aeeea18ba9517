"""A command from the terminal: stored in the home's store with its intent, and waited for. It goes past the API, which may be down."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import typer

from graph.doors.terminal.speech import show_error
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings

if TYPE_CHECKING:
    from trading_bot.domain.commands import ActionPreview, Command, CommandKind
    from trading_bot.store.store import Store

NOT_ANSWERED = 3
_POLL_SECONDS = 0.1


@contextmanager
def opened(settings: Settings) -> "Iterator[tuple[Store, str]]":
    """The store of the home and the id of its bot. BOT_001 where no bot has been started yet."""
    from trading_bot.services.homes import bot_of_home  # noqa: PLC0415
    from trading_bot.store.engine import open_engine  # noqa: PLC0415
    from trading_bot.store.schema import require_current  # noqa: PLC0415
    from trading_bot.store.store import Store  # noqa: PLC0415

    engine = open_engine(settings.store_url)
    require_current(engine)
    store = Store(engine, SystemClock())
    try:
        known = store.bot_ids()
        if not known:
            raise Fault("BOT_001", "No bot has been started in this home yet.")
        try:
            named = bot_of_home(store, settings.config_file)
        except Fault:  # a file that can't be read must not keep an operator from his bot
            named = known[0]
        yield store, named if named in known else known[0]
    finally:
        store.close()


def preview(store: "Store", bot_id: str, kind: "CommandKind", parameters: dict[str, Any]) -> "ActionPreview":
    """What the command would do now, without doing it."""
    from trading_bot.services.commands import Commands  # noqa: PLC0415

    return Commands(store=store, clock=SystemClock()).preview(bot_id, kind, parameters=parameters)


def sent(  # noqa: PLR0917 - a command and how long to wait for it
    store: "Store",
    bot_id: str,
    kind: "CommandKind",
    parameters: dict[str, Any],
    reason: str,
    patience: float,
    *,
    is_confirmed: bool = False,
) -> dict[str, Any]:
    """What was verified once the command was carried out; ends the program with 1 when it failed, 3 when nobody answered in time.

    `is_confirmed` says that the operator saw what a command of risk HIGH would do.
    """
    from trading_bot.domain.commands import Caller, CommandStatus, Intent  # noqa: PLC0415
    from trading_bot.domain.errors import Scope  # noqa: PLC0415
    from trading_bot.services.commands import Commands  # noqa: PLC0415

    caller = Caller(
        key_id="terminal", name="terminal", scope=Scope.ADMIN, max_response_bytes=1_048_576, rate_per_minute=None
    )
    intent = Intent(
        caller=caller,
        idempotency_key=str(uuid4()),
        digest=hashlib.sha256(json.dumps([kind.name, parameters], sort_keys=True).encode()).hexdigest(),
        reason=reason,
        token_id=uuid4().hex if is_confirmed else None,
    )
    command, _ = Commands(store=store, clock=SystemClock()).submit(bot_id, kind, intent, parameters=parameters)
    ended = asyncio.run(_ended(store, bot_id, command.id, patience))
    if ended is None:
        typer.echo(f"No answer within {patience:.0f} s; command {command.id} waits.", err=True)
        raise typer.Exit(NOT_ANSWERED)
    if ended.status is not CommandStatus.DONE or ended.outcome is None:
        if ended.error is not None:
            show_error(ended.error)
        raise typer.Exit(1)
    return ended.outcome


async def _ended(store: "Store", bot_id: str, command_id: str, patience: float) -> "Command | None":
    from trading_bot.store import commands  # noqa: PLC0415

    clock = SystemClock()
    begun = clock.monotonic()
    while clock.monotonic() - begun < patience:
        with store.reading(bot_id) as r:
            found = commands.find_command(r, command_id)
        if found is not None and found.executed_at is not None:
            return found
        await clock.sleep(_POLL_SECONDS)
    return None
