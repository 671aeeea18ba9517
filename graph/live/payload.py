"""Payload: one answer as bytes, written once for all who are sent it, and compressed once for those who can take that."""

import zlib

SMALLEST_DEFLATED = 1_024
"""Bytes of the smallest answer that is worth compressing."""
_LEVEL = 6
_SYNC_MARK = b"\x00\x00\xff\xff"
"""What a flushed block ends with, and a WebSocket message goes without (RFC 7692)."""


class Payload:
    """One answer, as the payload of a message."""

    __slots__ = ("_deflated", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._deflated: dict[int, bytes] = {}

    @property
    def is_large(self) -> bool:
        """Whether it is worth compressing."""
        return len(self.raw) >= SMALLEST_DEFLATED

    def deflated(self, bits: int) -> bytes:
        """The answer and the brace that ends its message, as blocks with a window of 2 ** `bits` bytes.

        They refer to nothing before them, so any message may begin with blocks of its own and go on with these.
        """
        known = self._deflated.get(bits)
        if known is None:
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -bits)
            packed = packer.compress(self.raw) + packer.compress(b"}") + packer.flush(zlib.Z_SYNC_FLUSH)
            known = self._deflated[bits] = packed.removesuffix(_SYNC_MARK)
        return known
