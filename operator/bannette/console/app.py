"""The console over HTTP: routes, cookies, and what every answer says to browsers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from bannette import logs
from bannette.connect import Keys, Settings
from bannette.console import channels, connecting, creation, entry, inbox, running
from bannette.console.catalogue import Catalogue
from bannette.console.doorkeeper import Doorkeeper
from bannette.console.faults import Fault, Invalid, SignedOut, Stopped
from bannette.console.people import Person
from bannette.console.rendering import render
from bannette.console.sessions import session_cookies
from bannette.console.settings import ConsoleSettings
from bannette.console.threads import ReaderThreads, passed_on
from bannette.console.visits import HOME, ROOT, Office, Page, Reply, Visit
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.kube import ClusterApi
from bannette.web.forms import FormTooLarge, NotAForm, is_foreign, read_form
from bannette.web.policy import policy
from bannette.web.rendering import LANGUAGES, preferred_language

logger = logging.getLogger(__name__)

VISITOR: Final = "__Host-console-visitor"
LANGUAGE: Final = "__Host-language"
_PAGES: Final = (*entry.PAGES, *channels.PAGES, *running.PAGES, *connecting.PAGES, *creation.PAGES, *inbox.PAGES)
_LARGEST_BODY: Final = 32768
_FIELDS: Final = 40
_LONGEST_COOKIE: Final = 512
_YEAR: Final = 365 * 24 * 3600
_STATIC: Final = Path(__file__).parent / "static"
_STYLE: Final = (_STATIC / "console.css").read_bytes()
_SCRIPT: Final = (_STATIC / "console.js").read_bytes()
_RETRY_SECONDS: Final = 10
_OF_INBOXES: Final = "/inboxes/"
_CONDITIONS: Final = ("range", "if-range", "if-none-match")


class Console:
    """The pages of the console, to be served beside others."""

    def __init__(self, settings: ConsoleSettings, connect: Settings, api: ClusterApi) -> None:
        self._catalogue = Catalogue(api, settings.namespaces)
        self._office = Office(settings, connect, connect.load_keys, api, self._catalogue)
        self._door = Doorkeeper(api, settings)
        self._threads = ReaderThreads()

    def start(self) -> None:
        """Begin to read the channels, in the background."""
        self._catalogue.start()

    def stop(self) -> None:
        self._catalogue.stop()

    @property
    def is_ready(self) -> bool:
        """Whether the list of channels can be shown."""
        return self._catalogue.is_read

    def routes(self) -> list[BaseRoute]:
        pages: list[BaseRoute] = [_Endpoint(self, method, path, page).route for method, path, page in _PAGES]
        within = Starlette(
            routes=[
                Route("/", _home, methods=["GET"]),
                *pages,
                Route("/static/console.css", _style, methods=["GET"]),
                Route("/static/console.js", _script, methods=["GET"]),
            ],
            exception_handlers={HTTPException: self._wrong_address, Exception: self._bug},  # type: ignore[dict-item]
        )
        # It would lead to http, since the browser's https ends before this service.
        within.router.redirect_slashes = False
        return [Route(ROOT, _home, methods=["GET"]), Mount(ROOT, within)]

    async def answer(self, request: Request, page: Page) -> Response:
        """Let *page* answer, or say what is wrong."""
        try:
            fields: dict[str, str] = {}
            if request.method == "POST":
                if is_foreign(request):
                    raise Stopped(Fault.FORM)
                fields = await read_form(request, largest=_LARGEST_BODY, fields=_FIELDS)
            threads = self._threads_for(request)
            if threads is None:
                return await run_in_threadpool(self._answered, request, page, fields)
            return await asyncio.get_running_loop().run_in_executor(threads, self._answered, request, page, fields)
        except Stopped as stopped:
            return self._faulted(request, stopped)
        except FormTooLarge:
            return self._faulted(request, Stopped(Fault.TOO_LARGE))
        except NotAForm:
            return self._faulted(request, Stopped(Fault.REQUEST))
        except PersonNeeded as error:
            # Without keys there is no page: each holds something that is sealed.
            logs.event(logger, "console.failed", level=logging.ERROR, reason=error.reason, message=str(error))
            return PlainTextResponse("The console isn't set up.\n", 503)

    def _threads_for(self, request: Request) -> Executor | None:
        """Return those for the inboxes of the address's namespace; None: those of all other pages."""
        within = request.scope["path"].removeprefix(request.scope["root_path"])
        return self._threads.of(request.path_params["namespace"]) if within.startswith(_OF_INBOXES) else None

    def _answered(self, request: Request, page: Page, fields: dict[str, str]) -> Response:
        keys = self._office.keys()
        person = self._door.person(request, keys, now=self._office.now())
        visit = self._visit(request, keys, person, fields)
        try:
            if request.method == "POST" and not visit.is_own_form:
                raise Stopped(Fault.FORM)
            reply = page(visit)
        except SignedOut:
            reply = _to_sign_in(request, visit)
        except Stopped as stopped:
            reply = refused(stopped)
        except Invalid as invalid:
            reply = refused(Stopped(Fault.REQUEST, " ".join(invalid.complaints.values())))
        except BannetteError as error:
            fault = Fault.UNAVAILABLE if isinstance(error, Transient) else Fault.UNREADABLE
            reply = refused(Stopped(fault, str(error)))
        return self._response(request, visit, reply)

    def _visit(self, request: Request, keys: Keys, person: Person | None, fields: dict[str, str]) -> Visit:
        visitor = request.cookies.get(VISITOR, "")
        chosen, preferred = request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", "")
        query = request.scope["query_string"].decode("latin-1")
        address = request.scope["root_path"] + request.scope["path"].removeprefix(request.scope["root_path"])
        return Visit(
            office=self._office,
            keys=keys,
            person=person,
            place=request.path_params,
            query=dict(request.query_params),
            fields=fields,
            address=f"{address}?{query}" if query and request.method != "POST" else address,
            language=chosen if chosen in LANGUAGES else preferred_language(preferred),
            conditions={name: request.headers[name] for name in _CONDITIONS if name in request.headers},
            known_only=request.method == "HEAD",
            visitor=visitor if 0 < len(visitor) <= _LONGEST_COOKIE else secrets.token_urlsafe(32),
        )

    def _response(self, request: Request, visit: Visit, reply: Reply) -> Response:
        if reply.download is not None:
            # What it says is all that it says: it sets no cookie, and its policy is its own.
            download = reply.download
            threads = self._threads_for(request)
            pieces = download.pieces if threads is None else passed_on(download.pieces, threads)
            return StreamingResponse(pieces, status_code=reply.status, headers=dict(download.headers))
        if reply.location:
            response: Response = Response(status_code=303, headers={"Location": reply.location})
        else:
            common: dict[str, object] = {
                "person": visit.person.name if visit.person else "",
                "may_sign_out": bool(visit.person and session_cookies(request.cookies)),
                "form": visit.form,
                "address": visit.address,
                "root": ROOT,
            }
            response = HTMLResponse(render(reply.page, visit.language, common | reply.facts), status_code=reply.status)
            response.headers["Content-Language"] = visit.language
        response.headers["Content-Security-Policy"] = policy(
            "'self'", **{"script_src": "'self'", "connect_src": "'self'", **reply.directives}
        )
        if reply.retry_after is not None:
            response.headers["Retry-After"] = str(reply.retry_after)
        self._set_cookies(request, response, visit, reply)
        return response

    def _set_cookies(self, request: Request, response: Response, visit: Visit, reply: Reply) -> None:
        cookies: dict[str, tuple[str, int | None]] = {}
        if request.cookies.get(VISITOR) != visit.visitor:
            cookies[VISITOR] = (visit.visitor, None)
        if reply.language:
            cookies[LANGUAGE] = (reply.language, _YEAR)
        if reply.session is not None or reply.ends_session:
            cookies |= dict.fromkeys(session_cookies(request.cookies), ("", 0))
        if reply.session is not None:
            seconds = int((reply.session.expires - self._office.now()).total_seconds())
            cookies |= {name: (part, max(seconds, 1)) for name, part in reply.session.cookies(visit.keys).items()}
        for name, (value, age) in cookies.items():
            response.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="strict")

    def _faulted(self, request: Request, stopped: Stopped) -> Response:
        visit = self._visit(request, self._office.keys(), None, {})
        return self._response(request, visit, refused(stopped))

    async def _wrong_address(self, request: Request, error: HTTPException) -> Response:
        response = self._faulted(request, Stopped(Fault.METHOD if error.status_code == 405 else Fault.NO_PAGE))
        response.headers.update(error.headers or {})
        return response

    async def _bug(self, request: Request, error: Exception) -> Response:
        # Starlette raises it once more, for the guard to log.
        return self._faulted(request, Stopped(Fault.BUG))


