"""The port of the metrics: ``/metrics`` in plain HTTP, for the cluster's inside, never beside the pages."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bannette.connect.metrics import Metrics
from bannette.errors import PersonNeeded

_MOST_CONNECTIONS: Final = 50
_PATIENCE: Final = 5.0


@contextmanager
def exposing(metrics: Metrics, address: str, port: int) -> Iterator[None]:
    """Answer on *port* of *address*, from a thread, until the block is left.

    Raises:
        PersonNeeded: CannotListen.
    """

    async def figures(request: Request) -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    try:
        # Here, since uvicorn would end the thread without a word to the others.
        listening = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError as error:
        raise PersonNeeded(
            f"Port {port} can't be opened ({error.strerror}): name another one in BANNETTE_CONNECT_METRICS_PORT.",
            reason="CannotListen",
        ) from error
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=[Route("/metrics", figures, methods=["GET"])]),
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=int(_PATIENCE),
        )
    )
    thread = threading.Thread(target=server.run, args=([listening],), name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
