"""What a file holds: bytes in memory, a file on disk, or bytes made from a number.

Every content has a length, can be read from anywhere, and knows its quickXorHash; none is changed once it exists, so a
hash is computed at most once, when somebody asks for it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from simulator import quickxor

CHUNK = quickxor.COLUMNS * 2048
"""Bytes that are read and sent at once."""


class Content(Protocol):
    """Bytes that can be served."""

    @property
    def size(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes: ...

    def quick_xor(self) -> bytes: ...


def chunks(content: Content, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes of *content* from *start* up to *stop*."""
    while start < stop:
        end = min(start + CHUNK, stop)
        yield content.read(start, end)
        start = end


class InMemory:
    """Bytes that somebody gave."""

    __slots__ = ("_data", "_hash")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._hash: bytes | None = None

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, start: int, stop: int) -> bytes:
        return self._data[start:stop]

    def quick_xor(self) -> bytes:
        if self._hash is None:
            self._hash = quickxor.digest(quickxor.columns(self._data), len(self._data))
        return self._hash


class OnDisk:
    """A real file, read when it is served. Its size is the one that it had when it was found."""

    __slots__ = ("_hash", "_path", "_size")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._hash: bytes | None = None

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, stop: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def quick_xor(self) -> bytes:
        if self._hash is None:
            self._hash = quickxor.of_chunks(chunks(self, 0, self._size))
        return self._hash


class Generated:
    """Bytes that follow from a number: a line that names it, then a part of one shared pool, repeated as needed.

    Two seeds always give different bytes. The hash needs the columns of the pool, known beforehand, and those of at
    most three pieces of 160 bytes: a drive of 100,000 files is hashed in seconds whatever their size.
    """

    __slots__ = ("_hash", "_seed", "_size")

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._hash: bytes | None = None

    @property
    def size(self) -> int:
        return self._size

    @property
    def _header(self) -> bytes:
        return f"Simulated document {self._seed}\n".encode().ljust(quickxor.COLUMNS, b".")

    @property
    def _shift(self) -> int:
        """Where in the pool the bytes after the header begin."""
        return self._seed * 7919 % _POOL_BLOCKS * quickxor.COLUMNS

    def read(self, start: int, stop: int) -> bytes:
        stop = min(stop, self._size)
        parts: list[bytes] = []
        if start < quickxor.COLUMNS:
            parts.append(self._header[start : min(stop, quickxor.COLUMNS)])
            start = quickxor.COLUMNS
        pool = _pool()
        while start < stop:
            at = (start - quickxor.COLUMNS + self._shift) % len(pool)
            part = pool[at : at + stop - start]
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def quick_xor(self) -> bytes:
        if self._hash is None:
            self._hash = quickxor.digest(self._columns(), self._size)
        return self._hash

    def _columns(self) -> int:
        if self._size <= quickxor.COLUMNS:
            return quickxor.columns(self.read(0, self._size))
        blocks, rest = divmod(self._size - quickxor.COLUMNS, quickxor.COLUMNS)
        prefix = _prefix_columns()
        turns, blocks = divmod(blocks, _POOL_BLOCKS)
        first = self._shift // quickxor.COLUMNS
        folded = quickxor.columns(self._header)
        if turns % 2:
            folded ^= prefix[_POOL_BLOCKS]
        if first + blocks <= _POOL_BLOCKS:
            folded ^= prefix[first + blocks] ^ prefix[first]
        else:
            folded ^= prefix[_POOL_BLOCKS] ^ prefix[first] ^ prefix[first + blocks - _POOL_BLOCKS]
        return folded ^ quickxor.columns(self.read(self._size - rest, self._size)) if rest else folded


_POOL_BLOCKS = 4099


@lru_cache(maxsize=1)
def _pool() -> bytes:
    return random.Random(1).randbytes(_POOL_BLOCKS * quickxor.COLUMNS)


@lru_cache(maxsize=1)
def _prefix_columns() -> list[int]:
    """The columns of the first n blocks of the pool, for every n."""
    pool = _pool()
    prefix = [0]
    for start in range(0, len(pool), quickxor.COLUMNS):
        prefix.append(prefix[-1] ^ int.from_bytes(pool[start : start + quickxor.COLUMNS], "little"))
    return prefix
