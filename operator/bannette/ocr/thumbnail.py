"""A small picture of a document's first page, for the inbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, Request

if TYPE_CHECKING:
    from PIL import Image

FILE = "thumbnail.webp"
# Pixels of the longer side.
_SIDE = 320
_QUALITY = 60
# What these documents hold may be drawn, though for these reasons it wasn't read; of others not even that is known.
_DRAWABLE = frozenset({Outcome.TEXT, Outcome.RECOGNISED})
_UNREAD_BUT_WELL = frozenset({"TooManyPages", "LanguageNotInstalled"})


def add_thumbnail(request: Request, answer: Answer) -> Answer:
    """Draw the first page of the document of *request* and return *answer* with it; as it is if that can't be done.

    A picture is worth no document: whatever a library raises here is swallowed.
    """
    if answer.outcome not in _DRAWABLE and answer.reason not in _UNREAD_BUT_WELL:
        return answer
    try:
        picture = _picture(request, answer)
        if picture is None:
            return answer
        picture.thumbnail((_SIDE, _SIDE))
        picture.save(request.folder / FILE, quality=_QUALITY)
    except Exception:  # noqa: BLE001
        (request.folder / FILE).unlink(missing_ok=True)
        return answer
    return answer.with_file("thumbnail", FILE)


def _picture(request: Request, answer: Answer) -> Image.Image | None:
    if "pdf" in answer.files:
        # Upright, though the original may lie on its side.
        return _first_page(request.folder / answer.files["pdf"], passwords=())
    if request.media_type == "application/pdf":
        return _first_page(request.path, passwords=request.passwords)
    return None


def _first_page(path: Path, *, passwords: tuple[str, ...]) -> Image.Image:
    from bannette.ocr.pdfium import Pdf

    return Pdf.open(path, passwords=passwords).picture(0, side=_SIDE)
