"""A proxy between the operator and its API server, which does what networks, servers and kernels do to both.

It speaks HTTP to the operator and forwards to the real server. What goes wrong is decided request by request.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from devcluster.apiserver import ApiServer

_PATIENCE = 120.0
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Asked:
    """A request on its way.

    Attributes:
        path: without the query.
    """

    method: str
    path: str
    watches: bool

    @property
    def writes(self) -> bool:
        """Whether it changes something; Events are a courtesy and don't count."""
        return self.method in _WRITES and not self.path.endswith("/events")


@dataclass(frozen=True)
class Answer:
    """An answer in the server's place."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def refusal(cls, status: int, reason: str) -> Answer:
        """What the API server says when it refuses."""
        phrase = HTTPStatus(status).phrase
        body = f'{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{phrase}",' + (
            f'"reason":"{reason}","code":{status}}}'
        )
        return cls(status, body)

    @classmethod
    def throttle(cls, seconds: int) -> Answer:
        """What the API server says to whoever asks too much."""
        return replace(cls.refusal(429, "TooManyRequests"), headers={"Retry-After": str(seconds)})


@dataclass(frozen=True)
class Before:
    """Do this instead of forwarding the request; nobody answers it."""

    act: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class After:
    """Forward the request, then do this; the answer is lost."""

    act: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Late:
    """Forward the request, then do this; the answer comes after it. It is done in a thread of its own."""

    act: Callable[[], None]


Fault = Answer | Before | After | Late


class Between:
    """The proxy, at `url` until the block is left. `fault` is asked, in the proxy's own thread, about each request.

    `token` is given to whoever comes without one: kubectl sends none where there is no TLS.
    """

    url: str
    token: str | None = None

    def __init__(self, server: ApiServer) -> None:
        self.fault: Callable[[Asked], Fault | None] = lambda asked: None
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="between", daemon=True)
        self._watching: set[asyncio.Transport] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(_PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    @property
    def watches(self) -> int:
        """How many watches go on."""
        return len(self._watching)

    def cut_watches(self) -> int:
        """Reset the connections of all watches, and return how many there were."""

        async def cut() -> int:
            watching = list(self._watching)
            for transport in watching:
                transport.abort()
            return len(watching)

        return asyncio.run_coroutine_threadsafe(cut(), self._loop).result(_PATIENCE)

    async def _open(self) -> None:
        trust = ssl.create_default_context(cafile=str(self._server.ca_file))
        connector = aiohttp.TCPConnector(limit=0, ssl=trust)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None), trust_env=False
        )
        application = web.Application(client_max_size=1 << 26)
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        # Whoever was given up may be waited for in here still: what is late, or watched.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.method, request.path, "watch" in request.query)
        fault = self.fault(asked)
        if isinstance(fault, Answer):
            return web.Response(
                status=fault.status, text=fault.body, content_type="application/json", headers=fault.headers
            )
        if isinstance(fault, Before):
            return _drop(request, fault.act)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        try:
            async with self._session.request(
                request.method, self._server.url + request.raw_path, headers=headers, data=await request.read() or None
            ) as answer:
                if isinstance(fault, After):
                    await answer.read()
                    return _drop(request, fault.act)
                if isinstance(fault, Late):
                    await asyncio.to_thread(fault.act)
                return await self._stream(request, answer, watches=asked.watches)
        except aiohttp.ClientError:
            return _drop(request, lambda: None)

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, *, watches: bool
    ) -> web.StreamResponse:
        passed = web.StreamResponse(status=answer.status)
        # With its parameters: lists of what there is say by them what they are.
        passed.headers["Content-Type"] = answer.headers.get("Content-Type", "application/octet-stream")
        await passed.prepare(request)
        transport = request.transport
        if watches and isinstance(transport, asyncio.Transport):
            self._watching.add(transport)
        try:
            async for piece in answer.content.iter_any():
                await passed.write(piece)
            await passed.write_eof()
        except ConnectionError:
            pass  # the operator has gone, or was cut off
        finally:
            if isinstance(transport, asyncio.Transport):
                self._watching.discard(transport)
        return passed


def _drop(request: web.Request, act: Callable[[], None]) -> web.Response:
    act()
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
