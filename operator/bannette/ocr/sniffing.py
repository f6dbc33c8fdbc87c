"""What libmagic takes for something more general: office documents, mails, web pages and tables in text.

Pure but for reading the file: these functions look at the beginning, or into a ZIP's directory.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from bannette.ocr.zips import DamagedZip, damage_noticed

_LOOKED_AT = 16_384
_LARGEST_LIST = 1_000_000
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SLIDES = "application/vnd.openxmlformats-officedocument.presentationml"
# Content type of the main part (ECMA-376 part 1) to media type (IANA).
_MAIN_PARTS = {
    f"{_WORD}.document.main+xml": f"{_WORD}.document",
    f"{_WORD}.template.main+xml": f"{_WORD}.template",
    "application/vnd.ms-word.document.macroEnabled.main+xml": "application/vnd.ms-word.document.macroEnabled.12",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml": (
        "application/vnd.ms-word.template.macroEnabled.12"
    ),
    f"{_SHEETS}.sheet.main+xml": f"{_SHEETS}.sheet",
    f"{_SHEETS}.template.main+xml": f"{_SHEETS}.template",
    "application/vnd.ms-excel.sheet.macroEnabled.main+xml": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "application/vnd.ms-excel.template.macroEnabled.main+xml": "application/vnd.ms-excel.template.macroEnabled.12",
    f"{_SLIDES}.presentation.main+xml": f"{_SLIDES}.presentation",
    f"{_SLIDES}.slideshow.main+xml": f"{_SLIDES}.slideshow",
    f"{_SLIDES}.template.main+xml": f"{_SLIDES}.template",
    "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml": (
        "application/vnd.ms-powerpoint.presentation.macroEnabled.12"
    ),
    "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml": (
        "application/vnd.ms-powerpoint.slideshow.macroEnabled.12"
    ),
}
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}")
_HEADER = re.compile(r"([!-9;-~]{1,76}):[ \t]?.*")
_OF_A_MAIL = frozenset(
    {"from", "to", "cc", "subject", "date", "message-id", "received", "return-path", "delivered-to", "mime-version"}
    | {"content-type", "reply-to"}
)
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|div|p|h1|meta)\b", re.I | re.S)
# An invoice without the line that says it's XML.
_INVOICE = re.compile(
    r"\s*<(?:\w+:)?(?:CrossIndustryInvoice|CrossIndustryDocument|Invoice|CreditNote)\b[^>]*\bxmlns", re.S
)
_SEPARATORS = {";": 1, "\t": 1, ",": 2}
_ROWS = 20
_FEWEST_ROWS = 3


def narrower(media_type: str, path: Path) -> str:
    """Return the type of *path*, which libmagic takes for *media_type*; most often that is it.

    Raises:
        OSError: the file can't be read.
    """
    if media_type.startswith("text/"):
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
        return text_type(head.decode("latin-1"), media_type)
    with path.open("rb") as file:
        is_zip = file.read(4) == b"PK\x03\x04"
    return (package_type(path) or media_type) if is_zip else media_type


def package_type(path: Path) -> str | None:
    """Return the type of an office document by the parts of its ZIP, in whatever order; None for another ZIP."""
    try:
        with damage_noticed(), zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                listed = _beginning(archive, "[Content_Types].xml")
                return next((kind for part, kind in _MAIN_PARTS.items() if f'"{part}"' in listed), None)
            if "mimetype" in names:
                said = _beginning(archive, "mimetype").strip()
                return said if _MEDIA_TYPE.fullmatch(said) else None
    except DamagedZip:
        return None
    return None


def _beginning(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as part:
        return part.read(_LARGEST_LIST).decode("utf-8", "replace")


def text_type(head: str, media_type: str) -> str:
    """Return the type of the text that begins with *head* and is said to be *media_type*."""
    if is_mail(head):
        return "message/rfc822"
    if _INVOICE.match(head.removeprefix("\xef\xbb\xbf")):
        return "text/xml"
    if media_type.startswith("text/x-"):
        # A letter that looks like a program is a letter.
        media_type = "text/plain"
    if media_type in ("text/plain", "text/xml") and _HTML.match(head.removeprefix("\xef\xbb\xbf")):
        return "text/html"
    return "text/csv" if media_type == "text/plain" and is_table(head) else media_type


def is_mail(head: str) -> bool:
    """Whether a file that begins with *head* is a mail: it begins with fields, among them those that mails have."""
    names: set[str] = set()
    for line in head.splitlines():
        if not line.strip():
            break
        if line[0] in " \t":
            continue
        field = _HEADER.fullmatch(line)
        if field is None:
            # A mailbox begins its mails with a line of its own.
            if not names and line.startswith("From "):
                continue
            return False
        names.add(field[1].lower())
    return "from" in names and len(names & _OF_A_MAIL) >= 3


def is_table(head: str) -> bool:
    """Whether the lines of *head* are rows: the same separator as often in each of them."""
    lines = [line for line in head.splitlines() if line.strip()]
    # The last one may be cut.
    rows = (lines[:-1] if len(head) >= _LOOKED_AT else lines)[:_ROWS]
    if len(rows) < _FEWEST_ROWS:
        return False
    counts = {separator: {_outside_quotes(row, separator) for row in rows} for separator in _SEPARATORS}
    return any(len(counts[one]) == 1 and min(counts[one]) >= least for one, least in _SEPARATORS.items())


def _outside_quotes(row: str, separator: str) -> int:
    return sum(part.count(separator) for part in row.split('"')[::2])
