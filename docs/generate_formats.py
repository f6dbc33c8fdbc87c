"""Writes docs/formats.md from the code: ``python docs/generate_formats.py``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from bannette.collector.reading import MOST_DEPTH
from bannette.ocr import MOST_PART_BYTES, MOST_PARTS
from bannette.ocr.detection import detected
from bannette.ocr.families import all_families
from bannette.ocr.reasons import REASONS
from bannette.resources.ocr import LEAST, MOST, OcrLimits

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
_FIELDS = {"memory_mib": "memoryMiB"}
_UNITS = {
    "pages": "pages to recognise; those with text of their own don't count",
    "megapixels": "millions of pixels of one image or page, as it declares them",
    "seconds": "seconds for one document, of the clock and of the processor",
    "megabytes": "millions of bytes of the original",
    "memory_mib": "MiB of the process that reads it and of all that it starts",
}

HEAD = """# Formats and limits

Generated from the code by `python docs/generate_formats.py`; change it there.

The original is always delivered as OneDrive served it, whatever is said below. What is read stands beside it.
What a file is, is told by its content; its name is never looked at.

## What is read
"""
LIMITS = f"""
Anything else (doc, xls, ppt, msg, rtf, svg, programs, …) is delivered with the outcome `Unsupported`.

- `text`: UTF-8 in reading order, a form feed between pages, sheets and slides.
- `pdf`: searchable; the original itself if it has its text already. A signed document is left as it is.
- `thumbnail`: a small WebP of the first page.
- `parts`: documents of their own in the inbox, linked to the mail or archive: at most {MOST_PARTS} and
  {MOST_PART_BYTES >> 30} GiB in all, nested at most {MOST_DEPTH} deep. Pictures below 5 kB inside a mail's text are
  left out.
- `invoice`: what an electronic invoice says of itself, in the record.

## Limits

Fields of `spec.ocr.limits` of a channel. A document beyond one is delivered, and its record says which.

| field | default | least | most | what it bounds |
|---|---|---|---|---|
"""
REASONS_HEAD = """
## Reasons

A record's `ocr.outcome` says how far a document could be read; `ocr.reason` says why not further.

| reason | what it means | what helps |
|---|---|---|
"""


def render() -> str:
    """Return the page."""
    return "".join([HEAD, *_formats(), LIMITS, *_limits(), REASONS_HEAD, *_reasons()])


def _formats() -> Iterator[str]:
    yield "\n| types | what they are | what is made of them |\n|---|---|---|\n"
    for family in all_families().values():
        extensions = sorted({detected(media_type).extension for media_type in family.MEDIA_TYPES} - {"bin"})
        if family.GIVES:
            about = (family.__doc__ or "").split("\n\n")[0].replace("\n", " ")
            yield f"| {', '.join(extensions)} | {about} | {', '.join(family.GIVES)} |\n"


def _limits() -> Iterator[str]:
    for field in fields(OcrLimits):
        default, least, most = (getattr(given, field.name) for given in (OcrLimits(), LEAST, MOST))
        name = _FIELDS.get(field.name, field.name)
        yield f"| `{name}` | {default:,} | {least:,} | {most:,} | {_UNITS[field.name]} |\n"


def _reasons() -> Iterator[str]:
    for reason, (meaning, help_) in REASONS.items():
        yield f"| `{reason}` | {meaning} | {help_} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
