"""OpenDocument texts, sheets and slides: text in the order of the file, a page for each sheet and slide.

Source: OpenDocument 1.3 part 3. Tracked deletions and notes of reviewers aren't text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from bannette.ocr.package import Package, attribute, local_name
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.versions import xml_engine

if TYPE_CHECKING:
    from lxml import etree

_ODF = "application/vnd.oasis.opendocument"
MEDIA_TYPES = frozenset(
    f"{_ODF}.{kind}{template}" for kind in ("text", "spreadsheet", "presentation") for template in ("", "-template")
)
GIVES = ("text",)
_TEXT = "document.txt"
_SKIPPED = frozenset({"tracked-changes", "annotation", "annotation-end", "forms", "desc"})
_SVG = "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
_LINES = frozenset({"p", "h"})
_MOST_CHARACTERS = 5_000_000
# A cell says how often it is repeated; beyond these it fills a sheet up.
_MOST_REPEATED = {"columns": 256, "rows": 1000}


def read(request: Request) -> Answer:
    """Read the text."""
    package = Package.open(request.path)
    manifest = package.xml("META-INF/manifest.xml")
    if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
        raise NotRead(Outcome.NEEDS_PASSWORD, "Encrypted")
    body = next(package.required("content.xml").iter("{*}body"), None)
    if body is None or not len(body):
        raise NotRead(Outcome.FAILED, "Corrupt")
    pages, cut = _within(_MOST_CHARACTERS, _pages(body[0], package))
    has_text = save_text(pages, request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason="TextCut" if cut else None if has_text else "NoText",
        engine=xml_engine(),
        pages=len(pages),
        files={"text": _TEXT},
    )


def _within(most: int, pages: Iterator[Iterator[str]]) -> tuple[list[str], bool]:
    """Return the pages of lines as texts, with at most *most* characters, and whether there were more."""
    texts: list[str] = []
    for page in pages:
        lines: list[str] = []
        for line in page:
            most -= len(line) + 1
            if most < 0:
                return [*texts, "\n".join(lines)], True
            lines.append(line)
        texts.append("\n".join(lines))
    return texts, False


def _pages(content: etree._Element, package: Package) -> Iterator[Iterator[str]]:
    match local_name(content):
        case "spreadsheet":
            yield from (_sheet(table) for table in content.iterchildren("{*}table"))
        case "presentation":
            yield from (_lines(slide) for slide in content.iterchildren("{*}page"))
        case _:
            yield chain(_margins(package, "header"), _lines(content), _margins(package, "footer"))


def _margins(package: Package, name: str) -> Iterator[str]:
    """Yield the lines of the headers or footers, each once, whatever the number of pages."""
    styles = package.xml("styles.xml")
    for master in styles.iter("{*}master-page") if styles is not None else ():
        for margin in master.iterchildren(f"{{*}}{name}", f"{{*}}{name}-first", f"{{*}}{name}-left"):
            yield from _lines(margin)


def _sheet(table: etree._Element) -> Iterator[str]:
    yield attribute(table, "name") or ""
    yield from _rows(table)
    for shapes in table.iterchildren("{*}shapes"):
        yield from _lines(shapes)


def _lines(element: etree._Element) -> Iterator[str]:
    for child in element:
        name = local_name(child)
        if name in _LINES:
            boxes: list[etree._Element] = []
            yield "".join(_characters(child, boxes))
            for box in boxes:
                yield from _lines(box)
        elif name == "table":
            yield from _rows(child)
        elif _is_text(child):
            yield from _lines(child)


def _is_text(element: etree._Element) -> bool:
    """Whether what is in *element* is text of the document: the title of a picture isn't, the field of that name is."""
    name = local_name(element)
    return bool(name) and name not in _SKIPPED and element.tag != f"{{{_SVG}}}title"


def _characters(element: etree._Element, boxes: list[etree._Element]) -> Iterator[str]:
    """Yield the text of a paragraph; frames and notes in it, which have paragraphs of their own, go to *boxes*."""
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name == "s":
            yield " " * min(_repeated(child, "c", 1000), 1000)
        elif name in ("tab", "line-break"):
            yield "\t" if name == "tab" else "\n"
        elif name in ("note-body", "text-box", "table"):
            boxes.append(child)
        elif _is_text(child):
            yield from _characters(child, boxes)
        yield child.tail or ""


def _rows(table: etree._Element) -> Iterator[str]:
    for row in table.iter("{*}table-row"):
        if next(above for above in row.iterancestors() if local_name(above) == "table") is not table:
            continue
        cells: list[str] = []
        for cell in row:
            if local_name(cell) in ("table-cell", "covered-table-cell"):
                times = _repeated(cell, "number-columns-repeated", _MOST_REPEATED["columns"])
                said = " ".join(" ".join(_lines(cell)).split("\n")) or _value(cell)
                cells.extend([said] * times)
        line = "\t".join(cells).rstrip("\t")
        if line:
            yield from [line] * _repeated(row, "number-rows-repeated", _MOST_REPEATED["rows"])


def _value(cell: etree._Element) -> str:
    """Return the value of a cell that shows no text."""
    members = ("value", "date-value", "time-value", "string-value", "boolean-value")
    return next((said for member in members if (said := attribute(cell, member))), "")


def _repeated(element: etree._Element, name: str, most: int) -> int:
    said = attribute(element, name) or "1"
    return min(int(said), most) if said.isdecimal() and len(said) < 10 else 1
