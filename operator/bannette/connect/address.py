"""Whether the public address leads back to this service: told before a person follows a link that leads nowhere."""

from __future__ import annotations

import logging
import re
import secrets
import ssl
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from urllib3.exceptions import NameResolutionError

from bannette import logs
from bannette.connect.settings import Settings

logger = logging.getLogger(__name__)

PATH: Final = "/.well-known/bannette-address"
# What the guard of this service says to requests for another host.
_OTHER_HOST: Final = 421
PURPOSE: Final = "address"
_NONCE: Final = re.compile(r"[\w-]{16,64}", re.ASCII)
_TIMEOUT: Final = (5.0, 10.0)
_LONGEST: Final = 4096
# Nothing leads to a pod before it is ready, so what is wrong at first is looked at twice before it is told.
_SECONDS_WHILE_WRONG: Final = (5.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_SECONDS_WHILE_RIGHT: Final = 3600.0


class PublicAddress:
    """Asks the public address for what only this service, or another replica of it, can answer.

    Attributes:
        route: by which it is answered.
        trouble: what is wrong with the address, in one line; None: nothing; empty: not known yet.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.public_url
        # Read at each use: the kubelet changes them under a running pod.
        self._keys = settings.load_keys
        environ = settings.environ
        self._ca_file = environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or None
        self._stopped = threading.Event()
        self.trouble: str | None = ""
        self.route = Route(PATH, self._answer, methods=["GET"])

    def start(self) -> None:
        """Look again and again, in a thread."""
        threading.Thread(target=self._watch, name="public-address", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> str | None:
        """Return what is wrong with the address now; None: it leads here.

        Raises: PersonNeeded: there are no keys.
        """
        nonce = secrets.token_urlsafe(24)
        try:
            with requests.Session() as session:
                # Without this, requests sends what ~/.netrc holds for the host.
                session.auth = lambda request: request
                answer = session.get(
                    self._url + PATH,
                    params={"nonce": nonce},
                    verify=self._ca_file or True,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    stream=True,
                )
                text = answer.raw.read(_LONGEST, decode_content=True).decode(errors="replace")
        except (requests.RequestException, OSError) as error:
            return unreached(self._url, error)
        opened = self._keys().open(PURPOSE, text)
        if opened is not None and opened.get("nonce") == nonce:
            return None
        return misled(self._url, answer.status_code, location=answer.headers.get("Location", ""))

    def _watch(self) -> None:
        found: str | None = ""
        times_wrong = 0
        while not self._stopped.wait(_wait(found, times_wrong)):
            before = found
            try:
                found = self.look()
            except Exception as error:  # noqa: BLE001 - the top of a thread
                logs.crash(logger, "connect.failed", error)
                continue
            times_wrong = 0 if found is None else times_wrong + 1
            if found != self.trouble and (found is None or before):
                self.trouble = found
                name, level = ("right", logging.INFO) if found is None else ("wrong", logging.WARNING)
                logs.event(logger, f"connect.address_{name}", level=level, url=self._url, message=found)

    async def _answer(self, request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            return PlainTextResponse("Ask with a nonce.\n", 400)
        return PlainTextResponse(self._keys().seal(PURPOSE, {"nonce": nonce}))


def _wait(found: str | None, times_wrong: int) -> float:
    """Return the seconds until the next look."""
    if found is None:
        return _SECONDS_WHILE_RIGHT
    return _SECONDS_WHILE_WRONG[min(times_wrong, len(_SECONDS_WHILE_WRONG) - 1)]


def unreached(url: str, error: Exception) -> str:
    """Return why nothing answers at *url*, and what to do."""
    causes = [*_causes(error)]
    host = urlsplit(url).hostname
    refused = next((one for one in causes if isinstance(one, ssl.SSLCertVerificationError)), None)
    if refused is not None:
        return (
            f"The certificate at {url} isn't accepted ({refused.verify_message}): browsers won't accept it either, "
            "unless it is of an authority of your own, which connect.caBundle names."
        )
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return f"What answers at {url} doesn't speak HTTPS: let TLS end at the Ingress, or at the proxy in its place."
    if any(isinstance(one, NameResolutionError) for one in causes):
        return f"No name server knows {host}: let the name lead to your Ingress."
    return (
        f"Nothing answers at {url} ({type(causes[-1]).__name__}): let it lead to the Service bannette-connect. If "
        "browsers open it, pods of this cluster can't reach its outside address, which does no harm."
    )


def misled(url: str, status: int, *, location: str = "") -> str:
    """Return what answers at *url* in place of this service, and what to do."""
    if status == _OTHER_HOST:
        return f"Requests for {url} come with another Host: let the proxy pass on the Host that browsers send."
    if 300 <= status < 400:
        target = urlsplit(location)
        leads = f"{target.scheme}://{target.netloc}" if target.netloc else "another page"
        return f"{url} leads to {leads} (HTTP {status}): name the address that people end up at in connect.url."
    if status >= 500:
        return f"The proxy at {url} answers with HTTP {status}: let it lead to the Service bannette-connect, port 80."
    return (
        f"Something else answers at {url} (HTTP {status}): another service, a page that wants a sign-in first, or "
        "pages of Bannette with other keys. Let it lead to the Service bannette-connect, port 80, with all paths."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and all that it came of: requests and urllib3 hand causes on as arguments."""
    yield error
    given = [getattr(error, "reason", None), *error.args, error.__cause__]
    cause = next((one for one in given if isinstance(one, BaseException)), None)
    if cause is not None:
        yield from _causes(cause)
