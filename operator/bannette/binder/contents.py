"""Who is the first document with given bytes, decided by put-if-absent alone.

A document claims its bytes before its record is written. A claim whose document has no record may be of a writer that
was killed, or of one that is about to write the record; nobody can tell. So a later document waits a while for that
record and then takes over by putting the next claim, which only one can; and a writer that took long looks, before it
writes its record, whether it was taken over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bannette.binder.layout import contents_key, is_id, is_sha256, record_key
from bannette.binder.records import Record
from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists, NotFound

# Long enough to be sure in spite of clocks that disagree: a claim of this age is nobody's that still runs.
_ABANDONED = timedelta(minutes=15)
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A document's right to be the first with its bytes, until somebody takes over."""

    document: str
    sha256: str
    number: int
    made: float

    @property
    def key(self) -> str:
        return contents_key(self.sha256, self.number)


class Contents:
    """The claims of a binder.

    Args:
        patience: seconds to wait for the record of another document's claim before it is taken over.
    """

    def __init__(self, store: Store, *, patience: float = 30.0) -> None:
        self._store = store
        self._patience = patience

    def first(self, sha256: str, *, apart_from: str | None = None) -> Record | None:
        """Return the record of the first document with these bytes, if one was collected."""
        number = 0
        while (owner := self._owner(sha256, number)) is not None:
            if owner != apart_from and (record := self._record_with(owner, sha256)) is not None:
                return record
            number += 1
        return None

    def claim(self, document: str, sha256: str) -> Claim | Record:
        """Make *document* the first with these bytes, or return the record of the document that is."""
        number = 0
        absent = False
        while True:
            # Others may wait for it from the moment when it is there, however late that is confirmed.
            claim = Claim(document=document, sha256=sha256, number=number, made=time.monotonic())
            try:
                self._store.put_new(claim.key, document.encode())
            except AlreadyExists:
                owner = self._owner(sha256, number) or ""
                if owner == document and absent:
                    return claim  # Its confirmation was lost, and the repeat of the request met it.
                # An earlier claim of this document itself is renewed, so that nobody takes it over meanwhile.
                if owner != document and (record := self._settled(owner, sha256, number)) is not None:
                    return record
                number += 1
                absent = self._owner(sha256, number) is None
            else:
                return claim

    def was_claimed_by(self, document: str, sha256: str) -> bool:
        """Whether an earlier attempt at *document* came as far as a claim."""
        number = 0
        while (owner := self._owner(sha256, number)) is not None:
            if owner == document:
                return True
            number += 1
        return False

    def holds(self, claim: Claim) -> bool:
        """Whether nobody can have taken over *claim*. Costs a request only if it is older than a third of patience."""
        if time.monotonic() - claim.made < self._patience / 3:
            return True
        return self._owner(claim.sha256, claim.number + 1) in (None, claim.document)

    def _settled(self, owner: str, sha256: str, number: int) -> Record | None:
        """Wait for what becomes of a claim; return the record if its document was collected with these bytes."""
        deadline = time.monotonic() + self._patience
        while True:
            if not is_id(owner):
                return None
            if (record := self._record(owner)) is not None:
                # With other bytes: edited between two attempts.
                return self._root(record) if record.sha256 == sha256 else None
            claimed = self._store.head(contents_key(sha256, number))
            old = claimed is None or datetime.now(UTC) - claimed.modified_at > _ABANDONED
            succeeded = self._store.head(contents_key(sha256, number + 1)) is not None
            if old or succeeded or time.monotonic() >= deadline:
                return None
            threading.Event().wait(_POLL_SECONDS)

    def _owner(self, sha256: str, number: int) -> str | None:
        """The id in a claim; None without one; not an id if a power failure left it empty."""
        try:
            return self._store.get(contents_key(sha256, number)).decode(errors="replace").strip()
        except NotFound:
            return None

    def _record_with(self, document: str, sha256: str) -> Record | None:
        """The record of *document*, or of the first that it repeats, if it has these bytes."""
        record = self._record(document)
        return self._root(record) if record is not None and record.sha256 == sha256 else None

    def _root(self, record: Record) -> Record | None:
        """The first document with the bytes of *record*, which may have been delivered although it repeats them."""
        first = self._record(record.duplicate_of) if record.duplicate_of else None
        return first or (None if record.withheld else record)

    def _record(self, document: str) -> Record | None:
        if not is_id(document):
            return None
        try:
            return Record.parse(self._store.get(record_key(document)))
        except NotFound:
            return None


def whole_chains(keys: Iterable[str]) -> Iterator[str]:
    """Yield these claims with all that precede them: a listing may show one without another that was made before."""
    last: dict[str, int] = {}
    for key in keys:
        first, _, number = key.partition(".")
        if is_sha256(first.rpartition("/")[2]) and (number.isdecimal() or not number):
            last[first] = max(int(number or 0), last.get(first, 0))
    for first, highest in last.items():
        yield from (f"{first}.{number}" if number else first for number in range(highest + 1))
