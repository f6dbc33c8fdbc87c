"""What happens to one document between the feed and the inbox: downloaded, read, committed."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from shutil import rmtree
from typing import Final

from bannette import ocr, onedrive, resources
from bannette.binder import (
    Binder,
    ChannelRef,
    CommitOutcome,
    Committed,
    Invoice,
    KnownIds,
    NewDocument,
    OcrFacts,
    OcrOutcome,
    Record,
)
from bannette.collector.courier import Courier
from bannette.collector.handover import Halt, ScratchSpace
from bannette.collector.ledger import Ledger
from bannette.collector.places import Places
from bannette.collector.reading import Reader, ReadPart
from bannette.collector.scope import wants
from bannette.errors import BannetteError, ItemDeferred, PersonNeeded, Transient
from bannette.onedrive import Drive, Graph, Item, ItemGone, Position

# The document whose reading ended the process that often is delivered unread.
_ATTEMPTS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Walked:
    """What the walk knows: the drive, the scope, and the ids that the binder had when the walk started over."""

    drive: Drive
    position: Position | None
    known: KnownIds | None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An item to collect; *item* is None for one that an earlier run put off, and which is looked up anew."""

    item_id: str
    item: Item | None
    walked: Walked
    folder: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A downloaded document.

    Attributes:
        original: its bytes. workspace: a folder beside it, which exists when the document is read.
        reserved: bytes of scratch space to give back.
    """

    candidate: Candidate
    item: Item
    document: str
    folder: str
    original: Path
    workspace: Path
    size: int
    sha256: str
    verified: bool
    reserved: int


@dataclass(frozen=True, kw_only=True)
class Read:
    """A document that is ready to be committed.

    Attributes:
        parts: the documents inside it, those of a part before it.
        attempted: an attempt at it was begun in the binder.
        untouched: no other program has had the original.
    """

    fetched: Fetched
    detected: ocr.Detected
    facts: OcrFacts
    invoice: Invoice | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    parts: tuple[ReadPart, ...] = ()
    attempted: bool = False
    untouched: bool = False


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where documents go, what their records say about it, and who tells of them, if somebody is to know."""

    binder: Binder
    resource: resources.Binder
    channel: resources.Channel
    recipient: resources.Recipient
    run: str
    courier: Courier | None = None


