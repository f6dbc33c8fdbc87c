"""quickXorHash, the only hash that work and personal drives have in common.

Byte i is XORed into a 160-bit register at bit (11 * i mod 160), wrapping; the last 8 of the 20 little-endian bytes are
XORed with the length. As 11 * 160 is a multiple of 160, bytes 160 apart meet in the same place: a content is first
folded into 160 columns (by big integers, hundreds of MB/s), and columns are linear, so those of a concatenation at a
multiple of 160 are the XOR of both.

Source: Microsoft, "Code Snippets: QuickXorHash Algorithm".
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from operator import itemgetter

COLUMNS = 160
_BITS = 160
_MASK = (1 << _BITS) - 1
# The columns that meet a byte of the register at its bit 0, 1, … 7, in the order of those bytes.
_GATHERED = [
    itemgetter(*[(8 * place + shift) * pow(11, -1, _BITS) % _BITS for place in range(_BITS // 8)]) for shift in range(8)
]


def columns(data: bytes) -> int:
    """Fold *data* into 160 columns, as a little-endian integer of 160 bytes."""
    while len(data) > COLUMNS:
        blocks = -(-len(data) // COLUMNS)
        half = -(-blocks // 2) * COLUMNS
        low, high = data[:half], data[half:]
        folded = int.from_bytes(low, "little") ^ int.from_bytes(high, "little")
        data = folded.to_bytes(max(len(low), len(high)), "little")
    return int.from_bytes(data, "little")


def digest(folded: int, length: int) -> bytes:
    """Return the 20 bytes of the hash of a content of *length* bytes with these *folded* columns."""
    data = folded.to_bytes(COLUMNS, "little")
    register = 0
    for shift, gathered in enumerate(_GATHERED):
        register ^= int.from_bytes(bytes(gathered(data)), "little") << shift
    register = (register & _MASK) ^ (register >> _BITS) ^ (length << (_BITS - 64))
    return register.to_bytes(20, "little")


def of_chunks(chunks: Iterable[bytes]) -> bytes:
    """Return the hash of a content that comes in chunks, each but the last a multiple of 160 bytes long."""
    folded = length = 0
    for chunk in chunks:
        folded ^= columns(chunk)
        length += len(chunk)
    return digest(folded, length)


def encode(value: bytes) -> str:
    return base64.b64encode(value).decode()
