"""What other programs are told of a document that was collected: a CloudEvent. Pure.

Source: CloudEvents 1.0.2, JSON event format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

COLLECTED: Final = "io.bannette.document.collected"
# Of a record (docs/record.md): where the document is and what it is, without what it says. What records will have
# beside it some day stays with them until it is added here.
_TOLD: Final = (
    *("id", "drive", "item", "name", "folder", "size", "sha256", "verified", "mediaType", "modifiedAt", "collectedAt"),
    *("channel", "run", "recipient", "company", "binder", "files", "duplicateOf", "parent"),
)
_TOLD_OF_READING: Final = ("outcome", "reason", "languages", "pages", "confidence")


@dataclass(frozen=True)
class Event:
    """A CloudEvent in structured mode: *id* is the record's, so whoever gets it twice can tell."""

    id: str
    body: bytes


def document_collected(record: Mapping[str, object], *, namespace: str, binder: str) -> Event:
    """Return the event that tells of a record of this binder; the same record gives the same bytes.

    Raises: KeyError: it isn't a record.
    """
    ocr = record["ocr"]
    read = {name: ocr.get(name) for name in _TOLD_OF_READING} if isinstance(ocr, Mapping) else None
    event = {
        "specversion": "1.0",
        "id": record["id"],
        "source": f"/{quote(namespace, safe='')}/{quote(binder, safe='')}",
        "type": COLLECTED,
        "time": record["collectedAt"],
        "datacontenttype": "application/json",
        "data": {**{name: record.get(name) for name in _TOLD}, "ocr": read},
    }
    return Event(str(record["id"]), json.dumps(event, ensure_ascii=False).encode("utf-8", "replace"))
