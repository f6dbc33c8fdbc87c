"""Reads one document, and those that are inside it: attachments of a mail, files of an archive, and so on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from bannette import ocr
from bannette.binder import Invoice, NewDocument, OcrFacts, OcrOutcome, Record, part_id
from bannette.resources import OcrSettings

#: An archive in a mail in a mail: what is inside that one stays there.
MOST_DEPTH: Final = 3


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a document is and says.

    Attributes:
        files: of the reading, by role, below the workspace.
        parts: the documents that were taken out of it.
    """

    detected: ocr.Detected
    facts: OcrFacts
    invoice: Invoice | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    parts: tuple[ocr.Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadPart:
    """A document that was inside another one.

    Attributes:
        document: its id. parent: the id of that other one.
        name: as it is written there. path: its bytes, of this size in bytes and this sha256 in hex.
    """

    document: str
    parent: str
    name: str
    path: Path
    size: int
    sha256: str
    content: Content

    def as_document(self, outer: NewDocument) -> NewDocument:
        """Return the part as a document that came the way of *outer*, which it was inside."""
        return replace(
            outer,
            id=self.document,
            name=self.name,
            size=self.size,
            sha256=self.sha256,
            media_type=self.content.detected.media_type,
            extension=self.content.detected.extension,
            ocr=self.content.facts,
            invoice=self.content.invoice,
            files={"original": self.path, **self.content.files},
            parent=self.parent,
            untouched=False,
        )


class Reader:
    """Reads documents; safe to use from several threads.

    Args:
        passwords: to try on encrypted documents.
        first_with: the record that withholds a document with a sha256: such a one isn't read again.
    """

    def __init__(
        self,
        detector: ocr.Detector,
        *,
        settings: OcrSettings,
        limits: ocr.Limits,
        passwords: tuple[str, ...] = (),
        first_with: Callable[[str], Record | None] = lambda sha256: None,
    ) -> None:
        self._detector = detector
        self._settings = settings
        self._limits = limits
        self._passwords = passwords
        self._first_with = first_with

    def read(
        self,
        path: Path,
        workspace: Path,
        *,
        most_parts: int = ocr.MOST_PARTS,
        part_bytes: int = ocr.MOST_PART_BYTES,
    ) -> Content:
        """Read the document *path*; its files come into the folder *workspace*.

        Raises:
            ocr.Stopped: the run was given up. OSError: of the scratch folder.
        """
        detected = self._detector.detect(path)
        reading = ocr.read(
            path,
            detected=detected,
            languages=self._settings.languages,
            limits=self._limits,
            workspace=workspace,
            passwords=self._passwords,
            tessdata=tessdata_of(self._settings),
            most_parts=most_parts,
            part_bytes=part_bytes,
        )
        return Content(
            detected=detected,
            facts=_facts(reading),
            invoice=None if reading.invoice is None else Invoice(**asdict(reading.invoice)),
            files=dict(reading.files),
            parts=reading.parts,
        )

    def parts(self, document: str, content: Content, workspace: Path) -> tuple[ReadPart, ...]:
        """Read the documents inside the document with the id *document*, whose *content* was read: the innermost first.

        Together they are at most ``ocr.MOST_PARTS``, and nested at most ``MOST_DEPTH`` deep.

        Raises: as ``read`` does.
        """
        allowance = _Allowance(count=ocr.MOST_PARTS - len(content.parts), size=ocr.MOST_PART_BYTES)
        return tuple(self._read_parts(document, content, workspace, allowance, depth=1))

    def _read_parts(
        self, parent: str, content: Content, workspace: Path, allowance: _Allowance, *, depth: int
    ) -> Iterator[ReadPart]:
        for part in content.parts:
            size, sha256 = part.path.stat().st_size, _sha256(part.path)
            document = part_id(parent, part.index, sha256)
            allowance.size -= size
            known = self._first_with(sha256)
            if known is not None:
                inside = Content(detected=ocr.Detected(known.media_type, "bin"), facts=known.ocr, invoice=known.invoice)
            else:
                inside = self.read(
                    part.path,
                    workspace,
                    most_parts=allowance.count if depth < MOST_DEPTH else 0,
                    part_bytes=max(allowance.size, 0),
                )
                allowance.count -= len(inside.parts)
                yield from self._read_parts(document, inside, workspace, allowance, depth=depth + 1)
            yield ReadPart(
                document=document,
                parent=parent,
                name=part.name,
                path=part.path,
                size=size,
                sha256=sha256,
                content=inside,
            )


@dataclass
class _Allowance:
    """How many documents, and bytes, may still be taken out of one document."""

    count: int
    size: int


def tessdata_of(settings: OcrSettings) -> Path | None:
    """Return the folder of the engine's models; None: where the engine has them."""
    return None if settings.tessdata is None else Path(settings.tessdata)


def reading_limits(settings: OcrSettings) -> ocr.Limits:
    """Return the limits of a channel in the reader's own units."""
    limits = settings.limits
    return ocr.Limits(
        pages=limits.pages,
        megapixels=limits.megapixels,
        seconds=limits.seconds,
        memory_bytes=limits.memory_mib * 1024 * 1024,
        original_bytes=limits.megabytes * 1_000_000,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(reading: ocr.Reading) -> OcrFacts:
    return OcrFacts(
        outcome=OcrOutcome(reading.outcome.value),
        reason=reading.reason,
        engine=reading.engine,
        languages=reading.languages,
        pages=reading.pages,
        confidence=reading.confidence,
        words=reading.words,
        unsure_words=reading.unsure_words,
        rotation=reading.rotation,
        seconds=reading.seconds,
    )
