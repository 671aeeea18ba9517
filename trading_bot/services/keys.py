"""Keys: who may call the API, by token. A token is shown once; only its SHA-256 is kept.

Secrets have 256 random bits, so no slow hash is needed. A token is looked up by its hash: whether it is ours, imported or made up, the same
steps are taken, and how long they take says nothing of a secret, for nobody can choose a hash. The id in a token is for people: it tells
which key to revoke when one turns up where it should not be.
"""

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from trading_bot.clock import Clock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.services.private_file import write_private
from trading_bot.store import engine as engines
from trading_bot.store import keys
from trading_bot.store.keys import StoredKey

ANSWER_BYTES = 10_240
"""Largest answer of a key that was not told otherwise."""
OPERATOR_ANSWER_BYTES = 1024 * 1024
"""Largest answer of the first key and of one from the environment."""
SHORTEST_IMPORT = 16
"""Characters that an imported token has at least."""
REMEMBERED_SECONDS = 0.5
"""How long a key is trusted without a look at the store: a revocation holds within a second."""
TRUSTED_BEFORE_OUTAGE_SECONDS = 60.0
"""While the store can't be read, a key is trusted that was seen this short a time before it failed."""

_FIRST = "first"
_IMPORTED = "env-"
_LONGEST_TOKEN = 512


