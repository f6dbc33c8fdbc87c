"""What waits for data entry, as two listings tell it: no record is read for it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from bannette.binder.known import KnownIds
from bannette.binder.layout import packed_entry

_ENTRY: Final = 20
_DAY: Final = 4


class Waiting:
    """The documents of the inbox at one moment; immutable. 40 bytes a document, whatever their number.

    Some may have no record yet.

    Args:
        entries: keys below ``inbox/``; processed: the ids that are done.
    """

    def __init__(self, entries: Iterable[str], processed: KnownIds) -> None:
        packed = [entry[16:] + entry[:16] for entry in filter(None, map(packed_entry, entries))]
        packed = [entry for entry in packed if entry[_DAY:].hex() not in processed]
        packed.sort()
        self._ids = KnownIds(entry[_DAY:].hex() for entry in packed)
        if len(self._ids) != len(packed):
            # Of two entries of one document the older one counts.
            first: dict[bytes, bytes] = {}
            for entry in packed:
                first.setdefault(entry[_DAY:], entry)
            packed = sorted(first.values())
        self._entries = b"".join(packed)

    def __contains__(self, document: object) -> bool:
        return document in self._ids

    def __len__(self) -> int:
        return len(self._entries) // _ENTRY

    def newest(self, *, below: str | None = None, limit: int) -> list[str]:
        """Return the names of entries (``yyyymmdd-id``), the newest day first; those that come after *below*."""
        end = len(self) if below is None else self._place_of(below)
        return list(islice((self._name(at) for at in range(end - 1, -1, -1)), limit))

    def _place_of(self, name: str) -> int:
        """Return how many entries are before *name*, which may be gone."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._name(middle) < name:
                low = middle + 1
            else:
                high = middle
        return low

    def _name(self, at: int) -> str:
        entry = self._entries[at * _ENTRY : (at + 1) * _ENTRY]
        return f"{int.from_bytes(entry[:_DAY], 'big'):08d}-{entry[_DAY:].hex()}"
