"""What stands before every request, and on every answer: the host, security headers, the log, and the last resort."""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bannette import logs
from bannette.web.policy import ALWAYS, UNLESS_SAID

logger = logging.getLogger(__name__)

_PROBES: Final = frozenset({"/healthz", "/readyz"})
_AT_ONCE: Final = 200
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Guard:
    """Lets requests for *host* through to *app*, 200 at once; the kubelet's probes at any time.

    Logs hold no query, no path and no header: the route says enough, and a link's token is as good as the link.
    """

    def __init__(self, app: ASGIApp, *, host: str) -> None:
        self._app = app
        self._host = host
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(ALWAYS)
                for name, value in UNLESS_SAID.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self._app_for(scope)
        counts = scope["path"] not in _PROBES
        self._under_way += counts
        try:
            await app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - the top of a request
            # Not for uvicorn, which would print what it says.
            logs.crash(logger, "web.failed", error)
        finally:
            self._under_way -= counts
        if counts:
            method, route = scope["method"], scope.get("route")
            logs.event(
                logger,
                "web.request",
                method=method if method in _METHODS else "other",
                route=getattr(route, "path", "none"),
                status=status,
                milliseconds=round(1000 * (time.monotonic() - began)),
            )

    def _app_for(self, scope: Scope) -> ASGIApp:
        if not self._is_for_us(scope):
            return PlainTextResponse("This host isn't served here.\n", 421)
        # A probe that got this answer would have the pod restarted by whoever sends enough requests slowly.
        if self._under_way >= _AT_ONCE and scope["path"] not in _PROBES:
            return PlainTextResponse("Too much is asked at once. Come back in a moment.\n", 503, {"Retry-After": "5"})
        return self._app

    def _is_for_us(self, scope: Scope) -> bool:
        host = Headers(scope=scope).get("host", "").lower().removesuffix(":443")
        return host == self._host or scope["path"] in _PROBES
