"""A million document ids in a few bytes each."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable

_BYTES = 16


def digest(key: str) -> str:
    """As much of any key as tells it from millions of others, in the form of an id."""
    return hashlib.blake2b(key.encode(), digest_size=_BYTES).hexdigest()


class KnownIds:
    """An immutable set of document ids: ``id in known``, ``len(known)``. 16 bytes an id, plus some kB."""

    def __init__(self, ids: Iterable[str]) -> None:
        gathered: dict[int, bytearray] = {}
        for document in ids:
            identity = bytes.fromhex(document)
            gathered.setdefault(identity[0], bytearray()).extend(identity)
        self._sorted: dict[int, bytes] = {}
        while gathered:
            first, block = gathered.popitem()
            parts = {bytes(block[at : at + _BYTES]) for at in range(0, len(block), _BYTES)}
            self._sorted[first] = b"".join(sorted(parts))

    def __contains__(self, document: object) -> bool:
        if not isinstance(document, str):
            return False
        identity = bytes.fromhex(document)
        block = self._sorted.get(identity[0], b"")
        count = len(block) // _BYTES
        at = bisect_left(range(count), identity, key=lambda i: block[i * _BYTES : (i + 1) * _BYTES])
        return at < count and block[at * _BYTES : (at + 1) * _BYTES] == identity

    def __len__(self) -> int:
        return sum(len(block) for block in self._sorted.values()) // _BYTES
