"""What is known of a collected document: the record, and what a run hands over to make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from bannette.binder.fields import Fields, Unreadable, json_bytes, optional_time_text, time_text
from bannette.binder.layout import inbox_key, outbox_key, record_key

RECORD_SCHEMA = "bannette.io/record/v1"
INBOX_SCHEMA = "bannette.io/inbox-entry/v1"


class OcrOutcome(StrEnum):
    """How far a document could be read. The original is delivered whatever the outcome."""

    TEXT = "Text"
    RECOGNISED = "Recognised"
    SKIPPED = "Skipped"
    UNSUPPORTED = "Unsupported"
    NEEDS_PASSWORD = "NeedsPassword"  # noqa: S105 (an outcome, not a password)
    FAILED = "Failed"


class OnDuplicate(StrEnum):
    """What happens to bytes that the binder already has under another item."""

    SKIP = "Skip"
    DELIVER = "Deliver"


class CommitOutcome(StrEnum):
    COLLECTED = "Collected"
    ALREADY_SEEN = "AlreadySeen"
    DUPLICATE = "Duplicate"


@dataclass(frozen=True, kw_only=True)
class ChannelRef:
    """The channel through which a document came."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, kw_only=True)
class OcrFacts:
    """What reading a document gave.

    Attributes:
        reason: one CamelCase word, for the outcomes that need one.
        pages: pages read, None if the document has none.
        confidence: 0 to 100, None without recognition.
        words: recognised ones; unsure_words: those with a confidence below 60. None without recognition.
        rotation: by how many degrees clockwise pages were turned, by their number from 1; only those that were.
        seconds: wall time.
    """

    outcome: OcrOutcome
    reason: str | None = None
    engine: str | None = None
    languages: tuple[str, ...] = ()
    pages: int | None = None
    confidence: float | None = None
    words: int | None = None
    unsure_words: int | None = None
    rotation: Mapping[int, int] = field(default_factory=dict)
    seconds: float | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "outcome": self.outcome.value,
            "reason": self.reason,
            "engine": self.engine,
            "languages": list(self.languages),
            "pages": self.pages,
            "confidence": self.confidence,
            "words": self.words,
            "unsureWords": self.unsure_words,
            "rotation": {str(page): degrees for page, degrees in self.rotation.items()},
            "seconds": self.seconds,
        }

    @classmethod
    def parse(cls, fields: Fields) -> OcrFacts:
        outcome = fields.text("outcome")
        if outcome not in set(OcrOutcome):
            raise Unreadable("A record", "its outcome isn't known")
        return cls(
            outcome=OcrOutcome(outcome),
            reason=fields.optional_text("reason"),
            engine=fields.optional_text("engine"),
            languages=fields.texts("languages"),
            pages=fields.optional_integer("pages"),
            confidence=fields.optional_number("confidence"),
            words=fields.optional_integer("words"),
            unsure_words=fields.optional_integer("unsureWords"),
            rotation=fields.numbers_by_number("rotation"),
            seconds=fields.optional_number("seconds"),
        )


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """What an electronic invoice says of itself: ISO 8601 date, decimal total with taxes, ISO 4217 currency."""

    profile: str | None = None
    number: str | None = None
    date: str | None = None
    seller: str | None = None
    total: str | None = None
    currency: str | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Invoice:
        return cls(**{name: fields.optional_text(name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    """A downloaded and read document, ready to be committed.

    Attributes:
        id: 32 hex digits; see ``onedrive.document_id`` and ``part_id``.
        folder: path of the folder that it lay in.
        size: of the original, in bytes; sha256 likewise, in lower-case hex.
        extension: of the detected type, without a dot.
        verified: the bytes agree with the metadata of OneDrive.
        binder: name of the Binder.
        files: role to local file: ``original`` always; ``pdf``, ``text``, ``thumbnail`` and others if they were made.
        parent: id of the mail or archive that the document was a part of.
        untouched: no other program has had the original since its sha256 was computed.
    """

    id: str
    drive: str
    item: str
    name: str
    folder: str
    size: int
    sha256: str
    verified: bool
    media_type: str
    extension: str
    modified_at: datetime | None
    collected_at: datetime
    channel: ChannelRef
    run: str
    recipient: str
    binder: str
    ocr: OcrFacts
    files: Mapping[str, Path] = field(repr=False)
    invoice: Invoice | None = None
    parent: str | None = None
    untouched: bool = False


@dataclass(frozen=True, kw_only=True)
class Record:
    """The fact that a document was collected. Its JSON form is documented in docs/record.md.

    Attributes:
        files: role to key in the binder; of a withheld duplicate, the files of the first.
        duplicate_of: id of the first document with the same bytes, if this isn't the first.
    """

    id: str
    drive: str
    item: str
    name: str
    folder: str
    size: int
    sha256: str
    verified: bool
    media_type: str
    modified_at: datetime | None
    collected_at: datetime
    channel: ChannelRef
    run: str
    recipient: str
    company: str
    binder: str
    files: Mapping[str, str]
    ocr: OcrFacts
    invoice: Invoice | None = None
    duplicate_of: str | None = None
    parent: str | None = None

    @property
    def key(self) -> str:
        return record_key(self.id)

    @property
    def inbox_key(self) -> str:
        return inbox_key(self.id, self.collected_at)

    @property
    def outbox_key(self) -> str:
        return outbox_key(self.id, self.collected_at)

    @property
    def withheld(self) -> bool:
        """Whether it isn't put in the inbox, because the files that it names are those of the first."""
        return self.duplicate_of is not None and not any(f"/{self.id}/" in key for key in self.files.values())

    def to_dict(self) -> dict[str, object]:
        return {
            "schema": RECORD_SCHEMA,
            "id": self.id,
            "drive": self.drive,
            "item": self.item,
            "name": self.name,
            "folder": self.folder,
            "size": self.size,
            "sha256": self.sha256,
            "verified": self.verified,
            "mediaType": self.media_type,
            "modifiedAt": optional_time_text(self.modified_at),
            "collectedAt": time_text(self.collected_at),
            "channel": {"namespace": self.channel.namespace, "name": self.channel.name, "uid": self.channel.uid},
            "run": self.run,
            "recipient": self.recipient,
            "company": self.company,
            "binder": self.binder,
            "files": dict(self.files),
            "ocr": self.ocr.to_dict(),
            "invoice": None if self.invoice is None else asdict(self.invoice),
            "duplicateOf": self.duplicate_of,
            "parent": self.parent,
        }

    @classmethod
    def parse(cls, data: bytes) -> Record:
        """Raises: Unreadable (a PersonNeeded): not a record of a version that is known here."""
        fields = Fields.of_json(data, "A record")
        fields.schema(RECORD_SCHEMA)
        channel = fields.inside("channel")
        return cls(
            id=fields.text("id"),
            drive=fields.text("drive"),
            item=fields.text("item"),
            name=fields.text("name"),
            folder=fields.text("folder"),
            size=fields.integer("size"),
            sha256=fields.text("sha256"),
            verified=fields.truth("verified"),
            media_type=fields.text("mediaType"),
            modified_at=fields.optional_time("modifiedAt"),
            collected_at=fields.time("collectedAt"),
            channel=ChannelRef(namespace=channel.text("namespace"), name=channel.text("name"), uid=channel.text("uid")),
            run=fields.text("run"),
            recipient=fields.text("recipient"),
            company=fields.text("company"),
            binder=fields.text("binder"),
            files=fields.text_mapping("files"),
            ocr=OcrFacts.parse(fields.inside("ocr")),
            invoice=None if fields.optional_mapping("invoice") is None else Invoice.parse(fields.inside("invoice")),
            duplicate_of=fields.optional_text("duplicateOf"),
            parent=fields.optional_text("parent"),
        )


@dataclass(frozen=True, kw_only=True)
class Committed:
    """How a commit ended; the record is the one that the binder has now, whoever wrote it."""

    outcome: CommitOutcome
    record: Record


@dataclass(frozen=True, kw_only=True)
class InboxEntry:
    """A document that waits for data entry."""

    key: str
    record: Record


def inbox_entry(document: str) -> bytes:
    """The content of a document's entry in the inbox; it repeats what the key says."""
    return json_bytes({"schema": INBOX_SCHEMA, "id": document, "record": record_key(document)})
