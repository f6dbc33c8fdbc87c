"""PDF: pages with text are read, scanned pages are recognised, signed documents are left untouched."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bannette.ocr.invoice import parse_invoice
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request

if TYPE_CHECKING:
    from bannette.ocr.layering import Layered
    from bannette.ocr.pdfium import Page, Pdf
    from bannette.ocr.rewriting import Rewritten

MEDIA_TYPES = frozenset({"application/pdf"})
GIVES = ("text", "pdf", "thumbnail", "invoice")
_PDF, _TEXT, _INVOICE_DATA = "document.pdf", "document.txt", "factur-x.xml"
# Beyond this OCRmyPDF needs more memory (about 13 MB a megapixel) than a child has.
_REWRITABLE_PIXELS = 60_000_000
_PAGES_SEARCHED_FOR_SHADOWS = 5


def read(request: Request) -> Answer:
    """Read a PDF."""
    from bannette.ocr.pdfium import Pdf

    pdf = Pdf.open(request.path, passwords=request.passwords)
    invoice_data = pdf.invoice_data()
    answer = _read(request, pdf, pdf.pages())
    if invoice_data is None:
        return answer
    (request.folder / _INVOICE_DATA).write_bytes(invoice_data)
    return replace(answer.with_file("factur-x", _INVOICE_DATA), invoice=parse_invoice(invoice_data))


def _read(request: Request, pdf: Pdf, pages: Sequence[Page]) -> Answer:
    from bannette.ocr.pdfium import Content

    readable = (Content.TEXT, Content.BLANK, Content.BROKEN)
    unread = [index for index, page in enumerate(pages) if page.content not in readable]
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
    note = _note(pdf, pages) or forbidden
    if not has_text:
        note = note or ("XfaForm" if _needs_adobe(request.path, password=pdf.password or "") else "NoText")
    return Answer(outcome=Outcome.TEXT, reason=note, engine="pdfium", pages=len(pages), files=files)


def _forbidden(pages: Sequence[Page], request: Request) -> str | None:
    """Say why *pages* may not be recognised, from what the file declares, before anything is drawn."""
    if len(pages) > request.limits.pages:
        return "TooManyPages"
    if any(page.image_pixels > request.limits.megapixels * 1_000_000 for page in pages):
        return "TooLarge"
    return None


def _note(pdf: Pdf, pages: Sequence[Page]) -> str | None:
    from bannette.ocr.pdfium import Content

    if any(page.content is Content.BROKEN for page in pages):
        return "PagesMissing"
    if pdf.is_signed:
        return "Signed"
    if pdf.is_dynamic_form:
        return "XfaForm"
    return "PartsMissing" if pdf.carries_files else None


def _recognise(request: Request, pdf: Pdf, pages: Sequence[Page], unread: Sequence[int]) -> Answer:
    from bannette.ocr.engine import certainty, engine_name, require_languages
    from bannette.ocr.layering import recognise_pages
    from bannette.ocr.pdfium import Content, Pdf

    require_languages(request)
    texts = [page.text for page in pages]
    large = [index for index in unread if _pixels(pages[index]) > _REWRITABLE_PIXELS]
    scans = [index for index in unread if pages[index].content is Content.SCAN]
    mixed = [index for index in unread if pages[index].content is Content.MIXED and index not in large]
    engines, files, confidences = [engine_name()], {"text": _TEXT}, list[float]()
    failed = dict[int, NotRead]()
    layered = recognise_pages(pdf, scans, request=request, failed=failed)
    for index, one in layered.items():
        texts[index] = one.recognition.text
        confidences += [confidence for confidence, _ in one.recognition.words]
    written = _lay_over(request, pdf, layered)
    if rewritten := _rewrite(written or request.path, request, pdf, mixed):
        engines.append(rewritten.engine)
        confidences += rewritten.confidences
        of_rewritten = Pdf.open(request.folder / _PDF).pages()
        texts = [of_rewritten[index].text if index in mixed else text for index, text in enumerate(texts)]
    elif written:
        written.replace(request.folder / _PDF)
    if rewritten or written:
        files["pdf"] = _PDF
    for index in unread:
        if index in layered or index in failed or (rewritten and index in mixed):
            continue
        try:
            text, of_page = _recognise_drawing(request, pdf, index)
        except NotRead as error:
            failed[index] = error
            continue
        # Of a page with text, that text is better; what its images add comes after it.
        texts[index] = f"{texts[index]}\n{text}" if pages[index].content is Content.MIXED else text
        confidences += of_page
    if len(failed) == len(pages):
        raise next(iter(failed.values()))
    has_text = save_text(texts, request.folder / _TEXT)
    sure = certainty(confidences)
    whole = all(index in layered or (rewritten and index in mixed) for index in unread) and "pdf" in files
    note = "Downscaled" if large else None if whole else "NotRewritable"
    return Answer(
        outcome=Outcome.RECOGNISED,
        reason=("PagesMissing" if failed else None) or _note(pdf, pages) or note or (None if has_text else "NoText"),
        engine=", ".join(engines),
        pages=len(pages),
        confidence=sure.mean,
        words=sure.words,
        unsure_words=sure.unsure_words,
        rotation={index + 1: 90 * one.turns for index, one in layered.items() if one.turns},
        files=files,
    )


def _lay_over(request: Request, pdf: Pdf, layered: Mapping[int, Layered]) -> Path | None:
    """Write the PDF with the text over its scanned pages; None when that can't be, mustn't be, or needn't be."""
    from bannette.ocr.layering import NotLayerable, lay_over

    if not layered or pdf.is_signed:
        return None
    target = request.scratch / "layered.pdf"
    try:
        lay_over(request.path, target, layered, password=pdf.password)
    except NotLayerable:
        return None
    return target


def _pixels(page: Page) -> int:
    return max(page.image_pixels, page.drawn_pixels)


def _rewrite(source: Path, request: Request, pdf: Pdf, mixed: Sequence[int]) -> Rewritten | None:
    """Recognise what is picture on pages with text and write the searchable PDF; None when that can't or mustn't be."""
    from bannette.ocr.rewriting import NotRewritable, rewrite

    if not mixed or pdf.is_signed:
        return None
    if pdf.is_encrypted and source == request.path:
        source = request.scratch / "decrypted.pdf"
        _save_decrypted(request.path, source, password=pdf.password or "")
    # Pages of one document come from one camera: a few tell.
    shaded = any(pdf.is_shaded(index) for index in mixed[:: math.ceil(len(mixed) / _PAGES_SEARCHED_FOR_SHADOWS)])
    try:
        return rewrite(source, request.folder / _PDF, request=request, pages=mixed, shaded=shaded)
    except NotRewritable:
        return None


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


def _needs_adobe(path: Path, *, password: str) -> bool:
    """Say whether *path* is a form that only Adobe's reader draws; pdfium tells that only when it has fields."""
    import pikepdf

    try:
        with pikepdf.open(path, password=password) as document:
            return bool(document.Root.get("/NeedsRendering", False))
    except pikepdf.PdfError:
        return False


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # Another file system, or one without links.
        shutil.copyfile(source, target)
