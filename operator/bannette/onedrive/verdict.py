"""Whether downloaded bytes are the document that the metadata describes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bannette.onedrive.items import Item

_MARKUP = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of one complete transfer.

    Attributes:
        head: the first bytes.
    """

    size: int
    sha256: str
    quick_xor: str
    head: bytes = b""


class Verdict(Enum):
    """What to do with a body."""

    VERIFIED = auto()
    """It is what the metadata says, as far as the metadata says anything."""
    UNVERIFIED = auto()
    """The metadata is wrong about it, for good: the same bytes came again for the same version."""
    AGAIN = auto()
    """It may have been damaged on the way."""


def agrees(item: Item, body: Body) -> bool:
    """Say whether *body* is what *item* describes; a missing hash leaves the size, a missing size the transfer."""
    if item.quick_xor is not None and item.quick_xor != body.quick_xor:
        return False
    return item.size is None or item.size == body.size


def judge(item: Item, body: Body, earlier: set[tuple[str | None, str]]) -> Verdict:
    """Weigh *body* against the fresh metadata; *earlier*: version and sha256 of bodies that didn't agree either.

    Source: HEIC photos and Office files, whose metadata describes another rendition.
    """
    if agrees(item, body):
        return Verdict.VERIFIED
    return Verdict.UNVERIFIED if (item.etag, body.sha256) in earlier else Verdict.AGAIN


def is_page_instead(item: Item, body: Body) -> bool:
    """Say whether an HTML page (a proxy's, a sign-in's) came in place of a document of another type."""
    start = body.head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_markup = start.startswith(_MARKUP)
    expected = (item.media_type or "").startswith(("text/html", "application/xhtml")) or item.name.lower().endswith(
        (".html", ".htm", ".xhtml", ".mht")
    )
    return is_markup and not expected
