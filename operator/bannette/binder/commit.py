"""Collecting one document into a binder: every file first, the record last.

Whatever happens in between, a repeat ends with one record, whose files are there. Young files of another attempt are
kept if they are byte-identical; otherwise this attempt's go into a folder of their own.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bannette.binder.contents import Claim, Contents
from bannette.binder.fields import json_bytes
from bannette.binder.layout import INBOX, file_key, is_id, record_key
from bannette.binder.outbox import outbox_entry
from bannette.binder.records import CommitOutcome, Committed, NewDocument, OnDuplicate, Record, inbox_entry
from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists
from bannette.errors import ItemDeferred

# Far below the age from which leftovers are swept; the difference is the time that a commit may take.
_YOUNG = timedelta(hours=1)


class Committer:
    """Commits documents into one binder; safe to use from several threads, and beside other processes."""

    def __init__(self, store: Store, contents: Contents, *, company: str) -> None:
        self._store = store
        self._contents = contents
        self._company = company
        # Within a process the same bytes wait here, so they are never copied or claimed twice at the same time.
        self._same_bytes = tuple(threading.Lock() for _ in range(256))

    def commit(self, new: NewDocument, on_duplicate: OnDuplicate, *, announced: bool) -> Committed:
        """Collect *new*; *announced*: with an entry in the outbox, unless it is withheld.

        Raises:
            ItemDeferred: the local original isn't what was downloaded.
            PersonNeeded, Transient: as the store's operations do.
        """
        if not is_id(new.id):
            raise ValueError(f"Not the id of a document: {new.id!r}.")
        with self._same_bytes[int(new.sha256[:2], 16)]:
            committed = None
            while committed is None:
                committed = self._attempt(new, on_duplicate, announced=announced)
            return committed

    def _attempt(self, new: NewDocument, on_duplicate: OnDuplicate, *, announced: bool) -> Committed | None:
        """Commit *new*; None if somebody took its claim or its files meanwhile, and it must be looked at anew."""
        begun = datetime.now(UTC)
        if self._store.head(record_key(new.id)) is not None:
            return self._seen(new)
        first = self._contents.first(new.sha256, apart_from=new.id)
        if first is not None and on_duplicate is OnDuplicate.SKIP:
            return self._withhold(new, first)
        if not new.untouched:
            _check_original(new)
        files, repeated = self._put_files(new)
        if files is None:
            return self._seen(new)
        claim: Claim | None = None
        if first is None:
            claimed = self._contents.claim(new.id, new.sha256)
            if isinstance(claimed, Claim):
                claim = claimed
                repeated = repeated or claim.number > 0
            elif on_duplicate is OnDuplicate.SKIP:
                return self._withhold(new, claimed)
            else:
                first = claimed
        record = self._record(new, files, first)
        self._store.put(record.inbox_key, inbox_entry(record.id))
        needed = [*files.values(), record.inbox_key]
        if announced:
            self._store.put(record.outbox_key, outbox_entry(record.id))
            needed.append(record.outbox_key)
        self._store.make_durable([*needed, *([claim.key] if claim else [])])
        if claim is not None and not self._contents.holds(claim):
            return None
        if datetime.now(UTC) - begun > _YOUNG and not self._are_there(needed):
            # This machine was asleep for so long that a sweep took them for those of a killed run.
            return None
        return self._put_record(record, CommitOutcome.COLLECTED, repeated=repeated)

    def _put_files(self, new: NewDocument) -> tuple[dict[str, str] | None, bool]:
        """Put the files; return their keys, None if the document was collected meanwhile, and whether some existed."""
        keys: dict[str, str] = {}
        repeated = False
        attempt = ""
        for role in sorted(new.files, key=lambda role: role != "original"):
            path = new.files[role]
            extension = new.extension if role == "original" else path.suffix
            keys[role] = key = file_key(new.id, new.sha256, role, extension=extension, attempt=attempt)
            try:
                self._store.put_new(key, path)
            except AlreadyExists:
                repeated = True
                if self._may_be_named(key, path):
                    continue
                if self._store.head(record_key(new.id)) is not None:
                    return None, True
                attempt = uuid.uuid4().hex[:8]
                keys[role] = key = file_key(new.id, new.sha256, role, extension=extension, attempt=attempt)
                self._store.put_new(key, path)
        return keys, repeated

    def _may_be_named(self, key: str, path: Path) -> bool:
        """Whether a record may name a file that another attempt put.

        Only what is young: older ones are swept, and a sweep can't know that a record is about to name them. They are
        not replaced either: a record may name them by now.
        """
        found = self._store.head(key)
        return found is not None and datetime.now(UTC) - found.modified_at < _YOUNG and self._store.holds(key, path)

    def _are_there(self, keys: list[str]) -> bool:
        return all(self._store.head(key) is not None for key in keys)

    def _withhold(self, new: NewDocument, first: Record) -> Committed:
        """Record *new* as a duplicate of *first*: no copy, nothing in the inbox."""
        repeated = self._contents.was_claimed_by(new.id, new.sha256)
        record = self._record(new, dict(first.files), first)
        return self._put_record(record, CommitOutcome.DUPLICATE, repeated=repeated)

    def _put_record(self, record: Record, outcome: CommitOutcome, *, repeated: bool) -> Committed:
        """Put *record*; afterwards remove what earlier attempts of other days, or this one, left in the inbox."""
        data = json_bytes(record.to_dict())
        kept = record
        try:
            self._store.put_new_durable(record.key, data)
        except AlreadyExists:
            there = self._store.get(record.key)
            # An object store may have kept what it didn't confirm: then the repeat of the request meets our own record.
            if there != data:
                kept, outcome, repeated = Record.parse(there), CommitOutcome.ALREADY_SEEN, True
        if repeated:
            self._clear_inbox(kept)
        return Committed(outcome=outcome, record=kept)

    def _seen(self, new: NewDocument) -> Committed:
        return Committed(outcome=CommitOutcome.ALREADY_SEEN, record=Record.parse(self._store.get(record_key(new.id))))

    def _clear_inbox(self, record: Record) -> None:
        """Remove the entries of a collected document that its record doesn't call for.

        Never before the record: another writer may be about to commit the same document with this very entry.
        """
        called_for = None if record.withheld else record.inbox_key
        for key in list(self._store.keys(INBOX)):
            if key.endswith(f"-{record.id}.json") and key != called_for:
                self._store.delete(key)

    def _record(self, new: NewDocument, files: dict[str, str], first: Record | None) -> Record:
        return Record(
            id=new.id,
            drive=new.drive,
            item=new.item,
            name=new.name,
            folder=new.folder,
            size=new.size,
            sha256=new.sha256,
            verified=new.verified,
            media_type=new.media_type,
            modified_at=new.modified_at,
            collected_at=new.collected_at,
            channel=new.channel,
            run=new.run,
            recipient=new.recipient,
            company=self._company,
            binder=new.binder,
            files=files,
            ocr=new.ocr,
            # A withheld duplicate names the files of the first: what those say.
            invoice=new.invoice if new.invoice or first is None else first.invoice,
            duplicate_of=None if first is None else first.id,
            parent=new.parent,
        )


def _check_original(new: NewDocument) -> None:
    """Refuse an original that changed since its download: reading it runs programs that must not have the last word."""
    with new.files["original"].open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != new.sha256:
            raise ItemDeferred(
                "The downloaded original changed before it could be delivered: it is downloaded again by the next run.",
                reason="OriginalChanged",
            )
