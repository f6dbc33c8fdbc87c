"""Going through a binder of any size in 256 parts, by the first two digits of ids and hashes.

Two listings are compared part by part, so memory stays a small part of the binder, and no object costs a request of
its own just to see whether it is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

SHARDS: Final = tuple(f"{number:02x}" for number in range(256))
_SHARDS_AT_ONCE: Final = 4
_REQUESTS_AT_ONCE: Final = 16
_BATCH: Final = 16

Piece = TypeVar("Piece")
Made = TypeVar("Made")


class Crew:
    """The threads of one command: a few that each have a shard, and more for the requests of these."""

    def __init__(self) -> None:
        self._shards = ThreadPoolExecutor(_SHARDS_AT_ONCE, thread_name_prefix="shard")
        self._requests = ThreadPoolExecutor(_REQUESTS_AT_ONCE, thread_name_prefix="request")

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        # First what the shards wait for.
        self._requests.shutdown(wait=False, cancel_futures=True)
        self._shards.shutdown(cancel_futures=True)

    def each_shard(self, work: Callable[[str], None], shards: Sequence[str] = SHARDS) -> Iterator[int]:
        """Do *work* with every shard; yield how many are done. What it raises is raised here."""
        for done, _ in enumerate(self._shards.map(work, shards), start=1):
            yield done

    def each(self, work: Callable[[Piece], Made], pieces: Iterable[Piece]) -> Iterator[Made]:
        """Yield what *work* makes of each piece, in their order. Not to be called by *work*."""
        under_way: deque[Future[list[Made]]] = deque()
        for batch in _batches(pieces):
            under_way.append(self._requests.submit(_make_each, work, batch))
            if len(under_way) > 2 * _REQUESTS_AT_ONCE:
                yield from under_way.popleft().result()
        for made in under_way:
            yield from made.result()

    def do_each(self, work: Callable[[Piece], object], pieces: Iterable[Piece]) -> None:
        """Do *work* with each piece."""
        for _ in self.each(work, pieces):
            pass


def _make_each(work: Callable[[Piece], Made], batch: Sequence[Piece]) -> list[Made]:
    return [work(piece) for piece in batch]


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    iterator = iter(pieces)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
