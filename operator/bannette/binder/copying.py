"""Copying a binder to another store, so that it can take the place of the first one.

The destination's binder.json says from the first moment that it is an unfinished copy: no run and no reader opens it
until everything is there. What is read first must not tell of what is read later, since runs may go on at the source:

1. The channels' states, so that no cursor is ahead of the records that come after it.
2. The records. A copy that is given up here has all that keeps documents from being collected twice.
3. The claims and amendments, then the files that these and the records name; what none names stays behind.
4. Run reports, attempts, and the outbox.
5. The inbox: what the source's inbox lists and isn't processed by then. So no entry is there before its document.
6. binder.json says what that of the source says.

Everything is put only if it is absent, and whole, so a copy that was killed is finished by doing it again, and a copy
of a source that grew since takes over what is new. A destination that was used meanwhile is refused.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bannette.binder.amendments import later_files
from bannette.binder.contents import whole_chains
from bannette.binder.fields import Unreadable
from bannette.binder.file_copies import FileCopies, WrongContent
from bannette.binder.findings import Damage, Tally
from bannette.binder.known import KnownIds, digest
from bannette.binder.layout import (
    AMENDMENTS,
    ATTEMPTS,
    CONTENTS,
    DOCUMENTS,
    INBOX,
    MARKER,
    OUTBOX,
    PROBE,
    PROCESSED,
    RECORDS,
    REPORTS,
    STATES,
    document_of_entry,
    documents_of_entries,
    packed_entry,
    state_key,
    states_by_channel,
    unpacked_entry,
)
from bannette.binder.marker import Marker, check_conditional_put, find_marker, read_marker
from bannette.binder.records import Record, inbox_entry
from bannette.binder.shards import SHARDS, Crew
from bannette.binder.store import Meta, Store
from bannette.binder.store_errors import AlreadyExists, NotFound
from bannette.errors import PersonNeeded

_USED = (RECORDS, AMENDMENTS, DOCUMENTS, CONTENTS, INBOX, OUTBOX, PROCESSED, STATES, REPORTS)


@dataclass(kw_only=True)
class Copied:
    """What a copy came to.

    Attributes:
        records, files: how many were copied this time; size: of these files, in bytes.
        total: records that the destination has now.
        removed: files that rules on retention may have removed, and that are gone.
        damage: what couldn't be copied as its record describes it.
        finished: the destination is a binder now.
    """

    records: int = 0
    files: int = 0
    size: int = 0
    total: int = 0
    removed: int = 0
    finished: bool = False
    damage: dict[Damage, Tally] = field(default_factory=dict)


class Copy:
    """One pass over the binder in *source*, into *destination*.

    Args:
        scratch: a folder for large files on their way; on the destination's file system they needn't be copied twice.
        files_since: documents that were collected before may have lost their files, by rules on retention.
        leave_damaged: finish though files of the source are missing or damaged; their records are copied.
        progress: told a stage, and how much of it is done in percent.
    """

    def __init__(
        self,
        source: Store,
        destination: Store,
        *,
        scratch: Path,
        files_since: datetime | None = None,
        leave_damaged: bool = False,
        progress: Callable[[str, int], None] = lambda stage, percent: None,
    ) -> None:
        self._from = source
        self._to = destination
        self._files_since = files_since
        self._leave_damaged = leave_damaged
        self._progress = progress
        self._files = FileCopies(source, destination, scratch=scratch)
        self._lock = threading.Lock()
        self._ids: dict[str, bytes] = {}
        self.copied = Copied()

    def run(self) -> Copied:
        """Copy what isn't there yet.

        Raises:
            PersonNeeded: BinderNotFound, SameBinder, DestinationNotEmpty, DestinationOfAnother, DestinationInUse,
                DestinationDiffers, and as the stores' operations do.
            Transient: StoreUnavailable, StoreFull.
        """
        with Crew() as crew:
            marker = self._begin(crew)
            self._copy_states()
            self._each_shard(crew, "records", lambda shard: self._copy_records(shard, crew))
            self._each_shard(crew, "claims", lambda shard: self._copy_claims(shard, crew))
            self._each_shard(crew, "amendments", lambda shard: self._copy_amendments(shard, crew))
            self._each_shard(crew, "files", lambda shard: self._copy_files(shard, crew))
            self._progress("reports", 0)
            self._copy_replaceable(REPORTS, crew)
            known = KnownIds(raw[at : at + 16].hex() for raw in self._ids.values() for at in range(0, len(raw), 16))
            self.copied.total = len(known)
            self._copy_replaceable(ATTEMPTS, crew, wanted=lambda key: document_of_entry(key) not in known)
            self._copy_replaceable(OUTBOX, crew, wanted=lambda key: document_of_entry(key) in known)
            self._progress("inbox", 0)
            self._copy_inbox(known, crew)
        if not self.copied.damage or self._leave_damaged:
            self._to.put(MARKER, marker.to_json())
            self._to.make_durable([MARKER])
            self.copied.finished = True
        return self.copied

    def _each_shard(self, crew: Crew, stage: str, work: Callable[[str], None]) -> None:
        for done in crew.each_shard(work):
            self._progress(stage, done * 100 // len(SHARDS))

    # Before anything is copied

    def _begin(self, crew: Crew) -> Marker:
        """Mark the destination as an unfinished copy; return what its marker will be."""
        marker = read_marker(self._from)
        if marker is None:
            raise PersonNeeded(
                "There is no binder at the source (no binder.json): name the folder or bucket of one.",
                reason="BinderNotFound",
            )
        unfinished = replace(marker, unfinished=True)
        self._check_apart()
        found = find_marker(self._to)
        if found is None:
            if any(next(iter(self._to.keys(folder)), None) for folder in _USED):
                raise PersonNeeded(
                    "The destination isn't empty, and isn't a copy of this binder: name an empty folder or prefix.",
                    reason="DestinationNotEmpty",
                )
            check_conditional_put(self._to)
            try:
                self._to.put_new_durable(MARKER, unfinished.to_json())
            except AlreadyExists:
                found = find_marker(self._to)
        if found is not None and found.uid != marker.uid:
            raise PersonNeeded(
                f"The destination is another binder (uid {found.uid} of namespace {found.namespace!r}; the source has "
                f"uid {marker.uid}), or a copy that a Binder has adopted: name an empty folder or prefix.",
                reason="DestinationOfAnother",
            )
        if found is not None and not found.unfinished:
            self._check_unused(crew)
            self._to.put(MARKER, unfinished.to_json())
            self._to.make_durable([MARKER])
        return marker

    def _check_apart(self) -> None:
        key = f"{PROBE}/{uuid.uuid4().hex}"
        with suppress(AlreadyExists):  # Nobody else has the key: the confirmation was lost, and its repeat met it.
            self._to.put_new(key, b"")
        try:
            if self._from.head(key) is not None:
                raise PersonNeeded(
                    "Source and destination are the same binder: name another folder or bucket as destination.",
                    reason="SameBinder",
                )
        finally:
            self._to.delete(key)

    def _check_unused(self, crew: Crew) -> None:
        """Refuse a finished copy that has what the source hasn't."""
        ahead = states_by_channel(self._from.keys(STATES))
        for channel, revisions in states_by_channel(self._to.keys(STATES)).items():
            if revisions[0] > ahead.get(channel, [0])[0]:
                raise _in_use()
        for folder in (REPORTS, PROCESSED):
            there = KnownIds(digest(key) for key in self._from.keys(folder))
            if any(digest(key) not in there for key in self._to.keys(folder)):
                raise _in_use()
        for _ in crew.each_shard(self._check_no_new_records):
            pass

    def _check_no_new_records(self, shard: str) -> None:
        folder = f"{RECORDS}/{shard}"
        if set(self._to.keys(folder)) - set(self._from.keys(folder)):
            raise _in_use()

    # States, records, claims

    def _copy_states(self) -> None:
        for channel in states_by_channel(self._from.keys(STATES)):
            copied: list[int] = []
            while not copied and (revisions := self._revisions(self._from, channel)):
                # None at all: three more were saved since the listing.
                copied = [revision for revision in reversed(revisions) if self._copy_state(channel, revision)]
            for revision in self._revisions(self._to, channel):
                if copied and revision < copied[0]:
                    self._to.delete(state_key(channel, revision))

    def _copy_state(self, channel: str, revision: int) -> bool:
        key = state_key(channel, revision)
        try:
            data = self._from.get(key)
        except NotFound:
            return False
        self._put_same(key, data)
        return True

    def _revisions(self, store: Store, channel: str) -> list[int]:
        return states_by_channel(store.keys(f"{STATES}/{channel}")).get(channel, [])

    def _copy_records(self, shard: str, crew: Crew) -> None:
        folder = f"{RECORDS}/{shard}"
        there = {found.key: found.size for found in self._to.list(folder)}
        here = {found.key: found for found in self._from.list(folder) if document_of_entry(found.key) is not None}
        if any(self._from.head(key) is None for key in there.keys() - here.keys()):
            raise _differs()
        missing = [key for key, found in here.items() if there.get(key) != found.size]
        crew.do_each(self._copy_same, missing)
        ids = b"".join(bytes.fromhex(document_of_entry(key) or "") for key in here)
        with self._lock:
            self._ids[shard] = ids
            self.copied.records += len(missing)

    def _copy_claims(self, shard: str, crew: Crew) -> None:
        folder = f"{CONTENTS}/{shard}"
        there = set(self._to.keys(folder))
        crew.do_each(self._copy_same, [key for key in whole_chains(self._from.keys(folder)) if key not in there])

    def _copy_amendments(self, shard: str, crew: Crew) -> None:
        folder = f"{AMENDMENTS}/{shard}"
        there = set(self._to.keys(folder))
        crew.do_each(self._copy_same, [key for key in self._from.keys(folder) if key not in there])

    def _copy_same(self, key: str) -> None:
        with suppress(NotFound):
            self._put_same(key, self._from.get(key))

    def _put_same(self, key: str, data: bytes) -> None:
        """Put an object that never changes."""
        try:
            self._to.put_new_durable(key, data)
        except AlreadyExists:
            if self._to.get(key) != data:
                raise _differs() from None

    # Files

    def _copy_files(self, shard: str, crew: Crew) -> None:
        """Copy the files of the records of a shard, which the destination has by now."""
        ids = self._ids[shard]
        keys = [f"{RECORDS}/{shard}/{ids[at : at + 16].hex()}.json" for at in range(0, len(ids), 16)]
        folder = f"{DOCUMENTS}/{shard}"
        here = {found.key: found for found in self._from.list(folder)}
        there = {found.key: found for found in self._to.list(folder)}
        durable: list[str] = []
        for files in crew.each(lambda key: self._copy_files_of(key, here, there), keys):
            durable.extend(files)
        # Those that a killed copy had put, too.
        self._to.make_durable(durable)

    def _copy_files_of(self, record_key: str, here: dict[str, Meta], there: dict[str, Meta]) -> list[str]:
        """Copy the files of one document; return the keys that the destination has now."""
        try:
            record = Record.parse(self._from.get(record_key))
        except (Unreadable, NotFound):
            self._damaged(Damage.RECORD_UNREADABLE, document_of_entry(record_key) or "")
            return []
        copied: list[str] = []
        for role, key in self._files_of(record):
            found = here.get(key) or self._from.head(key)
            size = record.size if role == "original" else found.size if found else None
            if key in there and there[key].size == (size if size is not None else there[key].size):
                copied.append(key)
            elif found is None:
                self._missing(record)
            else:
                try:
                    self._files.copy(key, size=found.size, sha256=record.sha256 if role == "original" else None)
                except WrongContent:
                    wrong = Damage.FILE_CHANGED if found.size == size else Damage.FILE_WRONG_SIZE
                    self._damaged(wrong, record.id)
                    continue
                copied.append(key)
                with self._lock:
                    self.copied.files += 1
                    self.copied.size += found.size
        return copied

    def _files_of(self, record: Record) -> list[tuple[str, str]]:
        """Return roles and keys of the files of a document: those of the record, and of what was read later."""
        if record.withheld:
            return []
        try:
            return [*record.files.items(), *later_files(self._to, record.id)]
        except Unreadable:
            self._damaged(Damage.AMENDMENT_UNREADABLE, record.id)
            return list(record.files.items())

    def _missing(self, record: Record) -> None:
        if self._files_since is None or record.collected_at >= self._files_since:
            self._damaged(Damage.FILE_MISSING, record.id)
        else:
            with self._lock:
                self.copied.removed += 1

    def _damaged(self, kind: Damage, document: str) -> None:
        with self._lock:
            self.copied.damage.setdefault(kind, Tally()).add(document)

    # Reports, attempts, the inbox

    def _copy_replaceable(self, folder: str, crew: Crew, *, wanted: Callable[[str], bool] = lambda key: True) -> None:
        """Copy what later objects of the same key may have replaced."""
        there = KnownIds(digest(key) for key in self._to.keys(folder))

        def copy(key: str) -> str:
            with suppress(NotFound):
                data = self._from.get(key)
                if digest(key) not in there or not self._to.holds(key, data):
                    self._to.put(key, data)
            return key

        keys = (key for key in self._from.keys(folder) if wanted(key))
        self._to.make_durable([key for key in crew.each(copy, keys) if self._to.head(key) is not None])

    def _copy_inbox(self, known: KnownIds, crew: Crew) -> None:
        """Let the destination's inbox list what the source's lists and isn't processed, as far as it was copied."""
        waiting = bytearray()
        for key in self._from.keys(INBOX):
            packed = packed_entry(key)
            if packed is not None and packed[:16].hex() in known:
                waiting += packed
        # Only now: an entry that went since the listing is in there.
        there = KnownIds(digest(key) for key in self._to.keys(PROCESSED))
        crew.do_each(self._copy_same, (key for key in self._from.keys(PROCESSED) if digest(key) not in there))
        processed = KnownIds(documents_of_entries(self._to.keys(PROCESSED)))

        def called_for() -> Iterator[str]:
            for at in range(0, len(waiting), 20):
                if waiting[at : at + 16].hex() not in processed:
                    yield unpacked_entry(bytes(waiting[at : at + 20]))

        listed = KnownIds(self._listed(KnownIds(digest(key) for key in called_for())))
        crew.do_each(self._put_entry, (key for key in called_for() if digest(key) not in listed))

    def _listed(self, called_for: KnownIds) -> Iterator[str]:
        """Yield the entries that the destination has, and remove those that the source no longer has."""
        for key in self._to.keys(INBOX):
            if (name := digest(key)) in called_for:
                yield name
            elif packed_entry(key) is not None:
                self._to.delete(key)

    def _put_entry(self, key: str) -> None:
        with suppress(AlreadyExists):
            self._to.put_new_durable(key, inbox_entry(document_of_entry(key) or ""))


def _in_use() -> PersonNeeded:
    return PersonNeeded(
        "The destination was used since it was copied: a run collected into it, or data entry took documents out. "
        "Nothing was changed. To copy once more, name an empty folder or prefix.",
        reason="DestinationInUse",
    )


def _differs() -> PersonNeeded:
    return PersonNeeded(
        "The destination has records, claims or states that the source hasn't: it isn't a copy of this binder, or "
        "something wrote to it meanwhile. Name an empty folder or prefix.",
        reason="DestinationDiffers",
    )
