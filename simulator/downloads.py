"""Pre-authenticated download URLs, and what they serve.

The signature covers the path and the query byte for byte, odd escapes included: whoever re-encodes or reorders them
is refused, as SharePoint does.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from simulator.drive import Drive, Item
from simulator.world import World

_PATH = re.compile(r"^/_download/(?P<drive>[^/]+)/(?P<item>[^/?]+)\?(?P<signed>.*)&sig=(?P<sig>[0-9a-f]{32})$")
_EXPIRES = re.compile(r"tempauth=v1%2e(\d+)%7E")
_RANGE = re.compile(r"^bytes=(?P<first>\d*)-(?P<last>\d*)$")
PREFIX = "/_download/"


def signed_url(world: World, drive: Drive, item: Item) -> str:
    """Return a URL that serves the item's bytes to anybody, for as long as the settings say."""
    item_id = drive.ids.of(item.number).replace("!", "%21")
    expires = int(world.now()) + world.settings.url_seconds
    escape = "%2b" if world.settings.odd_escapes else "%2B"
    query = f"UniqueId={item_id}&Translate=false&tempauth=v1%2e{expires}%7E{item.number:x}{escape}&ApiVersion=2.0"
    target = f"{PREFIX}{drive.id.replace('!', '%21')}/{item_id}?{query}"
    return f"{world.download_url}{target}&sig={_signature(world, target)}"


class BadUrl(Exception):
    """The URL wasn't made here, was changed on its way, or is too old."""


def opened(world: World, target: str) -> tuple[Drive, Item]:
    """Return what a download URL's raw path and query point to.

    Raises:
        BadUrl: it isn't valid, or not any more.
    """
    found = _PATH.match(target)
    if found is None or not hmac.compare_digest(_signature(world, target[: found.end("signed")]), found["sig"]):
        raise BadUrl("The signature doesn't match the request.")
    expires = _EXPIRES.search(found["signed"])
    if expires is None or int(expires[1]) <= world.now():
        raise BadUrl("The token has expired.")
    drive = world.drive(found["drive"].replace("%21", "!"))
    item = drive.find(found["item"].replace("%21", "!")) if drive is not None else None
    if drive is None or item is None:
        raise BadUrl("The item is unknown.")
    return drive, item


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from *start* up to *stop* of a content."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The range begins behind the end: 416."""


def span_of(header: str | None, size: int) -> Span | None:
    """Read a Range header; None means the whole content, also for ranges that a server may ignore.

    Raises:
        Unsatisfiable: nothing of the content is in the range.
    """
    found = _RANGE.match(header.strip()) if header else None
    if found is None or (not found["first"] and not found["last"]):
        return None
    if not found["first"]:
        length = min(int(found["last"]), size)
        if length == 0:
            raise Unsatisfiable
        return Span(size - length, size)
    first = int(found["first"])
    if found["last"] and int(found["last"]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, min(int(found["last"]) + 1, size) if found["last"] else size)


def _signature(world: World, target: str) -> str:
    return hmac.digest(world.url_key, target.encode(), "sha256").hex()[:32]
