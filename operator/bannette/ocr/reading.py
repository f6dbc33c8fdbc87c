"""What is asked of a reading and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bannette.ocr.invoice import Invoice


class Outcome(StrEnum):
    """How a reading ended.

    Text: the document has its own text. Recognised: OCR made at least a part of it. Skipped: nothing was tried,
    because a limit forbids it. Failed: it was tried, and the reason says what went wrong.
    """

    TEXT = "Text"
    RECOGNISED = "Recognised"
    SKIPPED = "Skipped"
    UNSUPPORTED = "Unsupported"
    NEEDS_PASSWORD = "NeedsPassword"  # noqa: S105
    FAILED = "Failed"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one document may cost.

    Attributes:
        pages: pages to recognise; pages that have their own text don't count.
        megapixels: declared size of one image, in millions of pixels.
        seconds: wall time and CPU time of the child.
        memory_bytes: address space of each process of the child, and resident memory of all of them together.
        original_bytes: size of the document.
    """

    pages: int = 500
    megapixels: int = 180
    seconds: int = 900
    memory_bytes: int = 1536 * 1024 * 1024
    original_bytes: int = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """A document that was taken out of a mail or archive.

    Attributes:
        index: its place among the parts, from 0.
        name: as the mail or archive has it: whatever somebody wrote, never part of a path.
        path: where it lies, below the workspace.
    """

    index: int
    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read of one document.

    Attributes:
        reason: one CamelCase word. With Failed and Skipped: why (``Corrupt``, ``TooManyPages``, ``TooLarge``,
            ``OutOfMemory``, ``TimedOut``, ``Crashed``, ``EngineFailed``, ``LanguageNotInstalled``). With Unsupported:
            ``UnsupportedType``, ``Empty``. With NeedsPassword: ``Encrypted``, ``UnknownEncryption``. With Text and
            Recognised: what a reader should know (``Signed``: the document was left untouched; ``XfaForm``: its pages
            are only a placeholder; ``PagesMissing``: some can't be loaded; ``Downscaled`` and ``NotRewritable``: not
            all of the text is in the searchable PDF, or there is none; ``TooManyPages`` and ``TooLarge``: only the text
            that is in the document; ``TextCut``: it has more text than anybody reads; ``NoText``: there is nothing to
            read; ``PartsMissing``: not all that is in the mail or archive could be taken out).
        engine: what made the text, for example ``tesseract 5.3.0``; several are joined by ``, ``.
        confidence: mean confidence of the recognised words, 0 to 100.
        words: how many words were recognised; None when none were looked for. unsure_words: with a confidence below 60.
        rotation: by how many degrees clockwise a page was turned, for each that was; the first page is 1.
        files: ``pdf``, the searchable PDF; ``text``, UTF-8 with a form feed between pages; ``factur-x``, the invoice as
            XML that the document carries; ``thumbnail``, a picture of the first page. All below the workspace.
        invoice: what that XML says.
        parts: the documents that were taken out of a mail or archive.
    """

    outcome: Outcome
    reason: str | None = None
    engine: str | None = None
    languages: tuple[str, ...] = ()
    pages: int = 0
    confidence: float | None = None
    words: int | None = None
    unsure_words: int | None = None
    rotation: Mapping[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    files: Mapping[str, Path] = field(default_factory=dict)
    invoice: Invoice | None = None
    parts: tuple[Part, ...] = ()
