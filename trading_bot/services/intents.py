"""Intents: the one place that every write passes, inside the transaction of its effect: new or carried out before, allowed, confirmed.

A service opens a transaction, asks `carried_out`, does what it is asked, and calls `record`; when that refuses, the transaction is rolled
back and nothing has happened. There is no other way to store an intent, so no write can forget to name its risk.
"""

from trading_bot.domain.commands import Intent, RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.store import commands
from trading_bot.store.store import Reading, Writing


def carried_out(r: Reading, intent: Intent) -> str | None:
    """The id of what the same write made in the last 24 hours; null when this one is new.

    Raises QRY_007 when the caller's idempotency key stands for something else. Looked up before the token, so that a write whose answer
    got lost can be asked for again with the token that it used up, also after that expired.
    """
    known = commands.find_intent(r, key_id=intent.caller.key_id, idempotency_key=intent.idempotency_key)
    if known is None:
        return None
    if known.digest != intent.digest:
        context = {"idempotencyKey": intent.idempotency_key}
        raise Fault("QRY_007", "This key of yours stands for another write of the last 24 hours.", context=context)
    return known.subject_id


def record(w: Writing, intent: Intent, *, risk: RiskLevel, subject_id: str) -> None:
    """Store the intent with its effect, the record `subject_id`; a write of risk HIGH needs ADMIN and a token, which it uses up.

    Raises AUTH_002 for a key of a smaller scope than the risk needs, QRY_008 without a token, QRY_009 with a bad or used one.
    """
    _require_scope(intent, Scope.ADMIN if risk is RiskLevel.HIGH else Scope.OPERATE)
    if risk is RiskLevel.HIGH:
        _require_token(w, intent)
    commands.add_intent(w, intent, subject_id=subject_id)


def _require_scope(intent: Intent, needed: Scope) -> None:
    has = intent.caller.scope
    if not has.includes(needed):
        cause = f"The write needs a key of scope {needed.name}, this one has {has.name}."
        raise Fault("AUTH_002", cause, context={"needs": needed.name, "has": has.name})


def _require_token(r: Reading, intent: Intent) -> None:
    if intent.token_refusal is not None:
        raise Fault("QRY_009", intent.token_refusal)
    if intent.token_id is None:
        raise Fault("QRY_008", "The risk of this write is HIGH now, and it came without a confirmToken.")
    if commands.is_token_used(r, intent.token_id):
        raise Fault("QRY_009", "The token was used for another write; each is good for one.")
