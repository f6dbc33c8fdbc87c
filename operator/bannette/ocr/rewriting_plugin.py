"""A plugin of OCRmyPDF that removes the pictures of pages that are done: it keeps all of them, 12 MB a colour page.

Without it a document of 500 pages fills the scratch folder. It relies on ``jobs=1``: pages are taken one by one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ocrmypdf import hookimpl

if TYPE_CHECKING:
    from PIL import Image


class _Page(Protocol):
    def get_path(self, name: str) -> Path: ...


@hookimpl
def filter_ocr_image(page: _Page, image: Image.Image) -> Image.Image:
    """Leave *image* as it is; called before each page is recognised."""
    own = page.get_path("ocr.png")
    for suffix in ("png", "jpg"):
        for picture in own.parent.glob(f"*_*.{suffix}"):
            if not picture.name.startswith(own.name.removesuffix("ocr.png")):
                picture.unlink()
    return image
