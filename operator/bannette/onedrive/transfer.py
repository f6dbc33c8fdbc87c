"""One body from a content host into a file: counted, hashed, resumed where it broke off."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from bannette.errors import ItemDeferred
from bannette.onedrive.graph import Graph, read_refusal
from bannette.onedrive.quickxor import QuickXorHash
from bannette.onedrive.refusals import refused
from bannette.onedrive.verdict import Body

_REDIRECTS = 5
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PIECE = 256 * 1024
_HEAD = 512
# A body that stays below this pace for this long is given up: a read timeout alone lets it drip for ever.
_SLOW_SECONDS = 60.0
_SLOW_BYTES = 60 * 1024


class Broken(Exception):
    """The body ended early, stood still, or doesn't join what is there."""


class NotServed(Exception):
    """The host answered with something else than content."""

    def __init__(self, status: int, *, malware: bool) -> None:
        super().__init__(status)
        self.status = status
        self.malware = malware


class Partial:
    """A file that fills, with the hashes of what it holds.

    Args:
        room: says whether the file may be of so many bytes.
        until: when it is given up, on the clock's monotonic scale.

    Attributes:
        total: size of the whole, as far as the host told. answers: how many answers of the host it is made of.
    """

    def __init__(self, file: BinaryIO, room: Callable[[int], bool], *, until: float) -> None:
        self._file = file
        self._room = room
        self.until = until
        self.size = 0
        self._begin()

    def reset(self) -> None:
        """Start over."""
        if self.size:
            self.size = 0
            self.cut()
        self._begin()

    def _begin(self) -> None:
        self.total: int | None = None
        self.answers = 0
        self._head = b""
        self._sha256 = hashlib.sha256()
        self._quick_xor = QuickXorHash()

    def check_room(self, size: int) -> None:
        """Raise ItemDeferred if the file can't be of *size*."""
        if not self._room(size):
            raise ItemDeferred(
                "The document is larger than its metadata say, and than the scratch folder has room for.",
                reason="TooLargeForScratch",
            )

    def add(self, piece: bytes) -> None:
        """Append *piece*. Raises: as ``check_room``."""
        self.check_room(self.size + len(piece))
        self._file.write(piece)
        self._account(piece)

    def _account(self, piece: bytes) -> None:
        self._sha256.update(piece)
        self._quick_xor.update(piece)
        self.size += len(piece)
        if len(self._head) < _HEAD:
            self._head += piece[: _HEAD - len(self._head)]

    @property
    def descriptor(self) -> int:
        """The file's descriptor, for others who write what comes after *size*; then ``take_in`` or ``cut``."""
        self._file.flush()
        return self._file.fileno()

    def take_in(self, size: int) -> None:
        """Take what lies in the file up to *size*, in bytes, as added. Raises: Broken: it doesn't lie there."""
        while self.size < size:
            piece = os.pread(self._file.fileno(), min(_PIECE, size - self.size), self.size)
            if not piece:
                raise Broken
            self._account(piece)

    def cut(self) -> None:
        """Forget what lies in the file beyond its size."""
        self._file.seek(self.size)
        self._file.truncate()

    def body(self) -> Body:
        """Describe what it holds, when it is complete."""
        self._file.flush()
        return Body(self.size, self._sha256.hexdigest(), self._quick_xor.base64(), self._head)


def content_location(graph: Graph, response: requests.Response) -> str | None:
    """Return where an answer redirects to, None if it doesn't.

    Raises:
        ItemDeferred: content isn't fetched from there.
    """
    if response.status_code not in _REDIRECTING:
        return None
    raw = response.headers.get("Location", "")
    response.close()
    location = raw.encode("latin-1").decode("utf-8", "replace")
    if not location.startswith(("https://", "http://")):
        location = urljoin(response.url or "", location)
    if not graph.endpoints.may_download(location):
        host = urlsplit(location).hostname or "a host without name"
        raise ItemDeferred(
            f"The content is at {host}, from which nothing is downloaded; BANNETTE_DOWNLOAD_HOSTS can allow a host.",
            reason="DownloadHostRefused",
        )
    return location


def fetch(graph: Graph, url: str, partial: Partial, *, expected: int | None) -> None:
    """Append the rest of the body at *url* to *partial*, from the start if the host doesn't resume.

    Args:
        expected: size by the metadata, for bodies whose end can't be told otherwise.

    Raises:
        Broken: it isn't complete; what there is stays in *partial*, as far as it can be resumed.
        NotServed: the host refuses.
        ItemDeferred: it redirects to a place that isn't allowed; there is no room; it takes too long.
        Transient: as ``Graph.open_download``.
    """
    headers = {"Range": f"bytes={partial.size}-"} if partial.size else {}
    response, _ = open_body(graph, url, headers)
    receive(graph, response, partial, expected=expected)


