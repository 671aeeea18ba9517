"""Tokens: proof that a caller saw what a write would do before it asks for it.

A dry run of risk HIGH answers with a token, and the write runs only with it. A token is an id and the time when it ends, signed together
with what it was given for: the purpose, the caller's key, the operation and the digest of its input. So it opens that one write of that
one caller, for 120 seconds of wall clock; that it opens it once is the store's part, which keeps the id of each token that was used up.
Nothing is kept of a token that was given out.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.services.private_file import ensure_private

LIFETIME = timedelta(seconds=120)
"""Wall-clock time from the dry run to the write."""

_MARK = "ct_"
_ID_BYTES = 14  # with what follows a multiple of three: base64 without padding
_TIME_BYTES = 8
_MAC_BYTES = 32
_SECRET_BYTES = 32
_LENGTH = len(_MARK) + 4 * (_ID_BYTES + _TIME_BYTES + _MAC_BYTES) // 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token that was given out."""

    token: str
    """What the caller sends back."""
    expires_at: datetime
    """When it ends, wall clock, UTC."""


class Tokens:
    """Gives tokens out and checks them."""

    def __init__(self, secret: bytes, clock: Clock, *, new_id: Callable[[int], bytes] = os.urandom) -> None:
        if len(secret) < _SECRET_BYTES:
            raise ValueError(f"Expected a secret of at least {_SECRET_BYTES} bytes, was {len(secret)}.")
        self._secret = secret
        self._clock = clock
        self._new_id = new_id

    def issue(self, *, purpose: str, key_id: str, subject: str) -> Issued:
        """A token for `subject` (operation and digest) and this caller's key, good for 120 seconds."""
        ends = self._clock.now() + LIFETIME
        microseconds = (ends - _EPOCH) // timedelta(microseconds=1)
        head = self._new_id(_ID_BYTES) + microseconds.to_bytes(_TIME_BYTES, "big")
        raw = head + self._signature(head, purpose=purpose, key_id=key_id, subject=subject)
        return Issued(token=_MARK + base64.urlsafe_b64encode(raw).decode(), expires_at=ends)

    def verify(self, token: str, *, purpose: str, key_id: str, subject: str) -> str:
        """The id of a token that is good for just this; whether it was used before is for the store to say.

        Raises QRY_009 for one that was given for something else or to someone else, was made up, or has expired.
        """
        raw = _decoded(token)
        head, signature = raw[: _ID_BYTES + _TIME_BYTES], raw[_ID_BYTES + _TIME_BYTES :]
        if not hmac.compare_digest(signature, self._signature(head, purpose=purpose, key_id=key_id, subject=subject)):
            raise Fault("QRY_009", "The token is not from a dry run of just this input by this key.")
        ends = _EPOCH + timedelta(microseconds=int.from_bytes(head[_ID_BYTES:], "big"))
        late = self._clock.now() - ends
        if late >= timedelta(0):
            raise Fault("QRY_009", f"The token expired {late.total_seconds():.0f} s ago; it is good for 120 s.")
        return head[:_ID_BYTES].hex()

    def _signature(self, head: bytes, *, purpose: str, key_id: str, subject: str) -> bytes:
        # Each part with its length before it: no two sets of parts are signed alike.
        parts = (head, purpose.encode(), key_id.encode(), subject.encode())
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._secret, message, hashlib.sha256)


def load_secret(path: Path) -> bytes:
    """The secret of this home, made at the first start with mode 0600. SYS_007 when it can't be made or read."""
    text = ensure_private(path, os.urandom(_SECRET_BYTES).hex() + "\n").strip()
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise Fault(
            "SYS_007",
            f"The file `{path.name}` does not hold a secret of {_SECRET_BYTES} bytes in hexadecimal.",
            remediation="Delete the file in context.file and start again: a new one is made, and tokens given out before are void.",
            context={"file": path.name},
        )
    return secret


def _decoded(token: str) -> bytes:
    """The bytes of a token; QRY_009 for what can't be one."""
    if len(token) == _LENGTH and token.startswith(_MARK):
        try:
            return base64.b64decode(token[len(_MARK) :], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            pass
    raise Fault("QRY_009", "What was sent as a token is none.")
