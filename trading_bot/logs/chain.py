"""Chain: one line of the audit log as bytes, and how it hangs on the one before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from trading_bot.logs.secrets import Secrets

GENESIS = "0" * 64
"""What the first line of a stream hangs on."""
_NO_SECRETS = Secrets()
_STAMP = len("2025-01-06T17:00:00.000000+00:00")
_HASH_FIELD = b',"hash":"'
_ENDING = len(_HASH_FIELD) + 64 + len(b'"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the log itself wrote into a line."""

    seq: int
    """Number in the stream, from 1."""
    outbox: int
    """Number in the store's outbox."""
    bot_id: str
    """Whose outbox."""
    prev: str
    """Hash of the line before."""
    hash: str
    """Hash of this one."""


def stamp(moment: datetime) -> bytes:
    """A moment as it stands in a line: ISO 8601 to the microsecond, in UTC."""
    text = orjson.dumps(moment)[1:-1]  # the fastest way to write one
    return text if len(text) == _STAMP else moment.isoformat(timespec="microseconds").encode()


def chained(  # noqa: PLR0917 - called for each line: names would cost as much as the sum
    record: Mapping[str, Any], seq: int, at: bytes, outbox: int, prev: str, secrets: Secrets = _NO_SECRETS
) -> tuple[bytes, str]:
    """The line of `record` without any of the secrets, ending in a newline, and its hash."""
    # Put together by hand: to copy the record into a larger dict would take longer than all the rest.
    own = orjson.dumps(record)[1:-1]
    if secrets.are_in(own):
        own = orjson.dumps(secrets.without(record))[1:-1]
    comma = b"," if own else b""
    body = b'{"seq":%d,"ts":"%b","outbox":%d,%b%b"prev":"%b"' % (seq, at, outbox, own, comma, prev.encode())
    digest = hashlib.sha256(body + b"}").hexdigest()
    return body + _HASH_FIELD + digest.encode() + b'"}\n', digest


def parsed(raw: bytes) -> Line | None:
    """What stands in a line (without its newline); null when it is not one or its hash is wrong."""
    body = raw[:-_ENDING] + b"}"
    digest = hashlib.sha256(body).hexdigest()
    if raw[-_ENDING:] != b"".join((_HASH_FIELD, digest.encode(), b'"}')):
        return None
    try:
        data = orjson.loads(body)
        line = Line(
            seq=data["seq"], outbox=data["outbox"], bot_id=data.get("bot_id", ""), prev=data["prev"], hash=digest
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    return line
