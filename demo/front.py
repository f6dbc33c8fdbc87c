"""What stands before the pages: speaks HTTPS for their public address, and passes connections on in turn."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from simulator.certificates import load_authority, server_context

_CHUNK = 65536
_PAUSE = 0.1


class Relay:
    """Takes connections at a port of its own, and passes what they bring on.

    Args:
        behind: ports of 127.0.0.1.
        patience: seconds for which a port where nobody listens is tried again.
        tls: it is spoken with whoever connects; plain TCP with those behind.

    Attributes:
        port: on 127.0.0.1.
        behind: ports of the processes behind it; connections go to them in turn. May change at any time.
    """

    port = 0

    def __init__(self, behind: Sequence[int], *, patience: float = 0.0, tls: ssl.SSLContext | None = None) -> None:
        self.behind = list(behind)
        self._patience = patience
        self._context = tls
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        thread = threading.Thread(target=self._loop.run_forever, name="front", daemon=True)
        thread.start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._context), self._loop
        ).result(30)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._end(listening), self._loop).result(30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(30)

    async def _end(self, listening: asyncio.Server) -> None:
        listening.close()
        passing_on = asyncio.all_tasks() - {asyncio.current_task()}
        for task in passing_on:
            task.cancel()
        await asyncio.gather(*passing_on, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Before Python 3.12 asyncio logs one that was cancelled as one that failed.
        with contextlib.suppress(asyncio.CancelledError), contextlib.closing(writer):
            try:
                back, forth = await self._connected()
            except (OSError, ZeroDivisionError):
                return
            await asyncio.gather(_copy(reader, forth), _copy(back, writer))

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        until = time.monotonic() + self._patience
        while True:
            port = self.behind[next(self._turn) % len(self.behind)]
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_PAUSE)


class Front(Relay):
    """Takes TLS at a port of its own, and passes plain HTTP on, as an Ingress does."""

    def __init__(self, host: str, folder: Path, behind: Sequence[int]) -> None:
        super().__init__(behind, tls=server_context(load_authority(folder), [host]))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
