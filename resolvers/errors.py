"""Errors: what went wrong, as stored, and the catalogue of what can."""

from resolvers.context import Context
from resolvers.inputs import ErrorFilter
from resolvers.paging import Connection, connection, require_first
from trading_bot.domain.errors import ErrorCode, SemanticError
from trading_bot.errors.catalogue import CATALOGUE
from trading_bot.errors.fault import Fault
from trading_bot.store import errors
from trading_bot.store.trades import LONGEST_SEARCH


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


def list_error_codes(context: Context, *, search: str | None = None, first: int) -> tuple[ErrorCode, ...]:
    """The first `first` entries of the catalogue that have every word of `search`, in capitals or not; those whose code has it lead.

    Fault QRY_004 for `first` outside 1 to 100, and for a search of more than 200 characters.
    """
    require_first(first)
    if len(search or "") > LONGEST_SEARCH:
        cause = f"Expected `search` of at most {LONGEST_SEARCH} characters, was {len(search or '')}."
        raise Fault("QRY_004", cause, context={"field": "search", "max": LONGEST_SEARCH})
    words = (search or "").casefold().split()
    found = [known for known in CATALOGUE.values() if all(word in _words_of(known) for word in words)]
    by_code = [known for known in found if any(word in known.error_code.casefold() for word in words)]
    return tuple([*by_code, *(known for known in found if known not in by_code)][:first])


def _words_of(known: ErrorCode) -> str:
    parts = (known.error_code, known.error_type, known.title, known.meaning, known.impact, known.remediation)
    return " ".join(parts).casefold()
