"""Plain text and tables with separators: the text as it is, in UTF-8; a form feed ends a page."""

from __future__ import annotations

from bannette.ocr.encodings import decode
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, Request
from bannette.ocr.versions import python_engine

MEDIA_TYPES = frozenset({"text/plain", "text/csv"})
GIVES = ("text",)
_TEXT = "document.txt"
# In bytes; what comes after it is left out of the text, never of the document.
_MOST = 20_000_000


def read(request: Request) -> Answer:
    """Read the text."""
    with request.path.open("rb") as file:
        data, more = file.read(_MOST), file.read(1)
    pages = decode(data).rstrip("\f").split("\f")
    has_text = save_text(pages, request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason="TextCut" if more else None if has_text else "NoText",
        engine=python_engine(),
        pages=len(pages),
        files={"text": _TEXT},
    )
