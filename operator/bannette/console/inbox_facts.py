"""What the reader tells of documents and runs, as pages show it. Pure: what makes no sense is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bannette.resources import HistoryEntry, InvalidResource, parse_time

_UNITS: Final = ("kB", "MB", "GB", "TB")
_UNITS_FR: Final = ("ko", "Mo", "Go", "To")


@dataclass(frozen=True)
class Document:
    """A document as pages show it."""

    id: str
    name: str
    folder: str
    channel: str
    recipient: str
    media_type: str
    size: int
    waiting: bool
    collected_at: datetime | None
    modified_at: datetime | None
    files: tuple[str, ...]
    outcome: str
    reason: str
    pages: int | None
    confidence: float | None
    verified: bool
    invoice: Mapping[str, str]
    duplicate_of: str
    parent: str
    excerpt: tuple[tuple[str, bool], ...] = ()

    @property
    def has_thumbnail(self) -> bool:
        return "thumbnail" in self.files


def document_of(body: Mapping[str, Any]) -> Document:
    ocr, invoice, channel = (_mapping(body.get(name)) for name in ("ocr", "invoice", "channel"))
    pages, confidence = ocr.get("pages"), ocr.get("confidence")
    excerpt = body.get("excerpt")
    files = body.get("files")
    return Document(
        id=text_in(body, "id"),
        name=text_in(body, "name"),
        folder=text_in(body, "folder"),
        channel=text_in(channel, "name"),
        recipient=text_in(body, "recipient"),
        media_type=text_in(body, "mediaType"),
        size=number_in(body, "size"),
        waiting=body.get("waiting") is True,
        collected_at=_time(body.get("collectedAt")),
        modified_at=_time(body.get("modifiedAt")),
        files=tuple(str(one) for one in files) if isinstance(files, list) else (),
        outcome=text_in(ocr, "outcome"),
        reason=text_in(ocr, "reason"),
        pages=pages if isinstance(pages, int) and 0 <= pages < 2**31 else None,
        confidence=float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 100 else None,
        verified=body.get("verified") is not False,
        invoice={key: value for key, value in invoice.items() if isinstance(value, str) and value},
        duplicate_of=text_in(body, "duplicateOf"),
        parent=text_in(body, "parent"),
        excerpt=tuple(_excerpt(excerpt)) if isinstance(excerpt, list) else (),
    )


def run_of(body: Mapping[str, Any]) -> HistoryEntry | None:
    """Return a run as its report tells it; None if that is none."""
    try:
        return HistoryEntry.parse({key: value for key, value in body.items() if key != "channel"})
    except InvalidResource:
        return None


def size_in(number: int, language: str) -> str:
    """Return a size as people of a language read it."""
    if number < 1000:
        return f"{number} {'octets' if language == 'fr' else 'bytes'}"
    size, units = float(number), _UNITS_FR if language == "fr" else _UNITS
    for unit in units:
        size /= 1000
        if size < 999.5 or unit == units[-1]:
            break
    told = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}"
    return f"{told.replace('.', ',') if language == 'fr' else told} {unit}"


def _excerpt(parts: Sequence[object]) -> Iterator[tuple[str, bool]]:
    for part in parts:
        if isinstance(part, list) and len(part) == 2:
            yield str(part[0]), bool(part[1])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def text_in(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def number_in(members: Mapping[str, Any], name: str) -> int:
    value = members.get(name)
    return value if isinstance(value, int) and 0 <= value < 2**63 else 0


def bodies_in(members: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return those of a list that can be documents, or runs."""
    found = members.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None
