"""The bytes of one item, verified as far as OneDrive lets them be.

Truncation is always an error. Bytes that disagree with fresh metadata are fetched again; the same ones twice for the
same version are the document (OneDrive describes another rendition), different ones each time are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bannette.errors import BannetteError, ItemDeferred, ItemRejected
from bannette.onedrive import parts
from bannette.onedrive.drives import get_item, item_path
from bannette.onedrive.errors import ItemGone, Refused, Unavailable
from bannette.onedrive.graph import Graph
from bannette.onedrive.identity import Drive
from bannette.onedrive.items import Item, triage
from bannette.onedrive.refusals import about_item
from bannette.onedrive.transfer import Broken, NotServed, Partial, content_location, fetch, receive
from bannette.onedrive.verdict import Body, Verdict, agrees, is_page_instead, judge

_BODIES = 3
_BREAKS = 5
# Seconds for one document: a run has five and a half hours, and others wait for this one's place.
_LONGEST = 2 * 3600.0
_PROGRESS = 8 * 1024 * 1024
# What content hosts answer to a signed URL that has run out.
_EXPIRED = frozenset({401, 403, 404, 410})
# What keeps all contents, while Graph answers, is somebody's network: its reason tells where to look.
_OUTAGES = {
    "Unreachable": ("DownloadUnreachable", "The host of the content can't be reached: does the network let it?"),
    "TlsFailed": (
        "DownloadTlsFailed",
        "The certificate of the content's host isn't trusted: if a proxy inspects HTTPS, set collector.caBundle.",
    ),
}
_OUTAGE = ("DownloadFailed", "The host of the content keeps failing.")


@dataclass(frozen=True, slots=True)
class Download:
    """A document that is in the target file.

    Attributes:
        item: the metadata that the bytes were compared with.
        verified: the bytes agree with it; else they came twice the same though they don't.
    """

    item: Item
    size: int
    sha256: str
    verified: bool


def _any_size(size: int) -> bool:
    return True


def download(
    graph: Graph, drive: Drive, item: Item, target: Path, *, room: Callable[[int], bool] = _any_size
) -> Download:
    """Fetch the content of *item* into the file *target*, which is overwritten.

    Args:
        room: says whether the file may be of so many bytes; asked before they come, whatever the metadata say.

    Raises:
        ItemGone: it is no longer in the drive.
        ItemDeferred: locked, refused, too large, too slow, broken off again and again, or never twice the same.
        ItemRejected: infected.
        PersonNeeded, Transient: no item can be downloaded now.
    """
    with target.open("wb+") as file:
        fetching = _Fetching(graph, drive, item, Partial(file, room, until=graph.clock.monotonic() + _LONGEST))
        earlier: set[tuple[str | None, str]] = set()
        for _ in range(_BODIES):
            body = fetching.complete()
            verdict = Verdict.VERIFIED
            if not agrees(fetching.item, body):
                fetching.refresh()
                verdict = judge(fetching.item, body, earlier)
            if not body.size:
                reason, message = "NothingInstead", "The item's content comes without a single byte."
            elif verdict is Verdict.VERIFIED:
                return Download(fetching.item, body.size, body.sha256, verified=True)
            elif is_page_instead(fetching.item, body):
                reason, message = "PageInstead", "A web page comes in place of the item's content."
            elif verdict is Verdict.UNVERIFIED:
                return Download(fetching.item, body.size, body.sha256, verified=False)
            else:
                reason, message = "ContentUnstable", "The item's content is different at each download."
            earlier.add((fetching.item.etag, body.sha256))
            fetching.forget_url()
    raise ItemDeferred(message, reason=reason)


class _Fetching:
    """One item on its way into one file."""

    def __init__(self, graph: Graph, drive: Drive, item: Item, partial: Partial) -> None:
        self._graph = graph
        self._drive = drive
        self.item = item
        self._partial = partial
        self._url = self._allowed(item.download_url)

    def complete(self) -> Body:
        """Return one complete body, however often it breaks off. Raises: as ``download``."""
        self._partial.reset()
        breaks, mark, renewed = 0, 0, False
        while True:
            try:
                self._receive()
            except Broken:
                breaks = 1 if self._partial.size - mark >= _PROGRESS else breaks + 1
                mark = self._partial.size
            except NotServed as answer:
                if answer.malware:
                    raise ItemRejected("OneDrive says that the item is infected.", reason="Malware") from None
                if answer.status == 416:
                    self._partial.reset()
                    breaks += 1
                elif answer.status in _EXPIRED and not renewed:
                    renewed = True
                else:
                    raise self._meaning(answer) from None
                self._url = None
            except Unavailable as error:
                if error.reason == "Throttled":
                    raise
                # If Graph can't be reached either, that isn't about this item, and ends the run.
                self.refresh()
                reason, message = _OUTAGES.get(error.reason, _OUTAGE)
                raise ItemDeferred(message, reason=reason) from None
            else:
                if self._is_one_version():
                    return self._partial.body()
                self._partial.reset()
                breaks += 1
            if breaks > _BREAKS:
                raise ItemDeferred("The item's download breaks off again and again.", reason="DownloadBroken")
            if breaks:
                self._graph.throttle.back_off(breaks)
            self._resume()

    def refresh(self) -> bool:
        """Read the metadata again; say whether it is surely of the same version.

        Raises: as ``download``.
        """
        fresh = get_item(self._graph, self._drive, self.item.id)
        if fresh is None:
            raise ItemGone
        triage(fresh, now=self._graph.clock.now())
        same = fresh.etag is not None and fresh.etag == self.item.etag
        self.item = fresh
        return same

    def forget_url(self) -> None:
        """Let the next body come from a fresh URL."""
        self._url = None

    def _is_one_version(self) -> bool:
        """Say whether a complete body is of one version, as far as its hash won't tell: it may be edited between two
        answers, after the metadata were compared."""
        return self._partial.answers <= 1 or self.item.quick_xor is not None or self.refresh()

    def _resume(self) -> None:
        # Bytes of two versions must never be joined.
        if self._partial.size:
            if not self.refresh():
                self._partial.reset()
            self._url = None

    def _receive(self) -> None:
        if self._url is None:
            try:
                response = self._graph.open_content(f"{item_path(self._drive, self.item.id)}/content")
            except Refused as refusal:
                raise about_item(refusal) from refusal
            location = content_location(self._graph, response)
            if location is None:
                # Graph now and then sends the content itself; it takes no Range.
                receive(self._graph, response, self._partial, expected=self.item.size)
                return
            self._url = location
        size = self.item.size
        versioned = self.item.quick_xor is not None or self.item.etag is not None
        if versioned and size is not None and size - self._partial.size >= parts.LARGE:
            parts.fetch_by_parts(self._graph, self._url, self._partial, expected=size)
        else:
            fetch(self._graph, self._url, self._partial, expected=size)

    def _meaning(self, answer: NotServed) -> BannetteError:
        if answer.status in (404, 410):
            self.refresh()
            return ItemDeferred("The item's content isn't at its place.", reason="DownloadRefused")
        return about_item(Refused(status=answer.status, codes=()))

    def _allowed(self, url: str | None) -> str | None:
        return url if url is not None and self._graph.endpoints.may_download(url) else None
