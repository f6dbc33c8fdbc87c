"""Threads of their own for what waits for readers of inboxes: those are pods of tenants, and may take their time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final
from zlib import crc32

# Namespaces share a group by chance; a group with nothing to do has no thread.
_GROUPS: Final = 16
_EACH: Final = 8


class ReaderThreads:
    """So many for a namespace, whatever its readers do: all other pages have others."""

    def __init__(self) -> None:
        self._groups = [ThreadPoolExecutor(_EACH, thread_name_prefix=f"inbox-{number}") for number in range(_GROUPS)]

    def of(self, namespace: str) -> Executor:
        return self._groups[crc32(namespace.encode()) % _GROUPS]


async def passed_on(pieces: Iterator[bytes], threads: Executor) -> AsyncIterator[bytes]:
    """Yield *pieces*, each waited for in one of *threads*."""
    loop = asyncio.get_running_loop()
    while (piece := await loop.run_in_executor(threads, next, pieces, None)) is not None:
        yield piece
