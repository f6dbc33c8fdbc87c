"""What stands before the pages: speaks HTTPS for their public address, and passes connections on in turn."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.certificates import load_authority, server_context

_CHUNK = 65536


class Front:
    """Takes TLS at a port of its own, and passes plain HTTP on, as an Ingress does.

    Attributes:
        port: on 127.0.0.1.
        behind: ports of the processes behind it; connections go to them in turn. May change at any time.
    """

    port = 0

    def __init__(self, host: str, folder: Path, behind: Sequence[int]) -> None:
        self.behind = list(behind)
        self._context = server_context(load_authority(folder), [host])
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def running(self) -> Iterator[Front]:
        thread = threading.Thread(target=self._loop.run_forever, name="front", daemon=True)
        thread.start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._context), self._loop
        ).result(30)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end, listening)
            thread.join(30)

    def _end(self, listening: asyncio.Server) -> None:
        listening.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            port = self.behind[next(self._turn) % len(self.behind)]
            back, forth = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, ZeroDivisionError):
            writer.close()
            return
        await asyncio.gather(_copy(reader, forth), _copy(back, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