def open_body(graph: Graph, url: str, headers: Mapping[str, str]) -> tuple[requests.Response, str]:
    """Return the answer at *url*, its body unread, and where it came from after redirects.

    Raises:
        ItemDeferred: it redirects to a place that isn't allowed. Transient: as ``Graph.open_download``.
    """
    for _ in range(_REDIRECTS + 1):
        response = graph.open_download(url, {"Accept-Encoding": "identity", **headers})
        location = content_location(graph, response)
        if location is None:
            return response, url
        url = location
    raise ItemDeferred("The content is behind too many redirects.", reason="TooManyRedirects")


def receive(graph: Graph, response: requests.Response, partial: Partial, *, expected: int | None) -> None:
    """Append the body of *response* to *partial*. Raises: as ``fetch``."""
    with response:
        length = _join(response, partial)
        partial.check_room(partial.total or 0)
        partial.answers += 1
        before, encoded = partial.size, "Content-Encoding" in response.headers
        _drain(graph, response, partial)
        received = partial.size - before
        if length is not None and not encoded and received != length:
            raise Broken
        ends_anywhere = length is None and response.headers.get("Transfer-Encoding", "").lower() != "chunked"
        wanted = partial.total if partial.total is not None else (expected if ends_anywhere else None)
        if wanted is not None and partial.size < wanted:
            raise Broken


def _join(response: requests.Response, partial: Partial) -> int | None:
    """Check that the body continues what is there, and return its length if it is told."""
    headers: Mapping[str, str] = response.headers
    text = headers.get("Content-Length", "")
    length = int(text) if _LENGTH.fullmatch(text) else None
    if response.status_code == 200:
        if partial.size:
            partial.reset()
        partial.total = None if "Content-Encoding" in headers else length
        return length
    if response.status_code != 206:
        raise NotServed(response.status_code, malware=is_malware(response))
    starts_here, total = _content_range(response, partial.size)
    same_whole = total is None or partial.total is None or total == partial.total
    if not starts_here or not same_whole or "Content-Encoding" in headers:
        partial.reset()
        raise Broken
    partial.total = total if total is not None else partial.total
    return length


def served(response: requests.Response, start: int) -> int | None:
    """Return the size of the whole of which a 206 serves a part from *start* on, byte for byte; None if it doesn't."""
    starts_here, total = _content_range(response, start)
    return total if starts_here and "Content-Encoding" not in response.headers else None


def is_malware(response: requests.Response) -> bool:
    """Say whether a refusal, whose body is read, is because of an infection."""
    return refused(response.status_code, response.headers, read_refusal(response)).malware


def _content_range(response: requests.Response, start: int) -> tuple[bool, int | None]:
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    total = int(found[3]) if found is not None and found[3] != "*" else None
    return found is not None and int(found[1]) == start, total


def _drain(graph: Graph, response: requests.Response, partial: Partial) -> None:
    for piece in pieces(graph, response, until=partial.until):
        partial.add(piece)


def pieces(graph: Graph, response: requests.Response, *, until: float) -> Iterator[bytes]:
    """Yield the body as it comes.

    Args:
        until: when it is given up, on the clock's monotonic scale.

    Raises:
        Broken: it ended early, stood still, or came too slowly. ItemDeferred: the time is up.
    """
    clock = graph.clock
    since, came = clock.monotonic(), 0
    # A TLS record is 16 kB at most: gathered, they cost one write and one hash for many.
    gathered: list[bytes] = []
    size = 0
    while True:
        try:
            piece = response.raw.read1(_PIECE, decode_content=True)
        # The cause's text may hold the URL.
        except (urllib3.exceptions.HTTPError, OSError):
            yield b"".join(gathered)
            raise Broken from None
        gathered.append(piece)
        size += len(piece)
        if not piece or size >= _PIECE:
            yield b"".join(gathered)
            gathered, size = [], 0
        if not piece:
            return
        came += len(piece)
        now = clock.monotonic()
        if now >= until:
            raise ItemDeferred("The document's download takes hours.", reason="DownloadTooSlow")
        if now - since >= _SLOW_SECONDS:
            if came < _SLOW_BYTES:
                yield b"".join(gathered)
                raise Broken
            since, came = now, 0
