"""Web pages: the text that a browser would show, a line for each block, cells of a row with tabs between them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bannette.ocr.encodings import decode
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.versions import xml_engine

if TYPE_CHECKING:
    from lxml import etree

MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
GIVES = ("text",)
_TEXT = "document.txt"
_MOST = 20_000_000
_DECLARED = re.compile(
    rb"""<(?:meta[^>]{0,200}charset|\?xml[^>]{0,100}encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})"""
)
_DECLARED_WITHIN = 2048
_UNSEEN = frozenset(
    {"script", "style", "template", "noscript", "head", "svg", "object", "iframe", "select", "datalist"}
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del", "dfn", "em", "font"}
    | {"i", "img", "input", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong"}
    | {"sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_CELLS = frozenset({"td", "th"})


def read(request: Request) -> Answer:
    """Read the page; nothing that it refers to is looked up."""
    with request.path.open("rb") as file:
        data, more = file.read(_MOST), file.read(1)
    text, whole = html_text(data)
    has_text = save_text([text], request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason="TextCut" if more or not whole else None if has_text else "NoText",
        engine=xml_engine(),
        pages=1,
        files={"text": _TEXT},
    )


def html_text(data: bytes, *, declared: str | None = None) -> tuple[str, bool]:
    """Return the visible text of the page *data*, and whether it is all of it: thousands of nested blocks aren't read.

    *declared*: the encoding that whoever sent it told.

    Raises:
        NotRead: Corrupt: there is nothing that can be parsed.
    """
    from lxml import etree

    found = _DECLARED.search(data[:_DECLARED_WITHIN])
    page = decode(data, declared=declared or (found[1].decode("ascii") if found else None))
    # HTML has no entities of its own to unfold; what is nested deeply is text all the same.
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8", huge_tree=True)
    # lxml refuses zeros, and lone surrogates can't be encoded.
    source = page.replace("\0", "").encode("utf-8", "replace")
    try:
        root = etree.fromstring(source, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotRead(Outcome.FAILED, "Corrupt") from error
    whole = not any("depth" in entry.message for entry in parser.error_log)
    return "" if root is None else _visible(root), whole


def _visible(root: etree._Element) -> str:
    from lxml import etree

    pieces: list[str] = []
    unseen: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if unseen is not None:
                continue
            if name in _UNSEEN or _is_hidden(element):
                unseen = element
                continue
            if name == "br" or (name and name not in _INLINE and name not in _CELLS):
                pieces.append("\n")
            pieces.append(_flowing(element.text))
            continue
        if unseen is element:
            unseen = None
        elif unseen is not None:
            continue
        elif name in _CELLS:
            pieces.append("\t")
        elif name and name != "br" and name not in _INLINE:
            pieces.append("\n")
        if element is not root:
            pieces.append(_flowing(element.tail))
    lines = (re.sub(r" *\t *", "\t", re.sub(" +", " ", line)).strip() for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _is_hidden(element: etree._Element) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))


def _flowing(text: str | None) -> str:
    """Return *text* as it flows: white space of any kind is one space."""
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
