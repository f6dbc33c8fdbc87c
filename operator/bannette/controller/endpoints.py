"""The operator's own port: ``/healthz``, ``/readyz`` and ``/metrics``, in plain HTTP, for the cluster's inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bannette.controller.health import Health
from bannette.controller.metrics import Metrics
from bannette.errors import PersonNeeded


@asynccontextmanager
async def serving(host: str | None, port: int, *, health: Health, metrics: Metrics) -> AsyncIterator[None]:
    """Answer on *port* of *host* (None: all addresses) until the block is left.

    Raises:
        PersonNeeded: CannotListen.
    """

    async def alive(_: web.Request) -> web.Response:
        return _probe(health.ailment())

    async def ready(_: web.Request) -> web.Response:
        return _probe(health.hindrance())

    async def figures(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    application = web.Application()
    application.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", figures)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise PersonNeeded(
                f"Port {port} can't be opened ({error.strerror}): name another one with --listen or BANNETTE_LISTEN.",
                reason="CannotListen",
            ) from error
        yield
    finally:
        await runner.cleanup()


def _probe(problem: str | None) -> web.Response:
    return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)
