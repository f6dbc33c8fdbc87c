"""The service over HTTP: routes, cookies, and what every answer says to browsers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bannette import logs
from bannette.connect.desk import Desk
from bannette.connect.doorstep import Doorstep
from bannette.connect.faults import Fault, Stopped
from bannette.connect.pages import render
from bannette.connect.replies import VISITOR, Asked, Reply, refused
from bannette.errors import BannetteError
from bannette.web import statics
from bannette.web.forms import FormTooLarge, NotAForm, is_foreign, read_form
from bannette.web.policy import policy
from bannette.web.rendering import LANGUAGES, preferred_language

logger = logging.getLogger(__name__)

# A form of ours has three short fields.
_LARGEST_BODY: Final = 8192
_FIELDS: Final = 20


class Pages:
    """Turns requests into what is asked of the desk, and its replies into answers.

    Args:
        ready: raises why the pages can't be served, or returns what is said when they can.
        healthy: whether what works beside the pages goes on.
    """

    def __init__(self, desk: Desk, doorstep: Doorstep, ready: Callable[[], str], healthy: Callable[[], bool]) -> None:
        self._desk = desk
        self._doorstep = doorstep
        self._ready = ready
        self._healthy = healthy

    def application(self, more: Sequence[BaseRoute] = ()) -> Starlette:
        """Return the service's pages; *more*: those that another part of Bannette serves beside them."""
        application = Starlette(
            routes=[
                Route("/c/{namespace}/{name}", self._show, methods=["GET"]),
                # As people type it.
                Route("/c/{namespace}/{name}/", self._show, methods=["GET"]),
                Route("/c/{namespace}/{name}/mail", self._send, methods=["POST"]),
                Route("/c/{namespace}/{name}/visit", self._begin, methods=["POST"]),
                Route("/c/{namespace}/{name}/disconnect", self._confirm, methods=["GET"]),
                Route("/c/{namespace}/{name}/disconnect", self._disconnect, methods=["POST"]),
                Route("/callback", self._finish, methods=["GET"]),
                *statics.ROUTES,
                Route("/healthz", self._health, methods=["GET"]),
                Route("/readyz", self._readiness, methods=["GET"]),
                *more,
            ],
            exception_handlers={HTTPException: _wrong_address, Stopped: _stopped, Exception: _bug},  # type: ignore[dict-item]
        )
        # It would lead to http, with a link's token in clear: the browser's https ends before this service.
        application.router.redirect_slashes = False
        return application

    async def _show(self, request: Request) -> Response:
        asked = _asked(request, dict(request.query_params))
        return await _answer(self._desk.show if asked.token else self._doorstep.show, asked)

    async def _send(self, request: Request) -> Response:
        return await _answer(self._doorstep.send, _asked(request, await _form(request)))

    async def _confirm(self, request: Request) -> Response:
        return await _answer(self._desk.confirm, _asked(request, dict(request.query_params)))

    async def _begin(self, request: Request) -> Response:
        return await _answer(self._desk.begin, _asked(request, await _form(request)))

    async def _disconnect(self, request: Request) -> Response:
        return await _answer(self._desk.disconnect, _asked(request, await _form(request)))

    async def _finish(self, request: Request) -> Response:
        reply = await run_in_threadpool(
            self._desk.finish, dict(request.query_params), request.cookies, preferred=_preferred(request)
        )
        return _response(reply)

    async def _health(self, request: Request) -> Response:
        if self._healthy():
            return PlainTextResponse("alive\n")
        return PlainTextResponse("what works beside the pages has ended\n", status_code=503)

    async def _readiness(self, request: Request) -> Response:
        try:
            told = await run_in_threadpool(self._ready)
        except BannetteError as error:
            return PlainTextResponse(f"{error}\n", status_code=503)
        return PlainTextResponse(told)


async def _answer(act: Callable[[Asked], Reply], asked: Asked) -> Response:
    return _response(await run_in_threadpool(act, asked))


def _asked(request: Request, fields: dict[str, str]) -> Asked:
    if request.method == "POST" and is_foreign(request):
        raise Stopped(Fault.FORM)
    return Asked(
        namespace=request.path_params["namespace"],
        name=request.path_params["name"],
        token=fields.get("t", ""),
        chosen=fields.get("lang", ""),
        preferred=_preferred(request),
        visitor=request.cookies.get(VISITOR, ""),
        form=fields.get("form", ""),
    )


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises: Stopped: the body isn't a form of this service.
    """
    try:
        return await read_form(request, largest=_LARGEST_BODY, fields=_FIELDS)
    except FormTooLarge:
        raise Stopped(Fault.TOO_LARGE) from None
    except NotAForm:
        raise Stopped(Fault.REQUEST) from None


def _response(reply: Reply) -> Response:
    if reply.location:
        response = Response(status_code=reply.status, headers={"Location": reply.location})
    else:
        text = render(reply.page, reply.language if reply.language in LANGUAGES else "en", reply.facts)
        response = HTMLResponse(text, status_code=reply.status)
        response.headers["Content-Language"] = reply.language
    targets = " ".join(("'self'", *reply.form_targets))
    response.headers["Content-Security-Policy"] = policy(targets)
    if reply.retry_after is not None:
        response.headers["Retry-After"] = str(reply.retry_after)
    for name, (value, seconds) in reply.cookies.items():
        # Lax: Microsoft's page leads back here by a link, which must bring the cookies along.
        response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _stopped(request: Request, stopped: Stopped) -> Response:
    logs.event(logger, "connect.refused", fault=stopped.fault.text)
    return _response(refused(stopped, _preferred(request)))


async def _wrong_address(request: Request, error: HTTPException) -> Response:
    response = _response(
        refused(Stopped(Fault.METHOD if error.status_code == 405 else Fault.NO_PAGE), _preferred(request))
    )
    response.headers.update(error.headers or {})
    return response


async def _bug(request: Request, error: Exception) -> Response:
    # Starlette raises it once more, for the guard to log.
    return _response(refused(Stopped(Fault.BUG), _preferred(request)))


def _preferred(request: Request) -> str:
    return preferred_language(request.headers.get("accept-language", ""))