class Keys:
    """All API keys of a store. Safe to share between threads; SYS_002 when the store can't be used, unless a method says otherwise."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._remembered: dict[str, tuple[float, StoredKey, Caller]] = {}  # by hash, with the time of the look
        self._failing_since: float | None = None

    def create(
        self, name: str, scope: Scope, *, rate_per_minute: int | None = None, max_response_bytes: int = ANSWER_BYTES
    ) -> tuple[Caller, str]:
        """A new key, and its token: the only time that it can be seen."""
        key, token = self._made(
            secrets.token_hex(5), name, scope, rate_per_minute=rate_per_minute, max_response_bytes=max_response_bytes
        )
        with engines.writing(self._engine) as connection:
            keys.add_key(connection, key)
        return _caller(key), token

    def create_like(self, like: StoredKey, id: str, *, save: Callable[[str], None]) -> tuple[Caller, str]:
        """A new key of that id, with the name, scope and limits of another, and its token, which `save` was given first.

        SYS_007 when the id is there already: its token was saved once, and can't be seen again.
        """
        key, token = self._made(
            id, like.name, like.scope, rate_per_minute=like.rate_per_minute, max_response_bytes=like.max_response_bytes
        )
        with engines.writing(self._engine) as connection:
            if not keys.add_key(connection, key):
                raise Fault("SYS_007", f"The token of the key {id} was saved before, and its file is gone.")
            save(token)
        return _caller(key), token

    def verify(self, token: str) -> Caller | None:
        """Whose token it is; null for one that is unknown or revoked.

        While the store can't be read, those who were seen just before are still known, so that they can be told what is wrong.
        """
        if len(token) > _LONGEST_TOKEN:
            return None
        key = self._found(_hash(token))
        return _caller(key) if key is not None and key.revoked_at is None else None

    def recall(self, token: str) -> Caller | None:
        """Whose token it is, where that was looked up less than half a second ago; null where only `verify` can tell. Never waits."""
        if len(token) > _LONGEST_TOKEN:
            return None
        known = self._remembered.get(_hash(token))
        if known is None:
            return None
        seen_at, key, caller = known
        is_sure = key.revoked_at is None and self._clock.monotonic() - seen_at <= REMEMBERED_SECONDS
        return caller if is_sure else None

    def find(self, id: str) -> Caller | None:
        """Whose key has that id; null for one that is unknown or revoked."""
        with engines.reading(self._engine) as connection:
            key = keys.find_key(connection, id)
        return _caller(key) if key is not None and key.revoked_at is None else None

    def list(self) -> tuple[StoredKey, ...]:
        """All keys, revoked ones too, oldest first."""
        with engines.reading(self._engine) as connection:
            return keys.list_keys(connection)

    def revoke(self, id: str) -> bool:
        """Have the key open nothing any more, here at once and elsewhere within a second; False when there is none of that id."""
        with engines.writing(self._engine) as connection:
            known = keys.save_revocation(connection, id, self._clock.now())
        self._remembered.clear()
        return known

    def ensure_first(self, path: Path) -> str | None:
        """At the very first start, make an ADMIN key, save its token to `path` (mode 0600) and return it; null ever after.

        SYS_007 when the file can't be written: no key is made then.
        """
        with engines.writing(self._engine) as connection:
            key, token = self._made(_FIRST, _FIRST, Scope.ADMIN, max_response_bytes=OPERATOR_ANSWER_BYTES)
            if not keys.add_key(connection, key):
                return None
            # Before the commit: a key whose token was lost could not be told from one that was saved.
            write_private(path, token + "\n")
        return token

    def import_token(self, token: str, name: str = "environment") -> Caller:
        """Have `token`, chosen by the operator, open everything: the setting wins over a revocation.

        Another token that was imported under that name opens nothing from then on. CFG_003 for fewer than 16 characters or more than 512.
        """
        if not SHORTEST_IMPORT <= len(token) <= _LONGEST_TOKEN:
            raise Fault(
                "CFG_003",
                f"Expected BOT_API_AUTH_TOKEN of {SHORTEST_IMPORT} to {_LONGEST_TOKEN} characters, was {len(token)}.",
                context={"setting": "BOT_API_AUTH_TOKEN", "min": SHORTEST_IMPORT, "max": _LONGEST_TOKEN},
            )
        new_id = _IMPORTED + secrets.token_hex(5)
        made, _ = self._made(new_id, name, Scope.ADMIN, max_response_bytes=OPERATOR_ANSWER_BYTES, token=token)
        with engines.writing(self._engine) as connection:
            keys.add_key(connection, made)
            kept = keys.find_key_by_hash(connection, made.hash) or made
            keys.save_revocation(connection, kept.id, None)
            for other in keys.list_keys(connection):
                is_former = other.id.startswith(_IMPORTED) and other.name == name and other.id != kept.id
                if is_former and other.revoked_at is None:
                    keys.save_revocation(connection, other.id, self._clock.now())
        self._remembered.clear()
        return _caller(kept)

    def _made(
        self,
        id: str,
        name: str,
        scope: Scope,
        *,
        rate_per_minute: int | None = None,
        max_response_bytes: int,
        token: str | None = None,
    ) -> tuple[StoredKey, str]:
        token = token or f"bg_{id}_{secrets.token_urlsafe(32)}"
        key = StoredKey(
            id=id,
            hash=_hash(token),
            name=name,
            scope=scope,
            rate_per_minute=rate_per_minute,
            max_response_bytes=max_response_bytes,
            created_at=self._clock.now(),
            revoked_at=None,
        )
        return key, token

    def _found(self, hash: str) -> StoredKey | None:
        now = self._clock.monotonic()
        seen_at, known, _ = self._remembered.get(hash, (0.0, None, None))
        if known is not None and now - seen_at <= REMEMBERED_SECONDS:
            return known
        try:
            with engines.reading(self._engine) as connection:
                key = keys.find_key_by_hash(connection, hash)
        except Fault:
            if self._failing_since is None:
                self._failing_since = now
            if known is not None and self._failing_since - seen_at <= TRUSTED_BEFORE_OUTAGE_SECONDS:
                return known
            raise
        self._failing_since = None
        if key is None:
            self._remembered.pop(hash, None)
        else:
            self._remembered[hash] = (now, key, _caller(key))
        return key


def is_imported(key: StoredKey) -> bool:
    """Whether its token stands in the environment, and so can't be replaced here."""
    return key.id.startswith(_IMPORTED)


def _hash(token: str) -> str:
    # What a header can hold may be no valid text; it must still be a wrong key, not a fault.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _caller(key: StoredKey) -> Caller:
    return Caller(
        key_id=key.id,
        name=key.name,
        scope=key.scope,
        max_response_bytes=key.max_response_bytes,
        rate_per_minute=key.rate_per_minute,
    )
