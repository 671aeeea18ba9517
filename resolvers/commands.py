"""Commands: writes that the bot carries out. Each calls the one service that stores the command together with its intent."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from resolvers.context import Context
from resolvers.inputs import BotAction, BotStop, OrdersCancel, PositionsClose, require_names
from resolvers.paging import Connection, connection
from resolvers.payloads import CommandPayload
from trading_bot.domain.commands import Command, CommandKind, Intent
from trading_bot.errors.fault import Fault
from trading_bot.store import commands

T = TypeVar("T")

REFUSALS = frozenset({"BOT_001", "BOT_003", "QRY_005", "QRY_007"})
"""Codes that stand in the payload's errors: the write was understood and refused."""


async def find_command(context: Context, *, id: str) -> Command | None:
    """The command of that id, whatever bot it concerns; null when there is none."""
    for bot_id in await context.parts.memory.bots():
        await context.choose_bot(bot_id)
        found = await context.read(lambda r: commands.find_command(r, id))
        if found is not None:
            return found
    return None


async def pause_bot(context: Context, input: BotAction, intent: Intent) -> CommandPayload:
    """No new entries."""
    return await _write(context, CommandKind.PAUSE, input, intent, {})


async def resume_bot(context: Context, input: BotAction, intent: Intent) -> CommandPayload:
    """Entries again, from PAUSED or HALTED."""
    return await _write(context, CommandKind.RESUME, input, intent, {})


async def start_bot(context: Context, input: BotAction, intent: Intent) -> CommandPayload:
    """RUNNING again, from STOPPED."""
    return await _write(context, CommandKind.START, input, intent, {})


async def stop_bot(context: Context, input: BotStop, intent: Intent) -> CommandPayload:
    """STOPPED; the process lives on."""
    return await _write(context, CommandKind.STOP, input, intent, {"onStop": input.on_stop.name})


async def close_positions(context: Context, input: PositionsClose, intent: Intent) -> CommandPayload:
    """The named positions exited at the market."""
    symbols = require_names("symbols", input.symbols)
    return await _write(context, CommandKind.CLOSE_POSITIONS, input, intent, {"symbols": symbols})


async def cancel_orders(context: Context, input: OrdersCancel, intent: Intent) -> CommandPayload:
    """The named orders cancelled."""
    ids = require_names("orderIds", input.order_ids)
    return await _write(context, CommandKind.CANCEL_ORDERS, input, intent, {"orderIds": ids})


async def reset_breaker(context: Context, input: BotAction, intent: Intent) -> CommandPayload:
    """The circuit breaker cleared, once its cause is gone."""
    return await _write(context, CommandKind.RESET_BREAKER, input, intent, {})


async def list_commands(
    context: Context, *, bot_id: str | None = None, first: int, after: str | None = None
) -> Connection[Command]:
    """A page of commands, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    return connection(await context.read(lambda r: commands.list_commands(r, first, after)))


async def _write(
    context: Context,
    kind: CommandKind,
    input: BotAction | BotStop | PositionsClose | OrdersCancel,
    intent: Intent,
    parameters: dict[str, Any],
) -> CommandPayload:
    """Preview or submit. What the caller got wrong (scope, confirm token) is raised, what was refused stands in the payload."""
    service = context.parts.commands
    try:
        bot_id = await context.choose_bot(input.bot_id)
        if input.dry_run:
            preview = await _in_thread(context, lambda: service.preview(bot_id, kind, parameters=parameters))
            return CommandPayload(command=None, preview=preview, errors=(), replayed=False)
        command, replayed = await _in_thread(
            context, lambda: service.submit(bot_id, kind, intent, parameters=parameters)
        )
    except Fault as fault:
        if fault.code not in REFUSALS:
            raise
        return CommandPayload(command=None, preview=None, errors=(fault.semantic(now=context.now),), replayed=False)
    return CommandPayload(command=command, preview=None, errors=(), replayed=replayed)


async def _in_thread(context: Context, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(context.parts.workers, work)
