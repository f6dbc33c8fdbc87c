"""A searchable PDF from a scanned one: pages stay as they are, and what was recognised is laid invisibly over them.

Source: ISO 32000-2, 8.3 (coordinates), 9.3.6 (invisible text), 7.7.3.4 (inherited attributes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bannette.ocr.engine import Recognition, quarter_turns, recognise_scan
from bannette.ocr.request import NotRead, Request

if TYPE_CHECKING:
    import pikepdf

    from bannette.ocr.pdfium import Pdf


@dataclass(frozen=True)
class Layered:
    """What was recognised of a page; *turns*: by how many quarters clockwise it must be turned to stand upright."""

    recognition: Recognition
    turns: int


class NotLayerable(Exception):
    """The file can't be written again; its pages were recognised all the same."""


def recognise_pages(
    pdf: Pdf, pages: Sequence[int], *, request: Request, failed: dict[int, NotRead]
) -> dict[int, Layered]:
    """Recognise *pages* (from 0) from drawings of them, each turned upright if it isn't.

    One at which the engine fails comes into *failed* instead: it mustn't cost the others.
    """
    recognised = {}
    for index in pages:
        try:
            recognised[index] = _recognise(pdf, index, request)
        except NotRead as error:
            failed[index] = error
    return recognised


def lay_over(source: Path, target: Path, recognised: Mapping[int, Layered], *, password: str | None) -> None:
    """Write *source* to *target* with the recognised text over its pages, turned where they were.

    Raises:
        NotLayerable: it is too broken for that.
    """
    import pikepdf

    try:
        with pikepdf.open(source, password=password or "") as document:
            for index, layered in recognised.items():
                with pikepdf.open(layered.recognition.pdf) as text:
                    _lay_over_page(document, document.pages[index], text.pages[0], layered.turns)
            document.save(target)
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        target.unlink(missing_ok=True)
        raise NotLayerable from error


def _recognise(pdf: Pdf, index: int, request: Request) -> Layered:
    drawing = request.scratch / f"page-{index + 1}.pgm"
    dpi = pdf.draw(index, drawing)
    shaded = pdf.is_shaded(index)
    found = recognise_scan(drawing, request=request, dpi=dpi, shaded=shaded)
    turns = 0
    if found.may_be_turned:
        turns = quarter_turns(drawing, dpi=dpi)
        if turns:
            turned = pdf.draw(index, drawing, turns=turns)
            upright = recognise_scan(drawing, request=request, dpi=turned, shaded=shaded)
            if found.is_beaten_by(upright):
                found = upright
            else:
                turns = 0
    drawing.unlink()
    return Layered(found, turns)


def _lay_over_page(document: pikepdf.Pdf, page: pikepdf.Page, text: pikepdf.Page, turns: int) -> None:
    import pikepdf

    rotation = (_quarter(_inherited_number(page, "/Rotate")) + 90 * turns) % 360
    if turns:
        page.obj.Rotate = rotation
    left, bottom, right, top = _shown(page)
    across, up = _size(text)
    matrix = _placed(rotation, (left, bottom, right - left, top - bottom), across=across, up=up)
    if "/Resources" not in page.obj:
        page.obj.Resources = _inherited(page, "/Resources") or pikepdf.Dictionary()
    # Others may share it, and a name that is added would be added to theirs.
    page.obj.Resources = document.make_indirect(pikepdf.Dictionary(dict(page.obj.Resources.items())))
    name = page.add_resource(document.copy_foreign(text.as_form_xobject()), pikepdf.Name.XObject)
    # What the page's own content leaves behind must not move the text.
    saved, restored = _unbalanced(page)
    page.contents_add(b"q " * (saved + 1), prepend=True)
    numbers = " ".join(f"{number:.6f}" for number in matrix)
    page.contents_add(b"\n" + b"Q " * (restored + 1) + f"q {numbers} cm {name} Do Q\n".encode())


def _placed(
    rotation: int, box: tuple[float, float, float, float], *, across: float, up: float
) -> tuple[float, float, float, float, float, float]:
    """Return the matrix that lays an upright page of *across* by *up* over a *box* that is shown turned by *rotation*.

    *box*: left, bottom, width and height in the page's own coordinates.
    """
    left, bottom, width, height = box
    shown = (height, width) if rotation % 180 else (width, height)
    wide, high = shown[0] / across, shown[1] / up
    match rotation:
        case 90:
            return 0, wide, -high, 0, left + width, bottom
        case 180:
            return -wide, 0, 0, -high, left + width, bottom + height
        case 270:
            return 0, -wide, high, 0, left, bottom + height
        case _:
            return wide, 0, 0, high, left, bottom


def _unbalanced(page: pikepdf.Page) -> tuple[int, int]:
    """Return how many states the content of *page* restores without having saved them, and how many it leaves saved."""
    import pikepdf

    depth = lowest = 0
    for instruction in pikepdf.parse_content_stream(page, "q Q"):
        depth += 1 if str(instruction.operator) == "q" else -1
        lowest = min(lowest, depth)
    return -lowest, depth - lowest


def _shown(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """Return what of *page* is shown: left, bottom, right, top, whichever way round its boxes are written."""
    left, bottom, right, top = _box(page.mediabox)
    crop = _box(page.cropbox)
    cut = (max(left, crop[0]), max(bottom, crop[1]), min(right, crop[2]), min(top, crop[3]))
    return cut if cut[0] < cut[2] and cut[1] < cut[3] else (left, bottom, right, top)


def _box(sides: pikepdf.Object) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(side) for side in sides)
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)


def _quarter(rotation: int) -> int:
    """Return what viewers make of *rotation*, which ought to be a multiple of 90 degrees."""
    return int(rotation / 90) * 90 % 360


def _size(page: pikepdf.Page) -> tuple[float, float]:
    left, bottom, right, top = (float(side) for side in page.mediabox)
    return right - left, top - bottom


def _inherited(page: pikepdf.Page, name: str) -> pikepdf.Object | None:
    node: pikepdf.Object = page.obj
    depth = 0
    while name not in node and "/Parent" in node and depth < 50:
        node, depth = node["/Parent"], depth + 1
    return node.get(name)


def _inherited_number(page: pikepdf.Page, name: str) -> int:
    value = _inherited(page, name)
    return int(float(str(value))) if value is not None else 0
