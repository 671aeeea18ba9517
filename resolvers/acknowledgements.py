"""Acknowledgements: an operator takes note of errors."""

import asyncio

from resolvers.commands import REFUSALS
from resolvers.context import Context
from resolvers.inputs import ErrorAcknowledge, require_names
from resolvers.payloads import ErrorAcknowledgePayload
from trading_bot.domain.commands import Intent
from trading_bot.errors.fault import Fault


async def acknowledge_errors(context: Context, input: ErrorAcknowledge, intent: Intent) -> ErrorAcknowledgePayload:
    """The errors marked as seen."""
    ids = require_names("errorIds", input.error_ids)
    service, loop = context.parts.acknowledgements, asyncio.get_running_loop()
    try:
        if input.dry_run:
            preview = await loop.run_in_executor(context.parts.workers, service.preview, ids)
            return ErrorAcknowledgePayload(acknowledged=(), preview=preview, errors=(), replayed=False)
        found, replayed = await loop.run_in_executor(context.parts.workers, service.acknowledge, ids, intent)
    except Fault as fault:
        if fault.code not in REFUSALS:
            raise
        refused = fault.semantic(now=context.now)
        return ErrorAcknowledgePayload(acknowledged=(), preview=None, errors=(refused,), replayed=False)
    return ErrorAcknowledgePayload(acknowledged=found, preview=None, errors=(), replayed=replayed)
