"""Messages of graphql-transport-ws: what a client may send, and what is wrong with anything else.

https://github.com/graphql/graphql-over-http and the protocol text of the graphql-ws library are the references for types and close codes.
"""

from typing import Any

import orjson

PROTOCOL = "graphql-transport-ws"
MOST_BYTES = 65_536

INVALID_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
BAD_PROTOCOL = 4406
INIT_TIMEOUT = 4408
ID_IN_USE = 4409
TOO_MANY_INITS = 4429
NOTHING_MORE = 1000
TRY_LATER = 1013

_LONGEST_REASON = 123  # bytes: RFC 6455
_WITHOUT_ID = frozenset({"connection_init", "ping", "pong"})
_WITH_ID = frozenset({"subscribe", "complete"})


class MalformedMessageError(Exception):
    """What came is no message of the protocol; its text says what was expected."""


class ClosedError(Exception):
    """The socket must be closed, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read(text: str | None) -> dict[str, Any]:
    """The message that a frame holds (null for a binary one); MalformedMessageError when it is none."""
    if text is None:
        raise MalformedMessageError("Messages must be text frames")
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise MalformedMessageError(f"Messages may have at most {MOST_BYTES} bytes")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MalformedMessageError("Messages must be JSON") from None
    if not isinstance(message, dict):
        raise MalformedMessageError("Messages must be JSON objects")
    _check(message)
    return message


def close_reason(text: str) -> str:
    """`text` cut to what a close frame holds: 123 bytes."""
    raw = text.encode("utf-8", "replace")
    return raw.decode() if len(raw) <= _LONGEST_REASON else raw[: _LONGEST_REASON - 3].decode("utf-8", "ignore") + "…"


def _check(message: dict[str, Any]) -> None:
    kind = message.get("type")
    payload = message.get("payload")
    if not isinstance(kind, str) or kind not in _WITHOUT_ID | _WITH_ID:
        raise MalformedMessageError("The message's type must be connection_init, ping, pong, subscribe or complete")
    if kind in _WITHOUT_ID:
        if payload is not None and not isinstance(payload, dict):
            raise MalformedMessageError(f"The payload of {kind} must be an object")
        return
    if not isinstance(message.get("id"), str) or not message["id"]:
        raise MalformedMessageError(f"The id of {kind} must be a string that is not empty")
    if kind == "subscribe":
        _check_subscribe(payload)


def _check_subscribe(payload: object) -> None:
    if not isinstance(payload, dict):
        raise MalformedMessageError("The payload of subscribe must be an object")
    if not isinstance(payload.get("query"), str):
        raise MalformedMessageError("payload.query must be a string")
    for name, kind, words in (
        ("operationName", str, "a string"),
        ("variables", dict, "an object"),
        ("extensions", dict, "an object"),
    ):
        if not isinstance(payload.get(name), kind | None):
            raise MalformedMessageError(f"payload.{name} must be {words}")
