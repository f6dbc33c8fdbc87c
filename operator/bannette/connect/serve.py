"""The process: reads its settings, and serves until it is told to end."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import uvicorn
from starlette.routing import BaseRoute

from bannette import logs
from bannette.connect.address import PublicAddress
from bannette.connect.app import Pages
from bannette.connect.background import Background
from bannette.connect.desk import Desk, Untold
from bannette.connect.doorstep import Doorstep, Remind
from bannette.connect.exposition import exposing
from bannette.connect.metrics import Metrics
from bannette.connect.settings import Settings, api_of, settings_of
from bannette.kube import ClusterApi
from bannette.web.guard import Guard
from bannette.web.readiness import tell

logger = logging.getLogger(__name__)

# Of a request without its body: Microsoft's answers come in the query, and take a few thousand.
_LARGEST_HEAD: Final = 32768
# Connections, most of them of proxies and at rest; of requests, the guard lets fewer in at once.
_MOST_CONNECTIONS: Final = 1000
_GRACE_SECONDS: Final = 20
More = Callable[[Settings, ClusterApi], Sequence[BaseRoute]]


def new_server(
    settings: Settings,
    api: ClusterApi,
    more: Sequence[BaseRoute] = (),
    *,
    healthy: Callable[[], bool] = lambda: True,
    address: PublicAddress | None = None,
    remind: Remind | None = None,
    untold: Untold | None = None,
    metrics: Metrics | None = None,
) -> uvicorn.Server:
    """Return the service, which serves when it is run.

    Args:
        more: pages to be served beside its own.
        healthy: whether what else the process does is at work.
        address: that watches whether the public address leads here.
        remind: has the mail with the link sent again; None: no mails are sent.
        untold: has the operator told later of what it couldn't be told at once; None: it looks by itself.
        metrics: where it counts what it does; None: nobody asks.
    """
    # msal would rather have the answer posted. That takes cookies that go along from foreign pages; in the query it is
    # good once, and only with the verifier that the Secret holds (RFC 9700, 4.3.1).
    warnings.filterwarnings("ignore", message="response_mode='form_post'", module="msal")
    # Keys are read at each use: the kubelet changes them under a running pod.
    metrics, mails = metrics or Metrics(), remind is not None
    desk = Desk(settings, keys=settings.load_keys, api=api, sends_mails=mails, untold=untold, metrics=metrics)
    doorstep = Doorstep(settings.load_keys, remind)
    known = address or PublicAddress(settings)

    def ready() -> str:
        settings.load_keys()
        # Told, not counted: a pod may be unable to reach its own address from inside.
        return tell(settings.public_url, known.trouble)

    pages = Pages(desk, doorstep, ready, healthy).application([known.route, *more])
    return uvicorn.Server(
        uvicorn.Config(
            Guard(pages, host=settings.host, answered=metrics.answered),
            host=settings.address,
            port=settings.port,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


def serve(environ: Mapping[str, str], more: More = lambda settings, api: ()) -> None:
    """Serve until SIGTERM or SIGINT; *more*: makes the pages that another part of Bannette serves beside these.

    Raises:
        PersonNeeded: a setting, a key or the API server's address isn't what it must be.
    """
    settings = settings_of(environ)
    settings.load_keys()
    api = api_of(environ)
    metrics = Metrics()
    background = Background(environ, settings, api, metrics)
    address, healthy, remind = PublicAddress(settings), background.is_healthy, background.remind
    metrics.watch(keys=settings.load_keys, trouble=lambda: address.trouble, asking=background.asking)
    pages = more(settings, api)
    running = new_server(
        settings,
        api,
        pages,
        healthy=healthy,
        address=address,
        remind=remind,
        untold=background.untold,
        metrics=metrics,
    )
    # It tells of every connection that a stranger breaks off.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    with ExitStack() as stack:
        if settings.metrics_port:
            stack.enter_context(exposing(metrics, settings.address, settings.metrics_port))
        logs.event(
            logger,
            "connect.serving",
            address=settings.address,
            port=settings.port,
            metrics=settings.metrics_port or None,
            url=settings.public_url,
        )
        # uvicorn ends in good order, and then raises the signal once more, which would end the process as if killed.
        signal.signal(signal.SIGTERM, lambda *_: None)
        background.start()
        address.start()
        try:
            running.run()
        finally:
            background.stop()
            address.stop()
