"""quickXorHash, the only hash that OneDrive computes everywhere.

A register of 160 bits; byte *i* is XORed in at bit 11·i mod 160, and the length into the last 8 bytes. The position of
a byte has a period of 160 bytes, so whole columns are folded with big integers first: hundreds of MB/s in pure Python.

Source: Microsoft, "Code snippets: QuickXorHash algorithm".
"""

from __future__ import annotations

import base64

_BITS = 160
_PERIOD = 160
_BLOCK = _PERIOD << 9


class QuickXorHash:
    """The hash of bytes that come in pieces."""

    def __init__(self) -> None:
        self._columns = 0
        self._length = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes."""
        view = memoryview(data)
        offset = self._length % _PERIOD
        self._length += len(view)
        if offset:
            head, view = view[: _PERIOD - offset], view[_PERIOD - offset :]
            self._columns ^= int.from_bytes(head, "little") << (8 * offset)
        for start in range(0, len(view), _BLOCK):
            self._columns ^= _fold(view[start : start + _BLOCK])

    def digest(self) -> bytes:
        """Return the 20 bytes of the hash of what came so far."""
        register = 0
        for index, byte in enumerate(self._columns.to_bytes(_PERIOD, "little")):
            shifted = byte << (11 * index % _BITS)
            register ^= (shifted & ((1 << _BITS) - 1)) | (shifted >> _BITS)
        register ^= (self._length & (2**64 - 1)) << (_BITS - 64)
        return register.to_bytes(_BITS // 8, "little")

    def base64(self) -> str:
        """Return the hash as Graph writes it."""
        return base64.b64encode(self.digest()).decode()


def _fold(block: memoryview) -> int:
    # Halving: XOR the upper half of the rows onto the lower one until one row is left.
    value = int.from_bytes(block, "little")
    size = _PERIOD
    while size < len(block):
        size *= 2
    while size > _PERIOD:
        size //= 2
        value = (value >> (8 * size)) ^ (value & ((1 << (8 * size)) - 1))
    return value
