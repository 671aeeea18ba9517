"""Errors: what went wrong, as stored."""

from resolvers.context import Context
from resolvers.inputs import ErrorFilter
from resolvers.paging import Connection, connection
from trading_bot.domain.errors import SemanticError
from trading_bot.store import errors


async def list_errors(
    context: Context,
    *,
    bot_id: str | None = None,
    first: int,
    after: str | None = None,
    filter: ErrorFilter | None = None,
) -> Connection[SemanticError]:
    """A page of errors, newest first. Fault QRY_004 for `first` outside 1 to 100 and for a cursor that is none."""
    await context.choose_bot(bot_id)
    wanted = filter or ErrorFilter()
    page = await context.read(
        lambda r: errors.list_errors(
            r,
            first,
            after,
            error_code=wanted.error_code,
            severity=wanted.severity,
            acknowledged=wanted.acknowledged,
            symbol=wanted.symbol,
            start=wanted.start,
            end=wanted.end,
        )
    )
    return connection(page)
