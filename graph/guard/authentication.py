"""Authentication: whose key a request came with, found before anything else of the request is looked at."""

import asyncio
import hashlib
from collections import OrderedDict
from concurrent.futures import Executor
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys

HEADER = "x-api-key"
LONGEST_TOKEN = 512
REMEMBERED = 1000
OUTAGE_SECONDS = 300.0
"""How long a key that was good is taken for good while the store can't be read: reads go on, and no write could be stored anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Knows callers by their keys."""

    keys: Keys
    clock: Clock
    workers: Executor
    _seen: OrderedDict[bytes, tuple[Caller, float]] = field(default_factory=OrderedDict)
    """The latest good keys by hash, and when they were; for an outage of the store only."""

    async def caller(self, token: str | None) -> Caller | None:
        """Whose key `token` is; null without one, and for one that does not exist or was revoked. SYS_002 when nobody can tell."""
        if not token or len(token) > LONGEST_TOKEN:
            return None
        mark = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        try:
            caller = await asyncio.get_running_loop().run_in_executor(self.workers, self.keys.verify, token)
        except Fault as fault:
            known = self._seen.get(mark)
            if fault.code != "SYS_002" or known is None or self.clock.monotonic() - known[1] > OUTAGE_SECONDS:
                raise
            return known[0]
        self._remember(mark, caller)
        return caller

    def _remember(self, mark: bytes, caller: Caller | None) -> None:
        if caller is None:
            self._seen.pop(mark, None)
            return
        self._seen[mark] = (caller, self.clock.monotonic())
        self._seen.move_to_end(mark)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def token_of(headers: Headers) -> str | None:
    """The key that a request names: `X-API-Key`, or `Authorization: Bearer`."""
    if HEADER in headers:
        return headers[HEADER].strip()
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def refusal() -> Fault:
    """What anyone without a valid key is told, whatever they asked."""
    return Fault("AUTH_001", "The request came without a valid key.")
