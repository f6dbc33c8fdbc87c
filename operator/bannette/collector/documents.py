"""What happens to one document between the feed and the inbox: downloaded, read, committed."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Final

from bannette import ocr, onedrive, resources
from bannette.binder import Binder, ChannelRef, Committed, KnownIds, NewDocument, OcrFacts, OcrOutcome, OnDuplicate
from bannette.collector.handover import Halt, ScratchSpace
from bannette.collector.ledger import Ledger
from bannette.collector.places import Places
from bannette.collector.scope import wants
from bannette.errors import BannetteError, ItemDeferred, PersonNeeded, Transient
from bannette.onedrive import Drive, Graph, Item, ItemGone, Position

# The document that ended the process that often is delivered unread; once more, and its type isn't even looked at.
_ATTEMPTS: Final = 2
_UNKNOWN: Final = ocr.Detected("application/octet-stream", "bin")


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
    """A downloaded document, in a folder of its own.

    Attributes:
        reserved: bytes of scratch space to give back.
    """

    candidate: Candidate
    item: Item
    document: str
    folder: str
    workspace: Path
    size: int
    sha256: str
    verified: bool
    reserved: int

    @property
    def original(self) -> Path:
        return self.workspace / "original"


@dataclass(frozen=True, kw_only=True)
class Read:
    """A document that is ready to be committed."""

    fetched: Fetched
    detected: ocr.Detected
    facts: OcrFacts
    files: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where documents go, and what their records say about it."""

    binder: Binder
    resource: resources.Binder
    channel: resources.Channel
    recipient: resources.Recipient
    run: str


class Documents:
    """The three steps of a document; each is called from several threads."""

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
    ) -> None:
        self._graph = graph
        self._to = destination
        self._binder = destination.binder
        self._ledger = ledger
        self._scratch = scratch
        self._space = space
        self._halt = halt
        self._limits = limits
        self._places = Places(graph)
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
        workspace = Path(tempfile.mkdtemp(prefix="document-", dir=self._scratch))
        try:
            with _scratch_errors():
                got = onedrive.download(self._graph, walked.drive, item, workspace / "original", room=room.reaches)
            folder = candidate.folder or (walked.position and walked.position.path_of(got.item))
            folder = folder or self._places.of(walked.drive, got.item) or "/"
        except BaseException:
            self._discard(workspace, room.reserved)
            raise
        return Fetched(
            candidate=candidate,
            item=got.item,
            document=document,
            folder=folder,
            workspace=workspace,
            size=got.size,
            sha256=got.sha256,
            verified=got.verified,
            reserved=room.reserved,
        )

    def read(self, fetched: Fetched) -> Read:
        """Find out what the document is, and what it says.

        Raises:
            ocr.Stopped: the run was given up. PersonNeeded, Transient: the store fails.
        """
        settings = self._to.channel.ocr
        first = self._binder.first_with(fetched.sha256)
        if first is not None and self._to.resource.on_duplicate is resources.OnDuplicate.SKIP:
            # It will be withheld, with the files of the first: to read it again would be for nothing.
            return Read(fetched=fetched, detected=ocr.Detected(first.media_type, "bin"), facts=first.ocr)
        attempts = self._binder.begin_attempt(fetched.document)
        try:
            with _scratch_errors():
                detected = ocr.detect(fetched.original) if attempts <= _ATTEMPTS else _UNKNOWN
                if attempts >= _ATTEMPTS:
                    facts = OcrFacts(outcome=OcrOutcome.FAILED, reason="Crashed")
                    return Read(fetched=fetched, detected=detected, facts=facts)
                if not settings.enabled:
                    self._blameless.add(fetched.document)
                    facts = OcrFacts(outcome=OcrOutcome.SKIPPED, reason="Disabled")
                    return Read(fetched=fetched, detected=detected, facts=facts)
                reading = ocr.read(
                    fetched.original,
                    detected=detected,
                    languages=settings.languages,
                    limits=self._limits,
                    workspace=fetched.workspace,
                )
        except ocr.Stopped:
            # From outside: that says nothing about the document. A full scratch folder may be this document's doing.
            self._binder.end_attempt(fetched.document)
            raise
        self._blameless.add(fetched.document)
        return Read(fetched=fetched, detected=detected, facts=_facts(reading), files=dict(reading.files))

    def commit(self, read: Read) -> Committed:
        """Put the document into the binder.

        Raises:
            ItemDeferred: the original changed while it was read. PersonNeeded, Transient: the store fails.
        """
        fetched, blameless = read.fetched, read.fetched.document in self._blameless
        self._blameless.discard(fetched.document)
        try:
            committed = self._put_into_binder(read)
        except (PersonNeeded, Transient):
            if blameless:
                self._blameless.add(fetched.document)
            raise
        self._binder.end_attempt(fetched.document)
        return committed

    def absolve(self) -> None:
        """End the attempts at documents that were read and that this run will not commit: they ended no process."""
        with suppress(BannetteError):
            while self._blameless:
                self._binder.end_attempt(self._blameless.pop())

    def discard(self, fetched: Fetched) -> None:
        """Remove what was downloaded of the document."""
        self._discard(fetched.workspace, fetched.reserved)

    def _discard(self, workspace: Path, reserved: int) -> None:
        rmtree(workspace, ignore_errors=True)
        self._space.give_back(reserved)

    def _put_into_binder(self, read: Read) -> Committed:
        fetched, item, channel = read.fetched, read.fetched.item, self._to.channel
        return self._binder.commit(
            NewDocument(
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
                files={"original": fetched.original, **read.files},
            ),
            on_duplicate=OnDuplicate(self._to.resource.on_duplicate.value),
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
        if item is None or (position is not None and not position.covers(item)):
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


def _facts(reading: ocr.Reading) -> OcrFacts:
    return OcrFacts(
        outcome=OcrOutcome(reading.outcome.value),
        reason=reading.reason,
        engine=reading.engine,
        languages=reading.languages,
        pages=reading.pages,
        confidence=reading.confidence,
        seconds=reading.seconds,
    )


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
