"""PDF through pdfium: what its pages hold, their text, and pictures of them."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from bannette.ocr.reading import Outcome
from bannette.ocr.request import NotRead

if TYPE_CHECKING:
    import pypdfium2 as pdfium
    from PIL import Image

_DPI = 300
# What a picture of a page may have; a larger page is drawn at less than 300 dpi.
_RENDERED_PIXELS = 25_000_000
# From this share of the page on, images beside text may hold text of their own: one, or the strips of a scan.
_LARGE_IMAGE = 0.25
_LARGE_IMAGE_PIXELS = 90_000
# Fewer letters that can't be seen are a stamp, not what an earlier OCR read of the page.
_READ_BEFORE = 50
# Drawings have hundreds of thousands of objects; the first ones tell.
_OBJECTS_LOOKED_AT = 20_000
# A page is searched for shadows at this size, in pixels; a shadow is this many of 255 darker.
_SMALL_SIDE = 400
_SHADOW = 60
# How the standards have named the attachment so far.
_INVOICE_DATA = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})
# In bytes. Real ones have some 100 kB; a few kB of PDF can unfold to as much as one likes.
_LARGEST_INVOICE_DATA = 32_000_000
# Fonts without a mapping to Unicode yield these instead of letters.
_GARBLED = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")


class Content(Enum):
    """What a page holds.

    Text: text, perhaps that of an earlier OCR. Blank: nothing. Scan: no text, but something to see. Mixed: text, and an
    image so large that there may be text in it. Garbled: text that means nothing. Broken: it can't be loaded.
    """

    TEXT = auto()
    BLANK = auto()
    SCAN = auto()
    MIXED = auto()
    GARBLED = auto()
    BROKEN = auto()


@dataclass(frozen=True)
class Page:
    """One page, as its file declares it.

    Attributes:
        image_pixels: of its largest image.
        drawn_pixels: of the page at 300 dpi.
    """

    content: Content
    text: str
    image_pixels: int
    drawn_pixels: int


class Pdf:
    """An open PDF.

    Attributes:
        password: the one that opened it; None when none was needed.
        is_encrypted: it is, though an empty password may open it.
        is_signed: it has a signature, which any change would break.
        is_dynamic_form: only Adobe's reader can show it; its pages hold a placeholder.
    """

    def __init__(self, document: pdfium.PdfDocument, *, password: str | None) -> None:
        import pypdfium2.raw as raw

        self._document = document
        self.password = password
        self.is_encrypted: bool = raw.FPDF_GetSecurityHandlerRevision(document) >= 0
        # Asked before pages are drawn or flattened: that takes signature fields away.
        self.is_signed: bool = raw.FPDF_GetSignatureCount(document) > 0
        self.is_dynamic_form: bool = document.get_formtype() == raw.FORMTYPE_XFA_FULL

    @classmethod
    def open(cls, path: Path, *, passwords: Sequence[str] = ()) -> Pdf:
        """Open *path* without a password, or with the first of *passwords* that fits.

        Raises:
            NotRead: none fits, or it is no PDF that can be read.
        """
        import pypdfium2 as pdfium
        import pypdfium2.raw as raw

        for password in (None, *passwords):
            try:
                document = pdfium.PdfDocument(path, password=password)
            except pdfium.PdfiumError as error:
                if error.err_code == raw.FPDF_ERR_SECURITY:
                    raise NotRead(Outcome.NEEDS_PASSWORD, "UnknownEncryption") from error
                if error.err_code != raw.FPDF_ERR_PASSWORD:
                    raise NotRead(Outcome.FAILED, "Corrupt") from error
                continue
            if len(document) == 0:
                raise NotRead(Outcome.FAILED, "Corrupt")
            return cls(document, password=password)
        raise NotRead(Outcome.NEEDS_PASSWORD, "Encrypted")

    def pages(self) -> list[Page]:
        """Look at every page. What was filled into a form counts as text of the page.

        Raises:
            NotRead: none can be loaded.
        """
        if self._document.get_formtype():
            self._document.init_forms()
        pages = [self._page(index) for index in range(len(self._document))]
        if all(page.content is Content.BROKEN for page in pages):
            raise NotRead(Outcome.FAILED, "Corrupt")
        return pages

    def draw(self, index: int, target: Path, *, turns: int = 0) -> int:
        """Draw page *index* in grey into the file *target*, and return its resolution in dpi.

        *turns*: by how many quarters it is turned clockwise.
        """
        page = self._document[index]
        width, height = page.get_size()
        dpi = min(_DPI, int(72 * math.sqrt(_RENDERED_PIXELS / max(width * height, 1))))
        bitmap = page.render(scale=dpi / 72, grayscale=True, rotation=90 * turns)
        bitmap.to_pil().save(target, dpi=(dpi, dpi))
        bitmap.close()
        page.close()
        return max(dpi, 1)

    def picture(self, index: int, *, side: int) -> Image.Image:
        """Draw page *index* in colours, its longer side *side* pixels long."""
        page = self._document[index]
        bitmap = page.render(scale=side / max(*page.get_size(), 1))
        picture: Image.Image = bitmap.to_pil().convert("RGB")
        bitmap.close()
        page.close()
        return picture

    def invoice_data(self) -> bytes | None:
        """Return the invoice as data that a Factur-X or ZUGFeRD document carries, if it does and isn't enormous."""
        import pypdfium2 as pdfium

        for attachment in self._attachments():
            if attachment.get_name().lower() in _INVOICE_DATA:
                try:
                    data = attachment.get_data()
                except pdfium.PdfiumError:  # It is named only.
                    return None
                return bytes(data) if len(data) <= _LARGEST_INVOICE_DATA else None
        return None

    @property
    def carries_files(self) -> bool:
        """Whether there are files in it that nobody sees on its pages; the data of an invoice don't count."""
        return any(one.get_name().lower() not in _INVOICE_DATA for one in self._attachments())

    def _attachments(self) -> Iterator[pdfium.PdfAttachment]:
        for number in range(self._document.count_attachments()):
            yield self._document.get_attachment(number)

    def is_shaded(self, index: int) -> bool:
        """Say whether the paper of page *index* is much darker here than there, as on a photo with a shadow."""
        from PIL import Image, ImageFilter

        page = self._document[index]
        width, height = page.get_size()
        bitmap = page.render(scale=_SMALL_SIDE / max(width, height, 1), grayscale=True)
        # The brightest of a neighbourhood is paper, wherever letters are; the mean of a field is its light.
        paper = bitmap.to_pil().filter(ImageFilter.MaxFilter(9)).resize((6, 8), Image.Resampling.BOX)
        bitmap.close()
        page.close()
        darkest, brightest = paper.getextrema()
        return bool(int(brightest) - int(darkest) > _SHADOW)

    def _page(self, index: int) -> Page:
        import pypdfium2 as pdfium
        import pypdfium2.raw as raw

        try:
            page = self._document[index]
        except pdfium.PdfiumError:
            return Page(Content.BROKEN, "", 0, 0)
        if raw.FPDFPage_GetAnnotCount(page) > 0:
            # Values of fields and notes become part of the page, in this process's copy only.
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
            page.close()
            page = self._document[index]
        text_page = page.get_textpage()
        text = text_page.get_text_bounded()
        text_page.close()
        width, height = page.get_size()
        seen = _look_at(page, area=width * height)
        page.close()
        drawn = int(width * height * (_DPI / 72) ** 2)
        return Page(_content(text, seen), text, seen.image_pixels, drawn)


