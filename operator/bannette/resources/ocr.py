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
    """

    pages: int = 500
    megapixels: int = 180
    seconds: int = 900


# The most that may be asked for: a run has six hours, and a page of 1,000 megapixels takes 3 GB.
MOST: Final = OcrLimits(pages=10_000, megapixels=1_000, seconds=7_200)


@dataclass(frozen=True)
class OcrSettings:
    """Whether and how documents are read. *languages* are Tesseract's names, the likeliest first."""

    enabled: bool = True
    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    limits: OcrLimits = OcrLimits()


def parse_ocr(section: Section) -> OcrSettings:
    languages = section.texts("languages", rules.LANGUAGE)
    if len(set(languages)) < len(languages):
        raise section.invalid("languages", rules.LANGUAGES_DIFFER)
    return OcrSettings(
        enabled=section.flag("enabled", default=True),
        languages=languages or DEFAULT_LANGUAGES,
        limits=section.defaulted("limits", _parse_limits),
    )


def _parse_limits(section: Section) -> OcrLimits:
    default = OcrLimits()
    return OcrLimits(
        pages=section.number("pages", default=default.pages, least=1, most=MOST.pages),
        megapixels=section.number("megapixels", default=default.megapixels, least=1, most=MOST.megapixels),
        seconds=section.number("seconds", default=default.seconds, least=1, most=MOST.seconds),
    )
