"""Plan tokens: a change of the configuration as its caller saw it in the plan, sealed, so that configApply does exactly that.

The change itself travels in the token, compressed against the version that it changes; nothing is kept of a token that was given out
(docs/adr/0011). It is bound to bot, base version, content, caller and time; that it opens once is the store's part.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from trading_bot.clock import Clock
from trading_bot.errors.fault import Fault
from trading_bot.services.tokens import LIFETIME
from trading_bot.store.configs import StoredConfig

LONGEST = 65_536
"""Characters of a token at most; a configuration that differs in everything has a tenth of that."""
_MARK = "pt_"
_PURPOSE = b"config-plan\x00"
_ID_BYTES = 16
_MAC_BYTES = 32
# Id, expiry in microseconds since 1970, base version, length of the bot's id.
_HEAD = struct.Struct(f">{_ID_BYTES}sqqB")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanClaim:
    """What a plan token says before it is opened: whatever it is worth."""

    bot_id: str
    """The bot whose configuration it changes."""
    base_version: int
    """The version that it changes."""
    token: str
    """The token as it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedChange:
    """What a good plan token holds."""

    token_id: str
    """Names the token: each is good for one write."""
    values: dict[str, Any]
    """The whole configuration as it is to be."""


class PlanTokens:
    """Gives plan tokens out and opens them."""

    def __init__(self, secret: bytes, clock: Clock, *, new_id: Callable[[int], bytes] = os.urandom) -> None:
        self._secret = secret
        self._clock = clock
        self._new_id = new_id

    def issue(self, *, bot_id: str, base: StoredConfig, values: Mapping[str, Any], key_id: str) -> str:
        """A token that changes `base` into `values`, good for this caller's key and for 120 seconds."""
        ends = (self._clock.now() + LIFETIME - _EPOCH) // _MICROSECOND
        name = bot_id.encode()
        head = _HEAD.pack(self._new_id(_ID_BYTES), ends, base.version, len(name)) + name
        packer = zlib.compressobj(level=9, zdict=_canonical(base.values))
        sealed = head + packer.compress(_canonical(values)) + packer.flush()
        return _MARK + base64.urlsafe_b64encode(sealed + self._signature(sealed, key_id)).decode().rstrip("=")

    def open(self, claim: PlanClaim, *, base: StoredConfig | None, key_id: str) -> SealedChange:
        """What the token changes `base` into; `base` is the stored version that the claim names.

        Raises QRY_009 for one that was given to someone else, was made up, or has expired.
        """
        raw = _decoded(claim.token)
        sealed, signature = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if base is None or not hmac.compare_digest(signature, self._signature(sealed, key_id)):
            raise not_good("The plan token is not from a configPlan of this key, or was changed on its way.")
        token_id, ends, _, length = _HEAD.unpack_from(sealed)
        late = self._clock.now() - (_EPOCH + ends * _MICROSECOND)
        if late >= timedelta(0):
            raise not_good(f"The plan token expired {late.total_seconds():.0f} s ago; it is good for 120 s.")
        # Signed by us, so it is no bomb: it unpacks to a configuration that was planned.
        unpacker = zlib.decompressobj(zdict=_canonical(base.values))
        try:
            values = orjson.loads(unpacker.decompress(sealed[_HEAD.size + length :]) + unpacker.flush())
        except zlib.error:  # a store that was put back has another version of that number
            raise not_good("The version that the plan token changes was replaced by another of its number.") from None
        return SealedChange(token_id=token_id.hex(), values=values)

    def _signature(self, sealed: bytes, key_id: str) -> bytes:
        # What follows the purpose is of a known length: no two sets of parts are signed alike.
        key = key_id.encode()
        message = _PURPOSE + len(key).to_bytes(4, "big") + key + sealed
        return hmac.digest(self._secret, message, hashlib.sha256)


def claim_of(token: str) -> PlanClaim:
    """What `token` says that it is about; QRY_009 for what can't be one."""
    sealed = _decoded(token)[:-_MAC_BYTES]
    if len(sealed) >= _HEAD.size:
        _, _, version, length = _HEAD.unpack_from(sealed)
        name = sealed[_HEAD.size : _HEAD.size + length]
        if len(name) == length and name.isascii():
            return PlanClaim(bot_id=name.decode(), base_version=version, token=token)
    raise not_good("What was sent as planToken is none.")


def not_good(cause: str) -> Fault:
    """QRY_009 for a plan token, with the way to a good one."""
    return Fault(
        "QRY_009",
        cause,
        remediation="Send the change to configPlan again, and its planToken to configApply within 120 s.",
    )


def _canonical(values: Mapping[str, Any]) -> bytes:
    return orjson.dumps(values)


def _decoded(token: str) -> bytes:
    if token.startswith(_MARK) and len(token) <= LONGEST:
        text = token.removeprefix(_MARK)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            pass
    raise not_good("What was sent as planToken is none.")
