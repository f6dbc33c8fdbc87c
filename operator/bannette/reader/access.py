"""What stands before every request: the token, the log, and how long nobody has asked."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bannette import logs

logger = logging.getLogger(__name__)

_PROBE: Final = "/healthz"
_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_ALWAYS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # What a document holds isn't ours: whoever comes by here with a browser runs none of it.
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
_LONGEST_TOKEN: Final = 512


class Access:
    """Lets through to *app* who has the token of which *digest* is the SHA-256, in hex.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, app: ASGIApp, *, digest: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._digest = digest.lower().encode()
        self._clock = clock
        self._last = clock()
        self._under_way = 0

    def idle_seconds(self) -> float:
        """Return for how long nobody with the token has asked for anything; 0 while an answer is under way."""
        return 0.0 if self._under_way else self._clock() - self._last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(_ALWAYS)
            await send(message)

        if scope["path"] == _PROBE:
            await self._app(scope, receive, send)
            return
        try:
            if not self._admits(Headers(scope=scope).get("authorization", "")):
                refusal = JSONResponse({"reason": "WrongToken", "message": "The token isn't this reader's."}, 401)
                await refusal(scope, receive, sending)
                return
            self._under_way += 1
            try:
                await self._app(scope, receive, sending)
            finally:
                self._under_way -= 1
                self._last = self._clock()
        except Exception as error:  # noqa: BLE001 - the top of a request
            # Not for uvicorn, which would print what it says.
            logs.crash(logger, "inbox.failed", error)
        finally:
            method, route = scope["method"], scope.get("route")
            logs.event(
                logger,
                "inbox.request",
                method=method if method in _METHODS else "other",
                route=getattr(route, "path", "none"),
                status=status,
                milliseconds=round(1000 * (time.monotonic() - began)),
            )

    def _admits(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or len(token) > _LONGEST_TOKEN:
            return False
        found = hashlib.sha256(token.strip().encode()).hexdigest().encode()
        return hmac.compare_digest(found, self._digest)
