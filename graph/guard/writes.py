"""Writes: what every mutation passes before its resolver: scope, reason, idempotency key and confirm token, made into an Intent.

A mutation that does not come through here names no scope, and the executor refuses it: a resolver that forgets fails closed. What comes
back from a dry run gets its confirm token here. Whether a write needs one is for the service to say, at the moment of its effect
(`trading_bot.services.intents`).
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
from graphql.pyutils import snake_to_camel

from graph.guard.json import as_json
from resolvers.context import Context
from trading_bot.domain.commands import ActionPreview, Intent, RiskLevel
from trading_bot.domain.errors import REASON_BYTES, RemediationAction, Scope
from trading_bot.errors.fault import Fault

LONGEST_KEY = 128
NOT_DIGESTED = frozenset({"dry_run", "confirm_token", "idempotency_key"})
PURPOSE = "confirm"
UNCONFIRMED = frozenset({"QRY_008", "QRY_009"})


def writes(operation: str, resolver: Callable[..., Awaitable[Any]], *, needs: Scope) -> Callable[..., Awaitable[Any]]:
    """`resolver`, called with (context, input, intent) once the caller may: it needs `needs`, or READ for a dry run.

    The input has reason, idempotency_key, dry_run and confirm_token, what the resolver answers with has preview. Raises AUTH_002 for a
    key of a smaller scope, QRY_004 for a blank or too long reason or idempotency key.
    """

    async def guarded(context: Context, *, input: Any) -> Any:
        _require_scope(context, Scope.READ if input.dry_run else needs)
        intent = _intent(context, operation, input)
        if input.dry_run:
            return _with_token(context, await resolver(context, input, intent), intent)
        try:
            return await resolver(context, input, _confirmed(context, intent, input.confirm_token))
        except Fault as fault:
            if fault.code in UNCONFIRMED:
                fault.context = {**fault.context, "operation": operation}
                fault.actions = (_dry_run(operation, input),)
            raise

    guarded.needs = needs  # type: ignore[attr-defined]
    guarded.__name__ = resolver.__name__
    return guarded


def writes_planned(
    operation: str, resolver: Callable[..., Awaitable[Any]], *, needs: Scope
) -> Callable[..., Awaitable[Any]]:
    """`writes` for an input that holds the token of a plan: that was its dry run, and the token is its confirmation."""

    async def guarded(context: Context, *, input: Any) -> Any:
        _require_scope(context, needs)
        return await resolver(context, input, _intent(context, operation, input))

    guarded.needs = needs  # type: ignore[attr-defined]
    guarded.__name__ = resolver.__name__
    return guarded


def digest(operation: str, input: Any) -> str:
    """SHA-256 of the operation and what it asks for: equal for two writes that mean the same."""
    asked = {name: getattr(input, name) for name in type(input).__dataclass_fields__ if name not in NOT_DIGESTED}
    raw = as_json({"operation": operation, "input": asked}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).hexdigest()


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


def _confirmed(context: Context, intent: Intent, token: str | None) -> Intent:
    """The intent with what its token says; a bad one is kept as the reason, for a write of lower risk needs none."""
    if not token:
        return intent
    key_id = intent.caller.key_id
    try:
        token_id = context.parts.tokens.verify(token, purpose=PURPOSE, key_id=key_id, subject=intent.digest)
    except Fault as fault:
        return replace(intent, token_refusal=fault.cause)
    return replace(intent, token_id=token_id)


def _with_token(context: Context, payload: Any, intent: Intent) -> Any:
    """The answer to a dry run, with the token where the risk is HIGH."""
    preview: ActionPreview | None = payload.preview
    if preview is None or preview.risk is not RiskLevel.HIGH:
        return payload
    issued = context.parts.tokens.issue(purpose=PURPOSE, key_id=intent.caller.key_id, subject=intent.digest)
    return replace(payload, preview=replace(preview, confirm_token=issued.token, expires_at=issued.expires_at))


def _dry_run(operation: str, input: Any) -> RemediationAction:
    """The same input as a dry run, ready to send; what was left out is left out."""
    given = {name: getattr(input, name) for name in type(input).__dataclass_fields__ if name != "confirm_token"}
    named = {snake_to_camel(name, upper=False): value for name, value in given.items() if value is not None}
    return RemediationAction(
        title="See what it would do, and get a confirm token",
        operation=operation,
        variables={**named, "dryRun": True},
        scope=Scope.READ,
        writes=False,
    )
