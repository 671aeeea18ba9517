"""Key rotation: a key is replaced by another of the same scope and limits, whose token only ever stands in a private file of the home.

Each step may be taken again by someone who does not know whether it was: what is made under one name is made once.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys, is_imported
from trading_bot.services.private_file import write_private
from trading_bot.store.keys import StoredKey

_ID_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was made in the place of another."""

    caller: Caller
    """Whose it is: id, name, scope and limits."""
    file: Path
    """Where its token stands, for its owner's eyes only."""


class KeyRotation:
    """Makes the successors of keys, and ends keys."""

    def __init__(self, *, keys: Keys, folder: Path, first_key_file: Path) -> None:
        self._keys = keys
        self._folder = folder
        self._first_key_file = first_key_file

    def successor(self, key_id: str, *, name: str) -> NewKey:
        """The key that takes the place of `key_id`, made once for `name`, and verified to open what the old one does.

        QRY_005 for a key that is not there, was revoked, or stands in the environment; SYS_007 when its file can't be written.
        """
        old = self.require(key_id)
        new_id = hashlib.sha256(f"{key_id}:{name}".encode()).hexdigest()[:_ID_DIGITS]
        file = self._folder / f"{new_id}.key"
        found = self._verified(file)
        if found is not None and found.key_id == new_id:
            return NewKey(caller=found, file=file)
        # The file comes before the commit: a key whose token was lost could not be told from one that was saved.
        caller, token = self._keys.create_like(old, new_id, save=lambda text: write_private(file, text + "\n"))
        verified = self._keys.verify(token)
        if verified != caller:
            raise Fault("SYS_001", "The new key does not open what it should.", context={"keyId": new_id})
        return NewKey(caller=caller, file=file)

    def end(self, key_id: str, *, successor: str | None = None) -> StoredKey:
        """Revoke a key, and give it back as it stands then. Where its token is the home's first one, its successor's takes that place.

        QRY_005 for a key, or a successor, that is not there.
        """
        if successor is not None:
            self._hand_over(key_id, successor)
        if not self._keys.revoke(key_id):
            raise _missing(key_id)
        with suppress(FileNotFoundError):
            (self._folder / f"{key_id}.key").unlink()
        return next(key for key in self._keys.list() if key.id == key_id)

    def has_taken_over(self, key_id: str, old: str) -> bool:
        """Whether `key_id` is in the place of the key `old`: that one opens nothing now, or the home's first token is the new one's."""
        first = self._verified(self._first_key_file)
        is_open = any(key.id == old and key.revoked_at is None for key in self._keys.list())
        return not is_open or (first is not None and first.key_id == key_id)

    def _hand_over(self, key_id: str, successor: str) -> None:
        token = self._token(self._folder / f"{successor}.key")
        caller = self._keys.verify(token) if token is not None else None
        if token is None or caller is None or caller.key_id != successor:
            raise _missing(successor)
        first = self._verified(self._first_key_file)
        if first is not None and first.key_id == key_id:
            write_private(self._first_key_file, token + "\n")

    def require(self, key_id: str) -> StoredKey:
        """The key, which can be replaced. QRY_005 for one that is not there, was revoked, or stands in the environment."""
        found = next((key for key in self._keys.list() if key.id == key_id), None)
        if found is None or found.revoked_at is not None:
            raise _missing(key_id)
        if is_imported(found):
            remediation = "Set BOT_API_AUTH_TOKEN to another token and restart the API: that ends the old one."
            raise Fault("QRY_005", "This key stands in BOT_API_AUTH_TOKEN.", remediation=remediation)
        return found

    def _verified(self, file: Path) -> Caller | None:
        """Whose token stands in the file; null where there is none, or a key that is not open."""
        token = self._token(file)
        return self._keys.verify(token) if token is not None else None

    @staticmethod
    def _token(file: Path) -> str | None:
        try:
            return file.read_text().strip() or None
        except (OSError, UnicodeDecodeError):
            return None


def _missing(key_id: str) -> Fault:
    remediation = "Run `botgraph key list` to see all keys with their ids."
    return Fault(
        "QRY_005", f"There is no open key `{key_id[:40]}`.", remediation=remediation, context={"keyId": key_id[:40]}
    )
