"""Viewer: who asks."""

from resolvers.context import Context
from trading_bot.domain.commands import Caller


def find_viewer(context: Context) -> Caller:
    """Whose key the operation came with."""
    return context.caller