class Documents:
    """The steps of a document; each is called from several threads."""

    def __init__(
        self,
        graph: Graph,
        destination: Destination,
        *,
        ledger: Ledger,
        scratch: Path,
        space: ScratchSpace,
        halt: Halt,
        limits: ocr.Limits,
        passwords: tuple[str, ...] = (),
    ) -> None:
        self._graph = graph
        self._to = destination
        self._binder = destination.binder
        self._ledger = ledger
        self._scratch = scratch
        self._space = space
        self._halt = halt
        self._places = Places(graph)
        self._detector = ocr.Detector()
        self._reader = Reader(
            self._detector,
            settings=destination.channel.ocr,
            limits=limits,
            passwords=passwords,
            first_with=self._first_with,
        )
        self._numbers = count()
        # Read, and not committed yet: what ends the run now isn't their fault.
        self._blameless: set[str] = set()

    def fetch(self, candidate: Candidate) -> Fetched | None:
        """Download the document; None if there is nothing to do for it.

        Raises:
            ItemDeferred, ItemRejected, ItemGone: about this item.
            PersonNeeded, Transient: about all.
        """
        walked = candidate.walked
        document = onedrive.document_id(walked.drive, candidate.item_id)
        if self._is_collected(candidate, document):
            return None
        item = candidate.item or self._look_up(candidate)
        if (item.size or 0) > self._space.size:
            raise ItemDeferred("The document is larger than the scratch folder.", reason="TooLargeForScratch")
        reserved = self._space.take(item.size or 0)
        if not reserved:
            return None
        room = _Room(self._space, reserved)
        original = self._scratch / f"{document}-{next(self._numbers)}"
        try:
            with _scratch_errors():
                got = onedrive.download(self._graph, walked.drive, item, original, room=room.reaches)
            folder = candidate.folder or (walked.position and walked.position.path_of(got.item))
            folder = folder or self._places.of(walked.drive, got.item) or "/"
        except BaseException:
            original.unlink(missing_ok=True)
            self._space.give_back(room.reserved)
            raise
        return Fetched(
            candidate=candidate,
            item=got.item,
            document=document,
            folder=folder,
            original=original,
            workspace=original.with_name(f"{original.name}-reading"),
            size=got.size,
            sha256=got.sha256,
            verified=got.verified,
            reserved=room.reserved,
        )

    def unread(self, fetched: Fetched) -> Read | None:
        """Return the document as it is committed without being read; None if it is to be read.

        Raises: PersonNeeded, Transient: the store fails.
        """
        if not self._to.channel.ocr.enabled:
            detected = self._detector.detect(fetched.original)
            return Read(
                fetched=fetched,
                detected=detected,
                facts=OcrFacts(outcome=OcrOutcome.SKIPPED, reason="Disabled"),
                untouched=True,
            )
        first = self._first_with(fetched.sha256)
        if first is not None:
            # It will be withheld, with the files of the first: to read it again would be for nothing.
            detected = ocr.Detected(first.media_type, "bin")
            return Read(fetched=fetched, detected=detected, facts=first.ocr, untouched=True)
        return None

    def read(self, fetched: Fetched) -> Read:
        """Find out what the document is, and what it and the documents inside it say.

        Raises:
            ocr.Stopped: the run was given up. PersonNeeded, Transient: the store fails.
        """
        attempts = self._binder.begin_attempt(fetched.document)
        if attempts >= _ATTEMPTS:
            detected = self._detector.detect(fetched.original)
            facts = OcrFacts(outcome=OcrOutcome.FAILED, reason="Crashed")
            return Read(fetched=fetched, detected=detected, facts=facts, attempted=True)
        try:
            with _scratch_errors():
                fetched.workspace.mkdir()
                content = self._reader.read(fetched.original, fetched.workspace)
                parts = self._reader.parts(fetched.document, content, fetched.workspace)
        except ocr.Stopped:
            # From outside: that says nothing about the document. A full scratch folder may be this document's doing.
            self._binder.end_attempt(fetched.document)
            raise
        self._blameless.add(fetched.document)
        return Read(
            fetched=fetched,
            detected=content.detected,
            facts=content.facts,
            invoice=content.invoice,
            files=content.files,
            parts=parts,
            attempted=True,
        )

    def commit(self, read: Read) -> tuple[Committed, list[Committed]]:
        """Put the document into the binder, after those inside it; return what came of it, and of them.

        Raises:
            ItemDeferred: the original changed while it was read. PersonNeeded, Transient: the store fails.
        """
        fetched, blameless = read.fetched, read.fetched.document in self._blameless
        self._blameless.discard(fetched.document)
        new = self._new_document(read)
        try:
            parts = [self._put(part.as_document(new)) for part in read.parts]
            committed = self._put(new)
        except (PersonNeeded, Transient):
            if blameless:
                self._blameless.add(fetched.document)
            raise
        if read.attempted:
            self._binder.end_attempt(fetched.document)
        return committed, parts

    def absolve(self) -> None:
        """End the attempts at documents that were read and that this run will not commit: they ended no process."""
        self._detector.close()
        with suppress(BannetteError):
            # Commits that are still under way change the set.
            for document in tuple(self._blameless):
                self._binder.end_attempt(document)

    def discard(self, fetched: Fetched) -> None:
        """Remove what was downloaded of the document."""
        if fetched.workspace.exists():
            rmtree(fetched.workspace, ignore_errors=True)
        fetched.original.unlink(missing_ok=True)
        self._space.give_back(fetched.reserved)

    def _first_with(self, sha256: str) -> Record | None:
        """Return the document that withholds another one with these bytes, if there is one."""
        if self._to.resource.on_duplicate is not resources.OnDuplicate.SKIP:
            return None
        return self._binder.first_with(sha256)

    def _put(self, new: NewDocument) -> Committed:
        courier = self._to.courier
        committed = self._binder.commit(
            new, on_duplicate=self._to.resource.on_duplicate.value, announced=courier is not None
        )
        if courier is not None and committed.outcome is CommitOutcome.COLLECTED:
            courier.collected(committed.record)
        return committed

    def _new_document(self, read: Read) -> NewDocument:
        fetched, item, channel = read.fetched, read.fetched.item, self._to.channel
        return NewDocument(
            id=fetched.document,
            drive=fetched.candidate.walked.drive.key,
            item=item.id,
            name=item.name,
            folder=fetched.folder,
            size=fetched.size,
            sha256=fetched.sha256,
            verified=fetched.verified,
            media_type=read.detected.media_type,
            extension=read.detected.extension,
            modified_at=item.modified_at,
            collected_at=datetime.now(UTC),
            channel=ChannelRef(namespace=channel.namespace, name=channel.name, uid=channel.uid),
            run=self._to.run,
            recipient=self._to.recipient.name,
            binder=self._to.resource.name,
            ocr=read.facts,
            invoice=read.invoice,
            files={"original": fetched.original, **read.files},
            untouched=read.untouched,
        )

    def _is_collected(self, candidate: Candidate, document: str) -> bool:
        """Settle the item if its record exists."""
        known = candidate.walked.known
        if known is not None and document in known:
            self._ledger.already_seen(candidate.item_id, walked_anew=True)
            return True
        if not self._binder.has(document):
            return False
        if known is not None:
            self._ledger.repeated(candidate.item_id)
        else:
            changed = candidate.item is not None and self._has_changed(candidate, candidate.item, document)
            self._ledger.already_seen(candidate.item_id, walked_anew=False, changed=changed)
        return True

    def _has_changed(self, candidate: Candidate, item: Item, document: str) -> bool:
        """Whether the content seems to differ from what was collected: the feed tells of a change, not of which one."""
        record = self._binder.record(document)
        if item.size is not None and item.size != record.size:
            return True
        moved = item.name != record.name or (candidate.folder or record.folder) != record.folder
        later = item.modified_at and record.modified_at and item.modified_at > record.modified_at
        return bool(later) and not moved

    def _look_up(self, candidate: Candidate) -> Item:
        """Return the present state of an item that was put off.

        Raises:
            ItemGone: it no longer exists, or it left the scope.
            ItemDeferred, ItemRejected: it can't be downloaded as it is.
        """
        item = onedrive.get_item(self._graph, candidate.walked.drive, candidate.item_id)
        position = candidate.walked.position
        if item is None:
            raise ItemGone
        if position is not None and not position.covers(item):
            if item.parent_id is None and not item.deleted:
                raise ItemDeferred("OneDrive doesn't tell which folder the document is in.", reason="FolderUnknown")
            raise ItemGone
        if not wants(self._to.channel.onedrive, item):
            raise ItemGone
        onedrive.triage(item, now=datetime.now(UTC))
        return item


class _Room:
    """The scratch space of one document, which may turn out larger than its metadata say."""

    def __init__(self, space: ScratchSpace, reserved: int) -> None:
        self._space = space
        self.reserved = reserved

    def reaches(self, size: int) -> bool:
        """Say whether the document may be of *size*."""
        lacking = size - self.reserved
        if lacking > 0:
            if not self._space.more(lacking):
                return False
            self.reserved = size
        return True


@contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Transient(
            "The scratch folder is full: give the run a larger one (in Kubernetes the operator's scratch size).",
            reason="ScratchFull",
        ) from None
