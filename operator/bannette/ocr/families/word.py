"""Texts of word processors (docx and its kin): body, tables, text boxes, headers, footers and notes.

Source: ECMA-376 part 1, WordprocessingML. Deleted text of tracked changes isn't text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bannette.ocr.package import Package, Relation, attribute, local_name
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, Request
from bannette.ocr.versions import xml_engine

if TYPE_CHECKING:
    from lxml import etree

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
MEDIA_TYPES = frozenset(
    {
        f"{_WORD}.document",
        f"{_WORD}.template",
        "application/vnd.ms-word.document.macroEnabled.12",
        "application/vnd.ms-word.template.macroEnabled.12",
    }
)
GIVES = ("text",)
_TEXT = "document.txt"
# Deleted and moved-away text, field codes, and what stands for readers that are too old.
_SKIPPED = frozenset({"del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "rPr", "sectPr", "tblPr", "trPr"})
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_NOTES = (("footnotes", "footnote"), ("endnotes", "endnote"))
_PAGE = "\f"


def read(request: Request) -> Answer:
    """Read the text; pages are those of the last time when it was laid out, if it says so."""
    package = Package.open(request.path)
    main = package.main_part("word/document.xml")
    body = package.required(main)
    rendered = next(body.iter("{*}lastRenderedPageBreak"), None) is not None
    relations = list(package.relations(main).values())
    pages = "".join(_lines(body, rendered=rendered)).split(_PAGE)
    pages[0] = "".join([*_others(package, relations, "header"), pages[0]])
    notes = [line for kind, name in _NOTES for line in _notes(package, relations, kind, name)]
    pages[-1] = "".join([pages[-1], *notes, *_others(package, relations, "footer")])
    has_text = save_text(pages, request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason=None if has_text else "NoText",
        engine=xml_engine(),
        pages=len(pages),
        files={"text": _TEXT},
    )


def _lines(element: etree._Element, *, rendered: bool) -> Iterator[str]:
    """Yield the text below *element* in reading order: paragraphs with a newline, cells of a row with tabs."""
    for child in element:
        name = local_name(child)
        if name in _SKIPPED or not name:
            continue
        if name == "p":
            yield from _paragraph(child, rendered=rendered)
        elif name == "tr":
            yield from _row(child, rendered=rendered)
        else:
            yield from _lines(child, rendered=rendered)


def _paragraph(paragraph: etree._Element, *, rendered: bool) -> Iterator[str]:
    boxes: list[etree._Element] = []
    yield "".join(_runs(paragraph, boxes, rendered=rendered)) + "\n"
    for box in boxes:
        yield from _lines(box, rendered=rendered)


def _runs(element: etree._Element, boxes: list[etree._Element], *, rendered: bool) -> Iterator[str]:
    for child in element:
        name = local_name(child)
        if name == "t":
            yield child.text or ""
        elif name == "br" and attribute(child, "type") == "page":
            # Where the text was laid out, its pages' ends are marked by themselves.
            yield "\n" if rendered else _PAGE
        elif name == "lastRenderedPageBreak":
            yield _PAGE
        elif name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif name == "txbxContent":
            boxes.append(child)
        elif name and name not in _SKIPPED:
            yield from _runs(child, boxes, rendered=rendered)


def _row(row: etree._Element, *, rendered: bool) -> Iterator[str]:
    cells = ["".join(_lines(cell, rendered=rendered)).strip("\n") for cell in row.iter("{*}tc") if _is_of(cell, row)]
    if any("\n" in cell or _PAGE in cell for cell in cells):
        yield from (f"{cell}\n" for cell in cells if cell)
    else:
        yield "\t".join(cells) + "\n"


def _is_of(cell: etree._Element, row: etree._Element) -> bool:
    """Whether *cell* is of *row* itself, not of a table inside one of its cells."""
    return next(above for above in cell.iterancestors() if local_name(above) == "tr") is row


def _others(package: Package, relations: list[Relation], kind: str) -> list[str]:
    """Return the texts of the headers or footers, each once: first, even and odd pages often share theirs."""
    roots = (package.xml(relation.target) for relation in relations if relation.kind == kind)
    texts = ("".join(_lines(root, rendered=True)).strip() for root in roots if root is not None)
    return [f"{text}\n" for text in dict.fromkeys(texts) if text]


def _notes(package: Package, relations: list[Relation], kind: str, name: str) -> Iterator[str]:
    for relation in relations:
        root = package.xml(relation.target) if relation.kind == kind else None
        for note in root.iterchildren(f"{{*}}{name}") if root is not None else ():
            # Separators have a type; the notes themselves have none.
            if attribute(note, "type") in (None, "normal"):
                yield from _lines(note, rendered=True)
