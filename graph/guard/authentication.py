"""Authentication: whose key a request came with, found before anything else of the request is looked at."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass

from starlette.datastructures import Headers

from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys

HEADER = "x-api-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Knows callers by their keys."""

    keys: Keys
    workers: Executor

    async def caller(self, token: str | None) -> Caller | None:
        """Whose key `token` is; null without one, and for one that does not exist or was revoked. SYS_002 when nobody can tell."""
        if not token:
            return None
        known = self.keys.recall(token)
        if known is not None:
            return known
        return await asyncio.get_running_loop().run_in_executor(self.workers, self.keys.verify, token)

    async def lost(self, tokens: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `tokens` that open nothing any more. SYS_002 when nobody can tell."""

        def look() -> tuple[str, ...]:
            return tuple(token for token in tokens if self.keys.verify(token) is None)

        return await asyncio.get_running_loop().run_in_executor(self.workers, look)

    def recall(self, token: str | None) -> Caller | None:
        """The same, as far as it can be told without waiting."""
        return self.keys.recall(token) if token else None


def token_of(headers: Headers) -> str | None:
    """The key that a request names: `X-API-Key`, or `Authorization: Bearer`."""
    if HEADER in headers:
        return headers[HEADER].strip()
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def refusal() -> Fault:
    """What anyone without a valid key is told, whatever they asked."""
    return Fault("AUTH_001", "The request came without a valid key.")
