"""The pages of Graph's lists: delta feeds and children, link after link, without ever going round in circles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bannette.errors import Transient
from bannette.onedrive.errors import CursorLost, Refused, Unavailable
from bannette.onedrive.graph import Graph, Json, Kind
from bannette.onedrive.items import Item, parse_item
from bannette.onedrive.refusals import about_drive

_IDLE_PAGES = 50
_NO_DELTA = frozenset({400, 405, 501})
# What Graph has answered to a link that it no longer knows, beside 410.
_LOST = frozenset({400, 404})
# Seen: 4 kB. Longer ones are refused by servers anyway, and would have to be stored.
_LONGEST_LINK = 32 * 1024


class NoDelta(Exception):
    """This drive, or this cloud, has no delta feed."""


class EndlessFeed(Transient):
    """A list goes round in circles."""

    def __init__(self) -> None:
        super().__init__(
            "Microsoft Graph repeats the same pages without end: the old cursor is kept.", reason="EndlessFeed"
        )


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a delta feed.

    Attributes:
        link: where the feed goes on: at once, or, after the last page, the next time.
    """

    items: tuple[Item, ...]
    link: str
    last: bool


def read_delta(graph: Graph, link: str, *, fresh: bool) -> Iterator[FeedPage]:
    """Yield the pages of a delta feed from *link* to its end.

    Args:
        fresh: *link* is a path of ours rather than a link that Graph gave once.

    Raises:
        CursorLost: Graph no longer knows a link.
        NoDelta: there is no such feed here.
        PersonNeeded: the drive is gone, locked or refused.
        Transient: the service is unavailable, or its links lead nowhere (EndlessFeed: in circles).
    """
    progress = _Progress()
    while True:
        body = _delta_page(graph, link, fresh=fresh)
        items = _items(body)
        after, last = _link(body, "@odata.nextLink"), _link(body, "@odata.deltaLink")
        if after is None and last is None:
            raise Transient("Microsoft Graph ended a list without a link to go on from.", reason="UnexpectedAnswer")
        found = after or last or ""
        # Refused here rather than at the next request, so that no foreign link is ever stored.
        _check_origin(graph, found)
        yield FeedPage(items, found, last=after is None)
        if after is None:
            return
        progress.check(items, after)
        link, fresh = after, False


def read_children(graph: Graph, path: str) -> Iterator[tuple[Item, ...]]:
    """Yield the pages of a folder's children.

    Raises:
        Refused: at the first page. PersonNeeded, Transient: as ``read_delta``.
    """
    progress = _Progress()
    body = graph.get(path, kind=Kind.CHILDREN)
    while True:
        items = _items(body)
        yield items
        after = _link(body, "@odata.nextLink")
        if after is None:
            return
        _check_origin(graph, after)
        progress.check(items, after)
        try:
            body = graph.get(after, kind=Kind.CHILDREN)
        except Refused as refusal:
            if refusal.status in _LOST or refusal.status == 410:
                raise Transient(
                    "Microsoft Graph lost its place in a folder: the next run lists it again.", reason="ListingLost"
                ) from refusal
            raise about_drive(refusal) from refusal


def _delta_page(graph: Graph, link: str, *, fresh: bool) -> Json:
    try:
        return _asked_twice(graph, link) if not fresh else graph.get(link, kind=Kind.DELTA)
    except Refused as refusal:
        if refusal.status == 410 or (not fresh and refusal.status in _LOST | _NO_DELTA):
            raise CursorLost("Microsoft Graph no longer knows how far the last walk came.") from refusal
        if fresh and refusal.status in _NO_DELTA:
            raise NoDelta from refusal
        raise about_drive(refusal) from refusal
    except Unavailable as error:
        # A link whose token is damaged has answered 500 for ever.
        if not fresh and error.status == 500:
            raise CursorLost("Microsoft Graph fails on the link of the last walk.") from error
        raise


def _asked_twice(graph: Graph, link: str) -> Json:
    if not graph.endpoints.is_graph(link):
        raise CursorLost("The last walk was on another Graph host.")
    try:
        return graph.get(link, kind=Kind.DELTA)
    except Refused as refusal:
        if refusal.status not in _LOST:
            raise
    graph.throttle.back_off(1)
    return graph.get(link, kind=Kind.DELTA)


def _check_origin(graph: Graph, link: str) -> None:
    if not graph.endpoints.is_graph(link):
        raise Transient(
            "Microsoft Graph answered with a link to another host: it isn't followed.", reason="ForeignLink"
        )


class _Progress:
    """Sees to it that a list ends: links don't repeat, and pages don't go on without anything new."""

    def __init__(self) -> None:
        self._links: set[int] = set()
        self._pages: set[int] = set()
        self._idle = 0

    def check(self, items: tuple[Item, ...], after: str) -> None:
        """Raise EndlessFeed if the list goes round in circles."""
        page = hash(tuple((item.id, item.etag) for item in items))
        self._idle = self._idle + 1 if not items or page in self._pages else 0
        self._pages.add(page)
        known = len(self._links)
        self._links.add(hash(after))
        if len(self._links) == known or self._idle >= _IDLE_PAGES:
            raise EndlessFeed


def _items(body: Json) -> tuple[Item, ...]:
    value = body.get("value")
    if not isinstance(value, list):
        raise Transient("Microsoft Graph answered without a list of items.", reason="UnexpectedAnswer")
    return tuple(_item(row) for row in value)


def _item(row: object) -> Item:
    item = parse_item(row) if isinstance(row, dict) else None
    # Nobody could ask for it later: the cursor must not pass it.
    if item is None:
        raise Transient("Microsoft Graph listed an item without an id.", reason="UnexpectedAnswer")
    return item


def _link(body: Json, name: str) -> str | None:
    link = body.get(name)
    if link is None or link == "":
        return None
    # A list whose link can't be read isn't at its end.
    if not isinstance(link, str) or len(link) > _LONGEST_LINK or not link.isprintable():
        raise Transient("Microsoft Graph answered with a link that can't be followed.", reason="UnexpectedAnswer")
    return link