@dataclass
class _Seen:
    anything: bool = False
    hidden_text: bool = False
    large_image: bool = False
    image_pixels: int = 0
    all_pixels: int = 0
    covered: float = 0.0


def _look_at(page: pdfium.PdfPage, *, area: float) -> _Seen:
    import pypdfium2.raw as raw

    seen = _Seen()
    for kind, item in _objects(page):
        seen.anything = True
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            seen.hidden_text |= raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_INVISIBLE
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            across, down = ctypes.c_uint(), ctypes.c_uint()
            if not raw.FPDFImageObj_GetImagePixelSize(item, across, down):
                continue
            pixels = across.value * down.value
            seen.image_pixels = max(seen.image_pixels, pixels)
            left, bottom, right, top = (ctypes.c_float() for _ in range(4))
            if raw.FPDFPageObj_GetBounds(item, left, bottom, right, top):
                seen.covered += (right.value - left.value) * (top.value - bottom.value)
                seen.all_pixels += pixels
    seen.large_image = seen.covered >= _LARGE_IMAGE * area and seen.all_pixels >= _LARGE_IMAGE_PIXELS
    return seen


def _objects(page: pdfium.PdfPage) -> Iterator[tuple[int, object]]:
    """Yield kind and handle of the objects of *page*, those inside forms too."""
    import pypdfium2.raw as raw

    for count, item in enumerate(page.get_objects(max_depth=5)):
        if count >= _OBJECTS_LOOKED_AT:
            return
        if item.type != raw.FPDF_PAGEOBJ_FORM:
            yield item.type, item.raw


def _content(text: str, seen: _Seen) -> Content:
    letters = "".join(text.split())
    if not letters:
        return Content.SCAN if seen.anything else Content.BLANK
    if len(_GARBLED.findall(letters)) > 0.3 * len(letters):
        return Content.GARBLED
    # Invisible text is that of an earlier OCR: whoever made it has read the images.
    read_before = seen.hidden_text and len(letters) >= _READ_BEFORE
    return Content.MIXED if seen.large_image and not read_before else Content.TEXT
