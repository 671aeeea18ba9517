"""Frames: what a server's text messages look like on the wire (RFC 6455), put together from parts that many sockets share."""

import struct

from graph.guard.json import as_json
from graph.live.payload import Payload

_TEXT = 0x81
_DEFLATED_TEXT = 0xC1
_LONGEST_BLOCK = 0xFFFF


def opening(id: str) -> bytes:
    """What stands before the payload of a `next` message; a brace stands behind it."""
    return b'{"type":"next","id":' + as_json(id) + b',"payload":'


def text(raw: bytes) -> bytes:
    """A whole text message."""
    return _head(len(raw), _TEXT) + raw


def message(before: bytes, payload: Payload) -> bytes:
    """A `next` message."""
    raw = payload.raw
    return b"".join((_head(len(before) + len(raw) + 1, _TEXT), before, raw, b"}"))


def deflated_message(before: bytes, payload: Payload, bits: int) -> bytes:
    """A `next` message, compressed: the opening is the socket's own and stored as it is, what follows is everyone's."""
    size = len(before)
    if size > _LONGEST_BLOCK:
        return message(before, payload)
    shared = payload.deflated(bits)
    own = struct.pack("<BHH", 0, size, size ^ _LONGEST_BLOCK)
    return b"".join((_head(len(own) + size + len(shared), _DEFLATED_TEXT), own, before, shared))


def _head(size: int, kind: int) -> bytes:
    if size < 126:  # noqa: PLR2004 - RFC 6455: larger sizes stand in two or in eight bytes
        return bytes((kind, size))
    if size <= 0xFFFF:  # noqa: PLR2004
        return struct.pack("!BBH", kind, 126, size)
    return struct.pack("!BBQ", kind, 127, size)
