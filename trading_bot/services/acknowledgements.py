"""Acknowledgements: an operator takes note of errors. Nothing else changes; the same error is told anew when it comes again."""

from collections.abc import Sequence

from trading_bot.domain.commands import ActionPreview, Intent, RiskLevel
from trading_bot.domain.errors import SemanticError
from trading_bot.errors.fault import Fault
from trading_bot.services import intents
from trading_bot.store import errors
from trading_bot.store.store import Reading, Store

_NAMED = 8
_SHOWN = 20


class Acknowledgements:
    """Takes acknowledgements in, each once by its idempotency key."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    def acknowledge(self, error_ids: Sequence[str], intent: Intent) -> tuple[tuple[SemanticError, ...], bool]:
        """Note that the errors were seen, and give them back as they are now; true when the same was asked for before.

        One that was acknowledged before keeps its date. Raises QRY_005 for an id that no error of one bot has, QRY_007 when the idempotency
        key stands for something else, AUTH_002 for a key that may only read.
        """
        ids = tuple(dict.fromkeys(error_ids))
        with self._store.writing(self._bot_of(ids)) as w:
            if intents.carried_out(w, intent) is not None:
                return _found(w, ids), True
            _found(w, ids)
            intents.record(w, intent, risk=RiskLevel.LOW, subject_id=ids[0])
            for error_id in ids:
                errors.acknowledge_error(w, error_id, user=intent.caller.key_id, reason=intent.reason)
            return _found(w, ids), False

    def preview(self, error_ids: Sequence[str]) -> ActionPreview:
        """What it would change, without doing it. Raises QRY_005 for an id that no error of one bot has."""
        ids = tuple(dict.fromkeys(error_ids))
        with self._store.reading(self._bot_of(ids)) as r:
            found = _found(r, ids)
        done = sum(1 for error in found if error.acknowledged_at is not None)
        effects = [f"{error.error_code}: {error.message}" for error in found if error.acknowledged_at is None]
        if done:
            effects.append(f"{done} were acknowledged before and keep their date.")
        return ActionPreview(
            summary="The errors are marked as seen; nothing else changes.",
            effects=tuple(effects[:_SHOWN]),
            risk=RiskLevel.LOW,
            confirm_token=None,
            expires_at=None,
        )

    def _bot_of(self, ids: Sequence[str]) -> str:
        """The bot whose errors these are."""
        for bot_id in self._store.bot_ids():
            with self._store.reading(bot_id) as r:
                if errors.find_error(r, ids[0]) is not None:
                    return bot_id
        raise _missing(ids[:1])


def _found(r: Reading, ids: Sequence[str]) -> tuple[SemanticError, ...]:
    found = [errors.find_error(r, error_id) for error_id in ids]
    known = tuple(error for error in found if error is not None)
    if len(known) < len(ids):
        raise _missing([error_id for error_id, error in zip(ids, found, strict=True) if error is None])
    return known


def _missing(ids: Sequence[str]) -> Fault:
    cause = f"No error of that bot has the id `{ids[0]:.40}`."
    return Fault("QRY_005", cause, context={"missing": [error_id[:40] for error_id in ids[:_NAMED]]})