class _Endpoint:
    """A page at its address."""

    def __init__(self, console: Console, method: str, path: str, page: Page) -> None:
        self._console = console
        self._page = page
        self.route = Route(path, self._answer, methods=[method])

    async def _answer(self, request: Request) -> Response:
        return await self._console.answer(request, self._page)


def routes(settings: ConsoleSettings, connect: Settings, api: ClusterApi) -> Sequence[BaseRoute]:
    """Return the console's routes, and begin to read the channels for them."""
    console = Console(settings, connect, api)
    console.start()
    return console.routes()


def refused(stopped: Stopped) -> Reply:
    """Return the page that says what is wrong, and what to do."""
    logs.event(logger, "console.refused", fault=stopped.fault.text, message=stopped.detail or None)
    facts: dict[str, object] = {"fault": stopped.fault.text, "detail": stopped.detail}
    later = _RETRY_SECONDS if stopped.fault is Fault.UNAVAILABLE else None
    return Reply("fault", facts, stopped.fault.status, retry_after=later)


def _to_sign_in(request: Request, visit: Visit) -> Reply:
    ended = session_cookies(request.cookies)
    back = visit.address if request.method in ("GET", "HEAD") else HOME
    query = urlencode({"next": back, **({"ended": "1"} if ended else {})})
    return Reply(location=f"{ROOT}/sign-in?{query}", ends_session=bool(ended))


async def _home(request: Request) -> Response:
    return Response(status_code=303, headers={"Location": HOME})


async def _style(request: Request) -> Response:
    return Response(_STYLE, media_type="text/css")


async def _script(request: Request) -> Response:
    return Response(_SCRIPT, media_type="text/javascript")
