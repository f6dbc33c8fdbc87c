"""A large body by several ranges at once: one connection seldom gets all that a line can carry.

Threads fetch the parts in the order of the file; the caller hashes what has come whole from the start on. When
something breaks, that beginning is left, and is resumed as if it had come by one connection. Memory doesn't grow with
the file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from bannette.onedrive.graph import Graph
from bannette.onedrive.transfer import Broken, NotServed, Partial, fetch, is_malware, open_body, pieces, receive, served

#: From so many bytes on that are still to come, they come by parts.
LARGE = 64 * 1024 * 1024
PART = 16 * 1024 * 1024
STREAMS = 4
_TRIES = 3
# The threads beside those that download anyway, of all downloads of this process.
_beside = threading.BoundedSemaphore(12)


def fetch_by_parts(graph: Graph, url: str, partial: Partial, *, expected: int) -> None:
    """Append the rest of the body at *url* to *partial*; from a host that serves no ranges it comes whole.

    Raises: as ``transfer.fetch``.
    """
    start = partial.size
    response, url = open_body(graph, url, _range(start, start + PART))
    if response.status_code != 206:
        receive(graph, response, partial, expected=expected)
        return
    total = served(response, start)
    if total is None or (partial.total is not None and partial.total != total):
        response.close()
        fetch(graph, url, partial, expected=expected)
        return
    partial.check_room(total)
    partial.total = total
    parts = _Parts(graph, url, partial.descriptor, start=start, total=total, until=partial.until)
    with _streams(parts, response):
        while parts.come_beyond(partial.size):
            partial.take_in(parts.whole)
    partial.take_in(parts.whole)
    partial.answers += parts.answers
    partial.cut()
    if parts.error is not None:
        raise parts.error


class _Parts:
    """Which parts have come, and which is next.

    Attributes:
        whole: up to here, in bytes, nothing is missing.
        answers: how many answers of the host the parts are made of.
        error: what broke first.
    """

    def __init__(self, graph: Graph, url: str, descriptor: int, *, start: int, total: int, until: float) -> None:
        self._graph = graph
        self._url = url
        self._descriptor = descriptor
        self._total = total
        self._until = until
        self._next = self.whole = start
        self._came: dict[int, int] = {}
        self._changed = threading.Condition()
        self._working = 0
        self.answers = 0
        self.error: BaseException | None = None

    def come_beyond(self, size: int) -> bool:
        """Wait until there is more than *size*; False if there will not be."""
        with self._changed:
            self._changed.wait_for(lambda: self.whole > size or not self._working)
            return self.whole > size

    def join_in(self) -> None:
        """Count a thread that is about to work."""
        with self._changed:
            self._working += 1

    def work(self, response: requests.Response | None = None) -> None:
        """Fetch parts until none is left or one broke; *response* is the answer for the first one."""
        try:
            while (start := self._claim()) is not None:
                self._fetch(start, min(start + PART, self._total), response)
                response = None
        except BaseException as error:  # noqa: BLE001 - the top of a thread: the caller raises it
            with self._changed:
                self.error = self.error or error
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _fetch(self, start: int, end: int, response: requests.Response | None) -> None:
        """Fetch one part; one that breaks off is repeated, so that the others needn't be."""
        for again in range(_TRIES):
            if again:
                self._graph.throttle.back_off(again)
            try:
                self._take(response or open_body(self._graph, self._url, _range(start, end))[0], start, end)
            except Broken:
                response = None
            else:
                return
        raise Broken

    def _claim(self) -> int | None:
        with self._changed:
            start = self._next
            if self.error is not None or start >= self._total:
                return None
            self._next = start + PART
            return start

    def _take(self, response: requests.Response, start: int, end: int) -> None:
        with response:
            if response.status_code not in (200, 206):
                raise NotServed(response.status_code, malware=is_malware(response))
            if response.status_code != 206 or served(response, start) != self._total:
                raise Broken
            at = start
            for piece in pieces(self._graph, response, until=self._until):
                if self.error is not None:
                    return
                if at + len(piece) > end:
                    raise Broken
                at += _write(self._descriptor, piece, at)
            if at != end:
                raise Broken
        with self._changed:
            self.answers += 1
            self._came[start] = end
            while self.whole in self._came:
                self.whole = self._came.pop(self.whole)
            self._changed.notify_all()


@contextmanager
def _streams(parts: _Parts, response: requests.Response) -> Iterator[None]:
    """Let threads work on *parts*; when this ends, none of them touches the file any more."""
    threads: list[threading.Thread] = []
    extra = 0
    try:
        while extra < STREAMS - 1 and _beside.acquire(blocking=False):
            extra += 1
        for number in range(extra + 1):
            parts.join_in()
            arguments = (response,) if number == 0 else ()
            thread = threading.Thread(target=parts.work, args=arguments, name=f"part {number}", daemon=True)
            thread.start()
            threads.append(thread)
        yield
    finally:
        for thread in threads:
            thread.join()
        for _ in range(extra):
            _beside.release()


def _range(start: int, end: int) -> dict[str, str]:
    return {"Range": f"bytes={start}-{end - 1}"}


def _write(descriptor: int, piece: bytes, at: int) -> int:
    written = 0
    while written < len(piece):
        written += os.pwrite(descriptor, memoryview(piece)[written:], at + written)
    return written
