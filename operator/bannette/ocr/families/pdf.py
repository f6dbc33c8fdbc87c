"""PDF: pages with text are read, scanned pages are recognised, signed documents are left untouched."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request

if TYPE_CHECKING:
    from bannette.ocr.pdfium import Page, Pdf

MEDIA_TYPES = frozenset({"application/pdf"})
_PDF, _TEXT = "document.pdf", "document.txt"
# Beyond this OCRmyPDF needs more memory (about 13 MB a megapixel) than a child has.
_REWRITABLE_PIXELS = 60_000_000


def read(request: Request) -> Answer:
    """Read a PDF."""
    from bannette.ocr.pdfium import Content, Pdf

    pdf = Pdf.open(request.path, passwords=request.passwords)
    pages = pdf.pages()
    unread = [index for index, page in enumerate(pages) if page.content not in (Content.TEXT, Content.BLANK)]
    forbidden = _forbidden([pages[index] for index in unread], request)
    if unread and not forbidden:
        return _recognise(request, pdf, pages, unread)
    if unread and len(unread) == len(pages):
        raise NotRead(Outcome.SKIPPED, str(forbidden))
    target = request.folder / _PDF
    if pdf.password:
        _save_decrypted(request.path, target, password=pdf.password)
    else:
        _link_or_copy(request.path, target)
    files = {"pdf": _PDF, "text": _TEXT}
    has_text = save_text([page.text for page in pages], request.folder / _TEXT)
    note = _note(pdf) or forbidden or (None if has_text else "NoText")
    return Answer(outcome=Outcome.TEXT, reason=note, engine="pdfium", pages=len(pages), files=files)


def _forbidden(pages: Sequence[Page], request: Request) -> str | None:
    """Say why *pages* may not be recognised, from what the file declares, before anything is drawn."""
    if len(pages) > request.limits.pages:
        return "TooManyPages"
    if any(page.image_pixels > request.limits.megapixels * 1_000_000 for page in pages):
        return "TooLarge"
    return None


def _note(pdf: Pdf) -> str | None:
    return "Signed" if pdf.is_signed else "XfaForm" if pdf.is_dynamic_form else None


def _recognise(request: Request, pdf: Pdf, pages: Sequence[Page], unread: Sequence[int]) -> Answer:
    from bannette.ocr.engine import engine_name, mean_confidence, require_languages
    from bannette.ocr.pdfium import Content, Pdf

    require_languages(request)
    texts = [page.text for page in pages]
    note, confidences = _rewrite(request, pdf, pages, unread)
    files = {"text": _TEXT}
    if note is None:
        files["pdf"] = _PDF
        texts = [page.text for page in Pdf.open(request.folder / _PDF).pages()]
        # OCRmyPDF leaves out what it takes for text; and a page of which it read nothing gets a second chance.
        unread = [index for index in unread if pages[index].content is Content.GARBLED or not texts[index].strip()]
    for index in unread:
        text, of_page = _recognise_drawing(request, pdf, index)
        # Of a page with text, that text is better; what its images add comes after it.
        texts[index] = f"{texts[index]}\n{text}" if pages[index].content is Content.MIXED else text
        confidences += of_page
    has_text = save_text(texts, request.folder / _TEXT)
    return Answer(
        outcome=Outcome.RECOGNISED,
        reason=_note(pdf) or note or (None if has_text else "NoText"),
        engine=engine_name(),
        pages=len(pages),
        confidence=mean_confidence(confidences),
        files=files,
    )


def _rewrite(
    request: Request, pdf: Pdf, pages: Sequence[Page], unread: Sequence[int]
) -> tuple[str | None, list[float]]:
    """Make the searchable PDF; return why there is none, and the confidences of its words."""
    from bannette.ocr.pdfium import Content
    from bannette.ocr.rewriting import NotRewritable, rewrite

    if pdf.is_signed:
        return "Signed", []
    if max(max(pages[index].image_pixels, pages[index].drawn_pixels) for index in unread) > _REWRITABLE_PIXELS:
        return "Downscaled", []
    recognisable = [index for index in unread if pages[index].content is not Content.GARBLED]
    if not recognisable:
        return "NotRewritable", []
    source = request.path
    if pdf.is_encrypted:
        source = request.scratch / "decrypted.pdf"
        _save_decrypted(request.path, source, password=pdf.password or "")
    mixed = any(pages[index].content is Content.MIXED for index in recognisable)
    try:
        return None, rewrite(source, request.folder / _PDF, request=request, pages=recognisable, mixed=mixed)
    except NotRewritable:
        return "NotRewritable", []


def _recognise_drawing(request: Request, pdf: Pdf, index: int) -> tuple[str, list[float]]:
    from bannette.ocr.engine import recognise

    drawing = request.scratch / "page.png"
    recognition = recognise(drawing, request=request, dpi=pdf.draw(index, drawing))
    return recognition.text, [confidence for confidence, _ in recognition.words]


def _save_decrypted(source: Path, target: Path, *, password: str) -> None:
    import pikepdf

    try:
        with pikepdf.open(source, password=password) as document:
            document.save(target)
    except pikepdf.PdfError as error:
        raise NotRead(Outcome.FAILED, "Corrupt") from error


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # Another file system, or one without links.
        shutil.copyfile(source, target)
