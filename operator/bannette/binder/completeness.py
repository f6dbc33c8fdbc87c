"""Whether records have what they need beside their files: the first that they repeat, an inbox entry, a claim.

Millions of records are remembered meanwhile, so by a few bytes each.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from bannette.binder.findings import Damage, Findings, Leftover
from bannette.binder.known import KnownIds, digest
from bannette.binder.layout import (
    CONTENTS,
    INBOX,
    PROCESSED,
    contents_key,
    document_of_entry,
    is_id,
    is_sha256,
    packed_entry,
    processed_key,
    record_key,
    unpacked_entry,
)
from bannette.binder.records import Record, inbox_entry
from bannette.binder.store import Meta, Store
from bannette.binder.store_errors import AlreadyExists, NotFound

_ID = 16


class Completeness:
    """What the records call for, gathered by expect(); then compared with what there is.

    Args:
        left_over: told of what no record calls for.
        repair: put back what is missing.
        content: read every claim; else only those that a listing doesn't settle.
    """

    def __init__(
        self,
        store: Store,
        findings: Findings,
        *,
        left_over: Callable[[Leftover, str, Meta], None],
        repair: bool,
        content: bool,
    ) -> None:
        self._store = store
        self._findings = findings
        self._left_over = left_over
        self._repair = repair
        self._content = content
        self._lock = threading.Lock()
        self._entries = bytearray()  # as packed_entry makes them
        self._firsts = bytearray()  # id, and the id of the first that it repeats
        self._owners: dict[str, bytearray] = {}  # by shard of the hash: half of the hash, and the id

    def expect(self, record: Record) -> None:
        """Remember what *record* calls for."""
        document = bytes.fromhex(record.id)
        with self._lock:
            if not record.withheld:
                self._entries += packed_entry(record.inbox_key) or b""
            if record.duplicate_of is None:
                owners = self._owners.setdefault(record.sha256[:2], bytearray())
                owners += bytes.fromhex(record.sha256[:32]) + document
            elif is_id(record.duplicate_of):
                self._firsts += document + bytes.fromhex(record.duplicate_of)
            else:
                self._findings.damaged(Damage.FIRST_MISSING, record.id)

    def check_firsts(self, known: KnownIds) -> None:
        """Check that there is a record of every document that others repeat."""
        for document, first in _pairs(self._firsts):
            if first.hex() not in known and self._store.head(record_key(first.hex())) is None:
                self._findings.damaged(Damage.FIRST_MISSING, document.hex())

    def check_inbox(self, known: KnownIds) -> None:
        """Check that what isn't processed is in the inbox, and what is processed was collected."""
        called_for = KnownIds(digest(unpacked_entry(packed)) for packed in _pieces(self._entries, 20))
        listed = KnownIds(self._listed(called_for))
        processed = KnownIds(self._processed(known))
        for packed in _pieces(self._entries, 20):
            document, key = packed[:_ID].hex(), unpacked_entry(packed)
            if document in processed:
                if digest(key) in listed and (found := self._store.head(key)) is not None:
                    self._left_over(Leftover.INBOX_ENTRIES, key, found)
            elif digest(key) in listed:
                self._findings.waiting += 1
            else:
                self._check_entry(document, key)

    def check_claims(self, shard: str) -> None:
        """Check that the first with its bytes is known as such, for bytes whose hash begins with *shard*.

        Claims without a record stay: whoever takes over puts the next number, and a number that went missing below it
        would hide that one.
        """
        claims: dict[bytes, list[Meta]] = {}
        for found in self._store.list(f"{CONTENTS}/{shard}"):
            sha256 = found.key.rpartition("/")[2].partition(".")[0]
            if is_sha256(sha256):
                claims.setdefault(bytes.fromhex(sha256[: 2 * _ID]), []).append(found)
        owners = bytes(self._owners.get(shard, b""))
        counted = Counter(half for half, _ in _pairs(owners))
        for half, document in _pairs(owners):
            there = claims.get(half, [])
            # One claim of the size of an id, and one document that may have made it: no need to read it.
            settled = len(there) == 1 and there[0].size == 2 * _ID and "." not in there[0].key and counted[half] == 1
            if self._content or not settled:
                self._check_claim(document.hex())
        for half, there in claims.items():
            if half not in counted:
                for claim in there:
                    self._left_over(Leftover.CLAIMS, claim.key, claim)

    def _listed(self, called_for: KnownIds) -> Iterator[str]:
        for found in self._store.list(INBOX):
            name = digest(found.key)
            if name not in called_for and document_of_entry(found.key) is not None:
                self._left_over(Leftover.INBOX_ENTRIES, found.key, found)
            yield name

    def _processed(self, known: KnownIds) -> Iterator[str]:
        for key in self._store.keys(PROCESSED):
            document = document_of_entry(key)
            if document is not None:
                if document not in known and self._store.head(record_key(document)) is None:
                    self._findings.damaged(Damage.RECORD_MISSING, document)
                yield document

    def _check_entry(self, document: str, key: str) -> None:
        """Look once more for what two listings didn't show together, and mend what is missing."""
        if self._store.head(key) is not None or self._store.head(processed_key(document)) is not None:
            return
        if self._repair:
            with suppress(AlreadyExists):
                self._store.put_new_durable(key, inbox_entry(document))
            if self._store.head(processed_key(document)) is not None:
                self._store.delete(key)
        self._findings.damaged(Damage.INBOX_ENTRY_MISSING, document, repaired=self._repair)

    def _check_claim(self, document: str) -> None:
        """Follow the claims as a commit would; without one of *document* its bytes would be delivered once more."""
        try:
            sha256 = Record.parse(self._store.get(record_key(document))).sha256
        except NotFound:
            return
        number = 0
        with suppress(NotFound):
            while self._store.get(contents_key(sha256, number)).decode(errors="replace").strip() != document:
                number += 1
            return
        if self._repair:
            while not self._claimed(contents_key(sha256, number), document):
                number += 1
        self._findings.damaged(Damage.CLAIM_MISSING, document, repaired=self._repair)

    def _claimed(self, key: str, document: str) -> bool:
        try:
            self._store.put_new_durable(key, document.encode())
        except AlreadyExists:
            return False
        return True


def _pairs(packed: bytes | bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Yield what was packed: an id or half a hash, and an id."""
    for pair in _pieces(packed, 2 * _ID):
        yield pair[:_ID], pair[_ID:]


def _pieces(packed: bytes | bytearray, size: int) -> Iterator[bytes]:
    for at in range(0, len(packed), size):
        yield bytes(packed[at : at + size])
