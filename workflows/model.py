"""Workflows as values, and the ports through which a run reaches the layers above it."""

from collections.abc import Mapping
from typing import Any, Protocol

from trading_bot.domain.commands import Caller


class Operations(Protocol):
    """Carries named operations of the API out; the API hands it in, so that nothing here imports it."""

    async def run(self, name: str, variables: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The answer as JSON data, with `data` or `errors` or both. Fault QRY_005 for an unknown name, QRY_004 for an unknown variable."""
        ...
