"""Whether a binder is whole: every record can be read, and everything that a record needs is there.

A run may be under way meanwhile, so the order of the listings matters: records before what is written before them
(files, inbox entries, claims), and the inbox before what is written before an entry goes (processed). What is missing
nevertheless is looked at once more before it counts as damage.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bannette.binder.amendments import Amendment
from bannette.binder.completeness import Completeness
from bannette.binder.fields import Fields, Unreadable
from bannette.binder.findings import Damage, Findings, Leftover, Leftovers
from bannette.binder.known import KnownIds, digest
from bannette.binder.layout import (
    AMENDMENTS,
    ATTEMPTS,
    DOCUMENTS,
    OUTBOX,
    PROBE,
    RECORDS,
    REPORTS,
    STAGING,
    STATES,
    document_of_amendment,
    document_of_entry,
    document_of_file,
    is_id_of_item,
    is_sha256,
    record_key,
    state_folder,
    state_key,
    states_by_channel,
)
from bannette.binder.marker import read_marker
from bannette.binder.records import Record
from bannette.binder.shards import SHARDS, Crew
from bannette.binder.state import STATES_KEPT, State
from bannette.binder.store import Meta, Store
from bannette.binder.store_errors import NotFound
from bannette.errors import PersonNeeded

# An attempt without a record still protects runs from a document that ends them, for as long as somebody may try it.
ATTEMPTS_KEPT = timedelta(days=30)

Progress = Callable[[str, int], None]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a binder is verified.

    Attributes:
        content: read every original, and compare its hash; else its size only.
        repair: put back inbox entries and claims that are missing.
        older_than: age from which leftovers count as such.
        files_since: documents that were collected before may have lost their files, by rules on retention.
    """

    content: bool = False
    repair: bool = False
    older_than: timedelta = timedelta(hours=24)
    files_since: datetime | None = None


