"""The binder: where a company's documents are collected, and the only judge of what was collected already."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bannette import logs
from bannette.binder.amendments import amendments_of, latest_numbers, put_amendment
from bannette.binder.commit import Committer
from bannette.binder.contents import Contents
from bannette.binder.fields import Fields, Unreadable, json_bytes, time_text
from bannette.binder.known import KnownIds
from bannette.binder.layout import (
    INBOX,
    PROCESSED,
    RECORDS,
    amendment_folder,
    attempt_key,
    is_id,
    processed_key,
    record_key,
    report_folder,
    report_key,
    state_folder,
    state_key,
)
from bannette.binder.marker import Marker, claim_binder, read_marker
from bannette.binder.outbox import Outbox
from bannette.binder.records import (
    Committed,
    InboxEntry,
    Invoice,
    NewDocument,
    OcrFacts,
    OnDuplicate,
    Record,
    inbox_entry,
)
from bannette.binder.state import STATES_KEPT, State, StateAdvanced
from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists, NotFound
from bannette.binder.waiting import Waiting
from bannette.errors import PersonNeeded

logger = logging.getLogger(__name__)

PROCESSED_SCHEMA = "bannette.io/processed/v1"
_MATCHES_SHOWN = 5


class Binder:
    """One binder in one store. Safe to use from several threads, and beside other processes.

    Every method raises PersonNeeded or Transient as the store's operations do.

    Args:
        uid: that of the Binder resource whose binder it is.
        patience: seconds to wait for another writer that seems to commit the same bytes; see contents.py.
    """

    def __init__(self, store: Store, *, company: str, uid: str = "", patience: float = 30.0) -> None:
        self._store = store
        self._contents = Contents(store, patience=patience)
        self._committer = Committer(store, self._contents, company=company)
        self.outbox = Outbox(store)
        self.company = company
        self.uid = uid

    @classmethod
    def open(
        cls,
        store: Store,
        *,
        uid: str,
        namespace: str,
        company: str,
        expected: bool,
        adopt: str | None = None,
        patience: float = 30.0,
    ) -> Binder:
        """Open the binder of the Binder resource *uid*, and mark it as such at first use.

        Args:
            expected: the channel has a checkpoint, so the binder can't be unmarked.
            adopt: the annotation bannette.io/adopt of the Binder, if any.

        Raises:
            PersonNeeded: BinderReplaced, NoConditionalPut, NoHardLinks, StoreReadOnly, …
            Transient: StoreUnavailable, StoreFull.
        """
        claim_binder(
            store, Marker(uid=uid, namespace=namespace, company=company), expected=expected, adopt=adopt or None
        )
        return cls(store, company=company, uid=uid, patience=patience)

    @classmethod
    def existing(cls, store: Store) -> Binder:
        """Open a binder for looking and for data entry, whoever's it is.

        Raises: PersonNeeded: BinderNotFound.
        """
        marker = read_marker(store)
        if marker is None:
            raise PersonNeeded(
                "There is no binder here (no binder.json): name the folder or bucket of one.", reason="BinderNotFound"
            )
        return cls(store, company=marker.company, uid=marker.uid)

    # Collecting

    def has(self, document: str) -> bool:
        """Whether *document* is collected. One request."""
        return self._store.head(record_key(document)) is not None

    def known_ids(self) -> KnownIds:
        """The ids of all collected documents, by one listing."""
        return KnownIds(self._ids(RECORDS))

    def ids(self) -> Iterator[str]:
        """Yield the ids of all collected documents, in no particular order, by one listing."""
        return self._ids(RECORDS)

    def first_with(self, sha256: str) -> Record | None:
        """The record of the first document with these bytes, if there is one: to spare a duplicate its recognition."""
        return self._contents.first(sha256)

    def commit(self, new: NewDocument, *, on_duplicate: str = OnDuplicate.SKIP, announced: bool = False) -> Committed:
        """Collect *new*: its files, then, when they are durable, its record. Repeating it after any failure is safe.

        *on_duplicate*: a value of OnDuplicate. *announced*: somebody is to be told of it; see outbox.py.

        Raises: ItemDeferred: the local original isn't what was downloaded.
        """
        return self._committer.commit(new, OnDuplicate(on_duplicate), announced=announced)

    def begin_attempt(self, document: str) -> int:
        """Note that a recognition begins; return how many were begun before and not ended."""
        try:
            begun = int(self._store.get(attempt_key(document)) or b"0")
        except NotFound:
            begun = 0
        except ValueError:
            begun = 1  # Left empty by a power failure: there was one.
        self._store.put(attempt_key(document), str(begun + 1).encode())
        return begun

    def end_attempt(self, document: str) -> None:
        self._store.delete(attempt_key(document))

    # Between runs

    def load_state(self, channel_uid: str) -> State | None:
        """The channel's last state, under the highest revision that was saved.

        A damaged one is passed over for an older one, or for one without a position: then the walk starts over, and the
        records keep anything from being collected twice.
        """
        while revisions := self._revisions(channel_uid):
            try:
                return self._readable_state(channel_uid, revisions)
            except NotFound:
                continue  # Other runs saved three more since the listing.
        return None

    def save_state(self, channel_uid: str, state: State) -> None:
        """Save *state* as its revision, which is that of the loaded state plus one; 1 at first.

        Raises: StateAdvanced: another run has saved that revision.
        """
        key = state_key(channel_uid, state.revision)
        data = json_bytes(state.to_dict())
        try:
            self._store.put_new_durable(key, data)
        except AlreadyExists:
            if not self._holds(key, data):
                raise StateAdvanced(state.revision) from None
        for revision in self._revisions(channel_uid)[STATES_KEPT:]:
            self._store.delete(state_key(channel_uid, revision))

    def _holds(self, key: str, data: bytes) -> bool:
        try:
            return self._store.get(key) == data
        except NotFound:
            # Other runs have saved so many since that it was removed.
            return False

    def save_report(self, namespace: str, channel: str, report: Mapping[str, object]) -> None:
        """Save the report of a run, whose ``id`` and ``startedAt`` (RFC 3339) name it; a later one replaces it."""
        fields = Fields(report, "A run report")
        key = report_key(namespace, channel, fields.time("startedAt"), fields.text("id"))
        self._store.put(key, json_bytes(report))
        self._store.make_durable([key])

    def reports(self, namespace: str | None = None, channel: str | None = None) -> Iterator[dict[str, object]]:
        """Yield the run reports of one channel, one namespace, or all: newest first.

        A damaged one is passed over and logged: it must not hide the others.
        """
        keys = list(self._store.keys(report_folder(namespace, channel)))
        for key in sorted(keys, key=lambda key: key.rpartition("/")[2], reverse=True):
            try:
                yield dict(Fields.of_json(self._store.get(key), "A run report").members)
            except Unreadable:
                logs.event(logger, "binder.unreadable", level=logging.ERROR, key=key)

    # Data entry

    def inbox(self) -> Iterator[InboxEntry]:
        """Yield what waits for data entry, the oldest days first: collected and not processed.

        A document whose record is damaged is passed over and logged: it must not hide the others.
        """
        shown: set[str] = set()
        amended = self.amendment_numbers()
        for key in sorted(self._store.keys(INBOX)):
            document = key.removesuffix(".json").rpartition("-")[2]
            if not is_id(document) or document in shown or self._store.head(processed_key(document)) is not None:
                continue
            record = self.readable_record(document, amended=document in amended)
            if record is not None and not record.withheld:
                shown.add(document)
                yield InboxEntry(key=key, record=record)

    def waiting(self) -> Waiting:
        """What waits for data entry, by two listings; some may have no record yet."""
        return Waiting(self._store.keys(INBOX), KnownIds(self._ids(PROCESSED)))

    def record(self, id_or_prefix: str) -> Record:
        """The record of a document, by its id or by as much of it as is unambiguous.

        Raises: PersonNeeded: NoSuchDocument, AmbiguousId.
        """
        wanted = id_or_prefix.strip().lower()
        if is_id(wanted):
            matches = [wanted]
        elif 0 < len(wanted) < 32 and set(wanted) <= set("0123456789abcdef"):
            folder = f"{RECORDS}/{wanted[:2]}" if len(wanted) > 1 else RECORDS
            matches = sorted(document for document in self._ids(folder) if document.startswith(wanted))
        else:
            matches = []
        if len(matches) > 1:
            shown = ", ".join(matches[:_MATCHES_SHOWN]) + (", …" if len(matches) > _MATCHES_SHOWN else "")
            raise PersonNeeded(
                f"{len(matches)} documents have an id that begins with {wanted} ({shown}): give more of it.",
                reason="AmbiguousId",
            )
        try:
            if matches:
                return self.amended(Record.parse(self._store.get(record_key(matches[0]))))
        except NotFound:
            pass
        raise PersonNeeded(
            f"No document of the binder has the id {id_or_prefix!r}: give an id, or the beginning of one, as the inbox "
            "lists them.",
            reason="NoSuchDocument",
        )

    def readable_record(self, document: str, *, amended: bool) -> Record | None:
        """The record of *document*, with its amendments if it is *amended*; a damaged one is logged, and None.

        For going through many, of which one must not hide the others. None, too, if there is no record.
        """
        try:
            record = Record.parse(self._store.get(record_key(document)))
        except NotFound:
            return None
        except Unreadable:
            logs.event(logger, "binder.unreadable", level=logging.ERROR, key=record_key(document))
            return None
        return self.amended(record) if amended else record

    def records(self) -> Iterator[Record]:
        """Yield the records of all collected documents as they are with their amendments, in no particular order."""
        amended = self.amendment_numbers()
        for document in self.ids():
            record = self.readable_record(document, amended=document in amended)
            if record is not None:
                yield record

    def amendment_numbers(self) -> dict[str, int]:
        """The number of the latest amendment of each document that was read again, by one listing."""
        return latest_numbers(self._store)

    def amended(self, record: Record) -> Record:
        """Return *record* with what was read of its document later; a damaged amendment is logged and passed over."""
        try:
            amendments = amendments_of(self._store, record.id)
        except Unreadable:
            logs.event(logger, "binder.unreadable", level=logging.ERROR, key=amendment_folder(record.id))
            return record
        return amendments[-1].applied_to(record) if amendments else record

    def amend(
        self, record: Record, *, files: Mapping[str, Path], ocr: OcrFacts, invoice: Invoice | None = None
    ) -> Record:
        """Add what was read of a collected document anew, beside what is there; return the record as it is with it.

        *files*: role to local file, without the original.

        Raises: ValueError: it is a withheld duplicate, which has no files of its own.
        """
        if record.withheld:
            raise ValueError(f"A withheld duplicate can't be amended: {record.id}.")
        now = datetime.now(UTC)
        return put_amendment(self._store, record, files=files, ocr=ocr, invoice=invoice, at=now).applied_to(record)

    def fetch_original(self, record: Record, target: Path) -> bool | None:
        """Write the original of *record* to *target*; return whether it has the recorded SHA-256, None if it's gone."""
        hashed = hashlib.sha256()
        try:
            with target.open("wb") as file:
                for piece in self._store.pieces(record.files["original"]):
                    hashed.update(piece)
                    file.write(piece)
        except NotFound:
            return None
        return hashed.hexdigest() == record.sha256

    def text(self, id_or_prefix: str) -> str | None:
        """What could be read of a document; None if nothing could."""
        return self.text_of(self.record(id_or_prefix))

    def text_of(self, record: Record) -> str | None:
        """What could be read of the document of *record*; None if nothing could, or its files were removed since."""
        key = record.files.get("text")
        try:
            return None if key is None else self._store.get(key).decode(errors="replace")
        except NotFound:
            return None

    def mark_done(self, id_or_prefix: str) -> Record:
        """Take a document out of the inbox: data entry is done with it. Doing it again changes nothing."""
        record = self.record(id_or_prefix)
        key = processed_key(record.id)
        done = {"schema": PROCESSED_SCHEMA, "id": record.id, "doneAt": time_text(datetime.now(UTC))}
        try:
            self._store.put_new_durable(key, json_bytes(done))
        except AlreadyExists:
            self._store.make_durable([key])
        self._store.delete(record.inbox_key)
        return record

    def put_back(self, id_or_prefix: str) -> Record:
        """Put a document that is done into the inbox again; doing it again changes nothing.

        Raises: PersonNeeded: NoSuchDocument, AmbiguousId, NeverInInbox.
        """
        record = self.record(id_or_prefix)
        if record.withheld:
            raise PersonNeeded(
                f"Document {record.id} repeats {record.duplicate_of}, and has no files of its own to put in the inbox: "
                "put that one back.",
                reason="NeverInInbox",
            )
        # Cut off in between, it is done still.
        self._store.put(record.inbox_key, inbox_entry(record.id))
        self._store.make_durable([record.inbox_key])
        self._store.delete(processed_key(record.id))
        return record

    def _ids(self, folder: str) -> Iterator[str]:
        for key in self._store.keys(folder):
            document = key.rpartition("/")[2].removesuffix(".json")
            if is_id(document):
                yield document

    def _readable_state(self, channel_uid: str, revisions: Sequence[int]) -> State:
        for revision in revisions:
            try:
                state = State.parse(self._store.get(state_key(channel_uid, revision)))
            except Unreadable:
                continue
            return replace(state, revision=revisions[0])
        return State(revision=revisions[0], position=None, committed_at=datetime.now(UTC))

    def _revisions(self, channel_uid: str) -> list[int]:
        names = (key.rpartition("/")[2] for key in self._store.keys(state_folder(channel_uid)))
        numbers = (name.removesuffix(".json") for name in names)
        return sorted((int(number) for number in numbers if number.isdecimal()), reverse=True)
