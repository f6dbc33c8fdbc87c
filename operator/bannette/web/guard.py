"""What stands before every request, and on every answer: the host, security headers, the log, and the last resort."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bannette import logs
from bannette.web.policy import ALWAYS, UNLESS_SAID

logger = logging.getLogger(__name__)

_PROBES: Final = frozenset({"/healthz", "/readyz"})
_AT_ONCE: Final = 200
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class Answered:
    """A request that is over.

    Attributes:
        method: ``other`` for what no page has.
        route: the template of the address that was asked for; ``none`` if there is no such page.
        status: 0: whoever asked had gone before there was an answer.
        seconds: to the last byte.
    """

    method: str
    route: str
    status: int
    seconds: float


class Guard:
    """Lets requests for *host* through to *app*, 200 at once; the kubelet's probes at any time.

    Logs hold no query, no path and no header: the route says enough, and a link's token is as good as the link.

    Args:
        answered: told of each request that is over, but of probes.
    """

    def __init__(self, app: ASGIApp, *, host: str, answered: Callable[[Answered], None]) -> None:
        self._app = app
        self._host = host
        self._answered = answered
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
            method = scope["method"] if scope["method"] in _METHODS else "other"
            answer = Answered(method, _route_of(scope), status, time.monotonic() - began)
            self._answered(answer)
            logs.event(
                logger,
                "web.request",
                method=answer.method,
                route=answer.route,
                status=answer.status,
                milliseconds=round(1000 * answer.seconds),
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


def _route_of(scope: Scope) -> str:
    route = scope.get("route")
    # What is mounted stands at the root of its pages, and where nothing is found there, it is the mount that was found.
    return scope.get("root_path", "") + route.path if isinstance(route, Route) else "none"