class Verification:
    """One verification of the binder in *store*; *progress* is told a stage, and how much of it is done in percent.

    Attributes:
        leftovers: what there is to sweep.
    """

    def __init__(self, store: Store, terms: Terms, *, progress: Progress = lambda stage, percent: None) -> None:
        self._store = store
        self._terms = terms
        self._progress = progress
        self._old = datetime.now(UTC) - terms.older_than
        self._lock = threading.Lock()
        self.findings = Findings()
        self.leftovers = Leftovers()
        self._completeness = Completeness(
            store, self.findings, left_over=self._left_over, repair=terms.repair, content=terms.content
        )
        self._ids: dict[str, bytes] = {}
        self._recorded: dict[str, int] = {}
        # Files of the first that withheld duplicates name: by shard, digest of the key and id of the duplicate.
        self._elsewhere: dict[str, bytearray] = {}

    def run(self) -> Findings:
        """Verify everything.

        Raises:
            PersonNeeded: BinderNotFound, BinderCopyUnfinished, StoreAccessDenied, …
            Transient: StoreUnavailable.
        """
        self._check_marker()
        with Crew() as crew:
            for done in crew.each_shard(lambda shard: self._check_shard(shard, crew)):
                self._progress("records and files", done * 100 // len(SHARDS))
            elsewhere = sorted(self._elsewhere)
            for done in crew.each_shard(self._check_elsewhere, elsewhere):
                self._progress("duplicates", done * 100 // len(elsewhere))
            known = KnownIds(raw[at : at + 16].hex() for raw in self._ids.values() for at in range(0, len(raw), 16))
            self._ids.clear()
            self._progress("inbox", 0)
            self._completeness.check_firsts(known)
            self._completeness.check_inbox(known)
            for done in crew.each_shard(self._completeness.check_claims):
                self._progress("claims", done * 100 // len(SHARDS))
            self._progress("runs", 0)
            self._check_outbox(known)
            self._check_attempts(known)
            self._check_states()
            crew.do_each(self._check_report, self._store.keys(REPORTS))
        self._check_number(len(known))
        for found in (*self._store.list(STAGING), *self._store.list(PROBE), *self._store.unfinished("")):
            self._left_over(Leftover.UNFINISHED, found.key, found)
        return self.findings

    def _check_marker(self) -> None:
        try:
            if read_marker(self._store) is not None:
                return
        except Unreadable:
            self.findings.damaged(Damage.MARKER_UNREADABLE, "binder.json")
            return
        if next(iter(self._store.keys(RECORDS)), None) is None:
            raise PersonNeeded(
                "There is no binder here (no binder.json, no records): name the folder or bucket of one.",
                reason="BinderNotFound",
            )
        self.findings.damaged(Damage.MARKER_MISSING, "binder.json")

    # Records and their files

    def _check_shard(self, shard: str, crew: Crew) -> None:
        keys = [key for key in self._store.keys(f"{RECORDS}/{shard}") if document_of_entry(key) is not None]
        records = [record for record in crew.each(self._read, keys) if record is not None]
        # Those that can't be read have their key: their document isn't collected again.
        self._ids[shard] = b"".join(bytes.fromhex(document_of_entry(key) or "") for key in keys)
        there = {found.key: found for found in self._store.list(f"{DOCUMENTS}/{shard}")}
        amendments, doubtful = self._read_amendments(shard, crew)
        named = {key for amendment in amendments for key in amendment.files.values()}
        for record in records:
            self._completeness.expect(record)
            named.update(record.files.values())
            if record.withheld:
                self._expect_elsewhere(record)
        own = [record for record in records if not record.withheld]
        for files, size in crew.each(lambda record: self._check_files(record, there), own):
            self.findings.checked(files=files, size=size)
        self.findings.checked(records=len(keys))
        crew.do_each(lambda amendment: self._check_amended_files(amendment, there), amendments)
        unread = {document_of_entry(key) for key in keys} - {record.id for record in records} | doubtful
        for key, found in there.items():
            document = document_of_file(key)
            if document is not None and document not in unread and key not in named:
                self._left_over(Leftover.FILES, document, found)

    def _read_amendments(self, shard: str, crew: Crew) -> tuple[list[Amendment], set[str | None]]:
        """Return those of a shard, and the ids of documents of which one can't be read."""
        keys = [key for key in self._store.keys(f"{AMENDMENTS}/{shard}") if document_of_amendment(key) is not None]
        doubtful: set[str | None] = set()

        def read(key: str) -> Amendment | None:
            document = document_of_amendment(key) or ""
            try:
                amendment = Amendment.parse(self._store.get(key))
            except NotFound:
                return None
            except Unreadable:
                amendment = None
            if (
                amendment is None
                or amendment.key != key
                or any(document_of_file(file) != document for file in amendment.files.values())
            ):
                self.findings.damaged(Damage.AMENDMENT_UNREADABLE, document)
                doubtful.add(document)
                return None
            return amendment

        return [amendment for amendment in crew.each(read, keys) if amendment is not None], doubtful

    def _check_amended_files(self, amendment: Amendment, there: dict[str, Meta]) -> None:
        for role, key in amendment.files.items():
            # The original is the record's, and checked with it. Retention removes what was read with it.
            if role != "original" and key not in there and amendment.files["original"] in there:
                self.findings.damaged(Damage.FILE_MISSING, amendment.id)

    def _read(self, key: str) -> Record | None:
        document = document_of_entry(key) or ""
        try:
            record = Record.parse(self._store.get(key))
        except NotFound:
            return None
        except Unreadable:
            self.findings.damaged(Damage.RECORD_UNREADABLE, document)
            return None
        of_item = record.parent is not None or is_id_of_item(record.id, record.drive, record.item)
        own = all(document_of_file(file) == record.id for file in record.files.values())
        complete = "original" in record.files and is_sha256(record.sha256)
        if record.key != key or not of_item or not complete or not (own or record.withheld):
            self.findings.damaged(Damage.RECORD_MISPLACED, document)
            return None
        return record

    def _check_files(self, record: Record, there: dict[str, Meta]) -> tuple[int, int]:
        """Check the files of a record that has its own; return how many there are, and the size of the original."""
        checked = 0
        for role, key in record.files.items():
            found = there.get(key)
            if found is None:
                if self._may_be_removed(record):
                    self.findings.checked(removed=1)
                    continue
                found = self._store.head(key)
            if found is None:
                self.findings.damaged(Damage.FILE_MISSING, record.id)
                continue
            checked += 1
            if found.size != record.size if role == "original" else found.size == 0 and role != "text":
                self.findings.damaged(Damage.FILE_WRONG_SIZE, record.id)
            elif role == "original" and self._terms.content and not self._is_content_of(key, record):
                self.findings.damaged(Damage.FILE_CHANGED, record.id)
        return checked, record.size

    def _may_be_removed(self, record: Record) -> bool:
        return self._terms.files_since is not None and record.collected_at < self._terms.files_since

    def _is_content_of(self, key: str, record: Record) -> bool:
        return content_hash(self._store, key) == record.sha256

    def _expect_elsewhere(self, record: Record) -> None:
        for key in record.files.values():
            shard = (document_of_file(key) or "")[:2]
            if shard and f"/{record.duplicate_of}/" in key:
                with self._lock:
                    self._elsewhere.setdefault(shard, bytearray()).extend(
                        bytes.fromhex(digest(key)) + bytes.fromhex(record.id)
                    )
            else:
                self.findings.damaged(Damage.RECORD_MISPLACED, record.id)

    def _check_elsewhere(self, shard: str) -> None:
        there = {digest(key) for key in self._store.keys(f"{DOCUMENTS}/{shard}")}
        expected = bytes(self._elsewhere[shard])
        for at in range(0, len(expected), 32):
            if expected[at : at + 16].hex() not in there:
                self._check_repeated(expected[at + 16 : at + 32].hex())

    def _check_repeated(self, document: str) -> None:
        """A withheld duplicate names a file that isn't there: retention counts from the first, whose file it is."""
        try:
            record = Record.parse(self._store.get(record_key(document)))
            first = Record.parse(self._store.get(record_key(record.duplicate_of or "")))
        except (NotFound, Unreadable):
            first = None
        if first is not None and self._may_be_removed(first):
            self.findings.checked(removed=1)
        else:
            self.findings.damaged(Damage.FILE_MISSING, document)

    # What runs keep

    def _check_outbox(self, known: KnownIds) -> None:
        for found in self._store.list(OUTBOX):
            document = document_of_entry(found.key)
            if document is not None and document in known:
                self.findings.untold += 1
            elif document is not None:
                self._left_over(Leftover.OUTBOX_ENTRIES, found.key, found)

    def _check_attempts(self, known: KnownIds) -> None:
        for found in self._store.list(ATTEMPTS):
            document = document_of_entry(found.key)
            if document is None:
                continue
            if document in known or found.modified_at < datetime.now(UTC) - ATTEMPTS_KEPT:
                self._left_over(Leftover.ATTEMPTS, found.key, found)

    def _check_states(self) -> None:
        for channel, revisions in states_by_channel(self._store.keys(STATES)).items():
            kept = revisions[:STATES_KEPT]
            if not _contiguous(kept):
                # Seen while a run saved another? Then a second look shows it.
                kept = states_by_channel(self._store.keys(state_folder(channel)))[channel][:STATES_KEPT]
                if not _contiguous(kept):
                    self.findings.damaged(Damage.REVISION_MISSING, channel)
            for revision in kept:
                try:
                    if State.parse(self._store.get(state_key(channel, revision))).revision == revision:
                        continue
                except NotFound:
                    continue  # Three more were saved meanwhile.
                except Unreadable:
                    pass
                self.findings.damaged(Damage.STATE_UNREADABLE, state_key(channel, revision))
            for revision in revisions[STATES_KEPT:]:
                found = self._store.head(state_key(channel, revision))
                if found is not None:
                    self._left_over(Leftover.STATES, found.key, found)

    def _check_report(self, key: str) -> None:
        try:
            report = Fields.of_json(self._store.get(key), "A run report")
            run, ended = report.text("id"), report.time("completedAt")
            report.time("startedAt")
            recorded = report.integer("collected") + report.integer("duplicates")
        except NotFound:
            pass
        except Unreadable:
            self.findings.damaged(Damage.REPORT_UNREADABLE, key)
        else:
            # A younger run may have recorded documents after the records were listed.
            if ended < self._old:
                with self._lock:
                    self._recorded[run] = max(recorded, self._recorded.get(run, 0))

    def _check_number(self, records: int) -> None:
        """Compare the number of records with what runs said that they recorded: nothing else tells of a lost one.

        Runs that were killed left no report, so there may be more.
        """
        recorded = sum(self._recorded.values())
        if records < recorded:
            self.findings.damaged(Damage.RECORDS_LOST, f"{recorded - records} of {recorded}")

    def _left_over(self, kind: Leftover, which: str, found: Meta) -> None:
        """Count what a killed writer seems to have left, and remember where it is if it is old enough."""
        old = found.modified_at < self._old
        self.findings.left_over(kind, which, size=found.size, old=old)
        if old:
            with self._lock:
                if kind is Leftover.FILES:
                    self.leftovers.add_document(which)
                elif kind is not Leftover.CLAIMS:
                    self.leftovers.add_key(found.key, kind)


def content_hash(store: Store, key: str) -> str:
    """The SHA-256 of an object, in hex; its bytes are read in pieces.

    Raises: NotFound.
    """
    hashed = hashlib.sha256()
    for piece in store.pieces(key):
        hashed.update(piece)
    return hashed.hexdigest()


def _contiguous(revisions: list[int]) -> bool:
    """Whether *revisions*, the newest first, leave none out."""
    return all(newer == older + 1 for newer, older in pairwise(revisions))
