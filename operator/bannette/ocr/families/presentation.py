"""Slides (pptx and its kin): the texts of each slide in its order, tables by row, then its notes.

Source: ECMA-376 part 1, PresentationML and DrawingML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bannette.ocr.package import Package, Relation, local_name
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.versions import xml_engine

if TYPE_CHECKING:
    from lxml import etree

_SLIDES = "application/vnd.openxmlformats-officedocument.presentationml"
MEDIA_TYPES = frozenset(
    {
        f"{_SLIDES}.presentation",
        f"{_SLIDES}.slideshow",
        f"{_SLIDES}.template",
        "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
        "application/vnd.ms-powerpoint.slideshow.macroEnabled.12",
    }
)
GIVES = ("text",)
_TEXT = "document.txt"
# The picture of the slide, its number, the date: placeholders that say nothing of their own.
_FURNITURE = frozenset({"sldImg", "sldNum", "dt"})


def read(request: Request) -> Answer:
    """Read the slides, a page each, those that are hidden too."""
    package = Package.open(request.path)
    main = package.main_part("ppt/presentation.xml")
    relations = package.relations(main)
    # Sections, an extension, list their slides once more, without relations.
    slides = [_target(slide, relations) for slide in package.required(main).iterfind("{*}sldIdLst/{*}sldId")]
    has_text = save_text([_slide(package, name) for name in slides], request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason=None if has_text else "NoText",
        engine=xml_engine(),
        pages=len(slides),
        files={"text": _TEXT},
    )


def _target(slide: etree._Element, relations: Mapping[str, Relation]) -> str:
    """Return the name of the part that *slide* of the list refers to.

    Raises:
        NotRead: Corrupt: it refers to none.
    """
    # It has an id of its own beside that of its relation, in another namespace.
    targets = [relations[value].target for value in slide.attrib.values() if value in relations]
    if not targets:
        raise NotRead(Outcome.FAILED, "Corrupt")
    return targets[0]


def _slide(package: Package, name: str) -> str:
    notes = [relation.target for relation in package.relations(name).values() if relation.kind == "notesSlide"]
    roots = [package.required(name), *(root for note in notes if (root := package.xml(note)) is not None)]
    return "\n".join(line for root in roots for line in _lines(root))


def _lines(element: etree._Element) -> Iterator[str]:
    for child in element:
        name = local_name(child)
        if name == "p":
            yield "".join(_runs(child))
        elif name == "tr":
            cells = (" ".join(_lines(cell)) for cell in child.iterchildren("{*}tc"))
            yield "\t".join(cells)
        elif name and name != "Fallback" and not (name == "sp" and _is_furniture(child)):
            yield from _lines(child)


def _runs(paragraph: etree._Element) -> Iterator[str]:
    for item in paragraph.iter("{*}t", "{*}br"):
        yield "\n" if local_name(item) == "br" else item.text or ""


def _is_furniture(shape: etree._Element) -> bool:
    placeholder = next(shape.iter("{*}ph"), None)
    return placeholder is not None and placeholder.get("type") in _FURNITURE
