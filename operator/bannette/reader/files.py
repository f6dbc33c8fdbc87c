"""How a document's files are served: which part, as what, and under which name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from bannette.binder import Record

_DERIVED: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "text": "text/plain; charset=utf-8",
    "thumbnail": "image/webp",
    "factur-x": "application/xml",
}
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
# What names of files can't have somewhere, or mean something else by.
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\\/:*?"<>|;%]')
_LONGEST_NAME: Final = 150


@dataclass(frozen=True)
class Served:
    """The part of a file that is served: from *start* up to *end*.

    Attributes:
        tag: of the file as it is; range: of a part, as HTTP says it.
    """

    status: int
    start: int
    end: int
    tag: str
    range: str | None = None

    @property
    def has_body(self) -> bool:
        return self.status in (200, 206)


def requested_part(headers: Mapping[str, str], *, size: int, tag: str, parts: bool = True) -> Served:
    """Return what is served of a file of *size* bytes: all of it, one part, or nothing.

    Args:
        parts: a part may be asked for; HEAD has none.

    Source: RFC 9110, sections 13 and 14. Of several ranges all is served, as it allows.
    """
    if tag in [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]:
        return Served(304, 0, 0, tag)
    match = _RANGE.fullmatch(headers.get("range", "").strip() if parts else "")
    if match is None or match[0] == "bytes=-" or headers.get("if-range", tag) != tag:
        return Served(200, 0, size, tag)
    first, last = match[1], match[2]
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return Served(200, 0, size, tag)
    else:
        start, end = max(size - int(last), 0), size
    if start >= end:
        return Served(416, 0, 0, tag, range=f"bytes */{size}")
    return Served(206, start, end, tag, range=f"bytes {start}-{end - 1}/{size}")


def media_type_of(record: Record, role: str) -> str:
    """Return what a file is; of an original what its bytes were found to be, whatever its name says."""
    if role == "original":
        return record.media_type if _MEDIA_TYPE.fullmatch(record.media_type) else "application/octet-stream"
    return _DERIVED.get(role, "application/octet-stream")


def disposition(record: Record, role: str, key: str) -> str:
    """Return the Content-Disposition: it is always to be saved, under the document's name and the key's ending.

    Whoever shows it in a browser decides that itself. Source: RFC 6266, RFC 8187.
    """
    ending = key.rpartition("/")[2].rpartition(".")[2]
    stem, _, old = record.name.rpartition(".")
    stem = stem if stem and old.isalnum() and len(old) <= 5 else record.name
    told = "" if role == "original" else f" ({role})" if role not in ("pdf", "text") else ""
    name = f"{_UNFIT.sub('_', stem).strip(' .')[:_LONGEST_NAME] or 'document'}{told}.{ending}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    encoded = quote(name.encode("utf-8", "replace").decode(), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
