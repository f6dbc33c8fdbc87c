"""How documents are read: languages, and the limits that keep one document from taking everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bannette.resources import rules
from bannette.resources.fields import Section

DEFAULT_LANGUAGES: Final = ("fra", "eng")


@dataclass(frozen=True)
class OcrLimits:
    """What one document may cost; one that wants more is delivered without OCR.

    Attributes:
        pages: pages of a document.
        megapixels: size of one image or rendered page.
        seconds: time for one document.
        megabytes: size of the document, in millions of bytes.
        memory_mib: memory of the process that reads a document and of all that it starts, in MiB.
    """

    pages: int = 500
    megapixels: int = 180
    seconds: int = 900
    megabytes: int = 100
    memory_mib: int = 1536


LEAST: Final = OcrLimits(pages=1, megapixels=1, seconds=1, megabytes=1, memory_mib=512)
# The most that may be asked for: a run has six hours, and a page of 1,000 megapixels takes 3 GB.
MOST: Final = OcrLimits(pages=10_000, megapixels=1_000, seconds=7_200, megabytes=2_000, memory_mib=16_384)


@dataclass(frozen=True)
class OcrSettings:
    """Whether and how documents are read.

    Attributes:
        languages: Tesseract's names, the likeliest first.
        passwords_secret: name of the Secret with passwords to try on encrypted documents.
        tessdata: folder of the models, as the collector sees it; None: where the engine has them.
    """

    enabled: bool = True
    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    limits: OcrLimits = OcrLimits()
    passwords_secret: str | None = None
    tessdata: str | None = None


def parse_ocr(section: Section) -> OcrSettings:
    languages = section.texts("languages", rules.LANGUAGE)
    if len(set(languages)) < len(languages):
        raise section.invalid("languages", rules.LANGUAGES_DIFFER)
    return OcrSettings(
        enabled=section.flag("enabled", default=True),
        languages=languages or DEFAULT_LANGUAGES,
        limits=section.defaulted("limits", _parse_limits),
        passwords_secret=section.optional("passwordsSecret", lambda secret: secret.text("name", rules.REFERENCE)),
        tessdata=section.optional_text("tessdata", rules.ABSOLUTE),
    )


def _parse_limits(section: Section) -> OcrLimits:
    default = OcrLimits()

    def number(name: str, attribute: str) -> int:
        return section.number(
            name, default=getattr(default, attribute), least=getattr(LEAST, attribute), most=getattr(MOST, attribute)
        )

    return OcrLimits(
        pages=number("pages", "pages"),
        megapixels=number("megapixels", "megapixels"),
        seconds=number("seconds", "seconds"),
        megabytes=number("megabytes", "megabytes"),
        memory_mib=number("memoryMiB", "memory_mib"),
    )
