"""Writes: what every mutation passes before its resolver: scope, reason and idempotency key, made into an Intent.

A mutation that does not come through here names no scope, and the executor refuses it: a resolver that forgets fails closed.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from graph.guard.json import as_json
from resolvers.context import Context
from trading_bot.domain.commands import Intent
from trading_bot.domain.errors import REASON_BYTES, Scope
from trading_bot.errors.fault import Fault

LONGEST_KEY = 128
NOT_DIGESTED = frozenset({"dry_run", "confirm_token", "idempotency_key"})


def writes(operation: str, resolver: Callable[..., Awaitable[Any]], *, needs: Scope) -> Callable[..., Awaitable[Any]]:
    """`resolver`, called with (context, input, intent) once the caller may: it needs `needs`, or READ for a dry run.

    Raises AUTH_002 for a key of a smaller scope, QRY_004 for a blank or too long reason or idempotency key.
    """

    async def guarded(context: Context, *, input: Any) -> Any:
        _require_scope(context, Scope.READ if input.dry_run else needs)
        return await resolver(context, input, _intent(context, operation, input))

    guarded.needs = needs  # type: ignore[attr-defined]
    guarded.__name__ = resolver.__name__
    return guarded


def _require_scope(context: Context, needed: Scope) -> None:
    has = context.caller.scope
    if not has.includes(needed):
        cause = f"The operation needs scope {needed.name}, the key has {has.name}."
        raise Fault("AUTH_002", cause, context={"needs": needed.name, "has": has.name})


def _intent(context: Context, operation: str, input: Any) -> Intent:
    size = len(input.reason.encode("utf-8", "replace"))
    if not input.reason.strip() or size > REASON_BYTES:
        cause = f"Expected `reason` of 1 to {REASON_BYTES} bytes that is not blank, was {size} bytes."
        raise Fault("QRY_004", cause, context={"field": "reason"})
    key = input.idempotency_key
    if not key.strip() or len(key) > LONGEST_KEY:
        cause = f"Expected `idempotencyKey` of 1 to {LONGEST_KEY} characters that is not blank, was {len(key)}."
        raise Fault("QRY_004", cause, context={"field": "idempotencyKey"})
    return Intent(caller=context.caller, idempotency_key=key, digest=digest(operation, input), reason=input.reason)


def digest(operation: str, input: Any) -> str:
    """SHA-256 of the operation and what it asks for: equal for two writes that mean the same."""
    asked = {name: getattr(input, name) for name in type(input).__dataclass_fields__ if name not in NOT_DIGESTED}
    raw = as_json({"operation": operation, "input": asked}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).hexdigest()
