"""Of which documents somebody is still to be told: an entry is there before a document's record, until they were.

So no document is forgotten, whoever is killed when; what is told is the record, so none is told of before it exists.
Of an entry without a record, its document is about to be committed, or it never will be: a sweep removes that one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from bannette.binder.fields import Unreadable, json_bytes
from bannette.binder.layout import OUTBOX, document_of_entry, record_key
from bannette.binder.records import Record
from bannette.binder.store import Store
from bannette.binder.store_errors import NotFound

OUTBOX_SCHEMA = "bannette.io/outbox/v1"


class Outbox:
    """The outbox of the binder in *store*; methods raise PersonNeeded and Transient as the store's operations do."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def oldest(self, most: int) -> list[str]:
        """Return the keys of the *most* oldest entries, in their order. One listing."""
        return heapq.nsmallest(most, self._entries())

    def count(self) -> int:
        return sum(1 for _ in self._entries())

    def record(self, entry: str) -> Record | None:
        """Return the record of the document that *entry* is for; None if nobody is to be told of it now.

        An entry that nobody will ever be told of goes: that of a withheld duplicate. One whose record is damaged stays.
        """
        try:
            record = Record.parse(self._store.get(record_key(document_of_entry(entry) or "")))
        except (NotFound, Unreadable):
            return None
        if record.withheld:
            self.remove(entry)
            return None
        return record

    def remove(self, entry: str) -> None:
        """They were told."""
        self._store.delete(entry)

    def _entries(self) -> Iterator[str]:
        return (key for key in self._store.keys(OUTBOX) if document_of_entry(key) is not None)


def outbox_entry(document: str) -> bytes:
    """The content of a document's entry; it repeats what the key says."""
    return json_bytes({"schema": OUTBOX_SCHEMA, "id": document, "record": record_key(document)})
