"""Talking to Microsoft's sign-in by msal: with time limits, and leaving it alone for as long as it asks.

msal and what it needs are imported at the first call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import requests

from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.onedrive.endpoints import Endpoints
from bannette.onedrive.transport import new_session

if TYPE_CHECKING:
    import msal

Application = TypeVar("Application", bound="msal.ClientApplication")
Answer = Mapping[str, object]

_QUIET = 5.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate registered at the application, and its key, both PEM."""

    pem: str
    key: str = field(repr=False)


class Authority(Generic[Application]):
    """One of the sign-in's authorities, for one application. Not to be shared between threads without a lock.

    Args:
        tenant: a tenant's id, or ``common``: all accounts for work, school and home.
        make: what msal makes of a client: it is given the arguments that don't depend on the client.
        refused: the error for an authority whose description can't be had.
        timeout: seconds for each answer; msal itself has no limit.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        tenant: str,
        make: Callable[[dict[str, Any]], Application],
        refused: Callable[[bool], PersonNeeded],
        timeout: float = 30.0,
    ) -> None:
        self._endpoints = endpoints
        self._tenant = tenant
        self._make = make
        self._refused = refused
        self._http = _Http(endpoints.ca_file, timeout)
        self._application: Application | None = None
        self._outage: Transient | None = None
        self._quiet_until = 0.0

    @property
    def application(self) -> Application:
        """What msal knows of the application; made by the first call, which asks the authority for its addresses.

        Raises: PersonNeeded.
        """
        if self._application is None:
            self._application = self._connect()
        return self._application

    def ask(
        self, question: Callable[[Application], Mapping[str, Any] | None], refusal: Callable[[Answer], BannetteError]
    ) -> dict[str, Any]:
        """Return the answer to *question*, which has tokens or is empty: msal knows of none.

        After an outage nothing is asked for as long as the sign-in said, or 5 seconds.

        Args:
            refusal: the error that an answer with an error in it stands for.

        Raises:
            PersonNeeded: the sign-in refuses, or the client's credentials are unusable.
            Transient: it is unavailable.
        """
        if self._outage is not None and time.monotonic() < self._quiet_until:
            raise self._outage
        try:
            answer = self._asked(question)
            if "error" in answer:
                raise refusal(answer)
            return answer
        except Transient as error:
            self._outage = error
            self._quiet_until = time.monotonic() + (_QUIET if error.retry_after is None else error.retry_after)
            raise

    def _asked(self, question: Callable[[Application], Mapping[str, Any] | None]) -> dict[str, Any]:
        import msal

        try:
            return dict(question(self.application) or {})
        # The causes may hold bodies with secrets or names: only their kind is told.
        except msal.exceptions.MsalServiceError:
            raise Transient("Microsoft's sign-in is unavailable.", reason="SignInUnavailable") from None
        except _Unavailable as error:
            raise error.told from None

    def _connect(self) -> Application:
        try:
            return self._make(
                {
                    "authority": f"{self._endpoints.authority}/{self._tenant}",
                    "http_client": self._http,
                    "instance_discovery": None if self._endpoints.known_authority else False,
                }
            )
        except (ValueError, TypeError):
            raise self._refused(self._http.discovered is not False) from None


def client_credential(secret: str | None, certificate: Certificate | None) -> object:
    """Return a client's secret or certificate in msal's form; None for a client without."""
    if certificate is not None:
        return {"private_key": certificate.key, "public_certificate": certificate.pem}
    return secret or None


class _Unavailable(Exception):
    """Passes through msal, which would turn some failures into silence, and ask again at each call."""

    def __init__(self, told: Transient) -> None:
        super().__init__()
        self.told = told


class _Http:
    """The HTTP client that msal calls: with a time limit, and without ``.netrc``.

    Attributes:
        discovered: whether the last discovery found the tenant; None before.
    """

    def __init__(self, ca_file: str | None, timeout: float) -> None:
        self._session = new_session(ca_file)
        self._timeout = timeout
        self.discovered: bool | None = None

    def get(self, url: str, **options: Any) -> requests.Response:
        answer = self._send("GET", url, options)
        self.discovered = answer.status_code == 200
        return answer

    def post(self, url: str, **options: Any) -> requests.Response:
        answer = self._send("POST", url, options)
        try:
            answer.json()
        except ValueError:
            # Some proxy's page. msal would log it.
            told = f"Microsoft's sign-in gave an unreadable answer (HTTP {answer.status_code})."
            raise _Unavailable(Transient(told, reason="SignInUnavailable")) from None
        return answer

    def _send(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        known = {name: options[name] for name in ("params", "data", "headers") if name in options}
        try:
            answer = self._session.request(method, url, timeout=self._timeout, allow_redirects=False, **known)
        except requests.exceptions.SSLError:
            raise _Unavailable(
                Transient(
                    "The certificate of Microsoft's sign-in isn't trusted: "
                    "if a proxy inspects HTTPS, set collector.caBundle.",
                    reason="TlsFailed",
                )
            ) from None
        except requests.RequestException as error:
            told = f"Microsoft's sign-in can't be reached ({type(error).__name__})."
            raise _Unavailable(Transient(told, reason="SignInUnreachable")) from None
        # Raised here, before msal: it would remember the answer and repeat it without asking again.
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Unavailable(
                Transient(
                    f"Microsoft's sign-in is unavailable (HTTP {answer.status_code}).",
                    reason="SignInUnavailable",
                    retry_after=_asked_to_wait(answer),
                )
            )
        return answer

    def close(self) -> None:
        self._session.close()


def _asked_to_wait(answer: requests.Response) -> float | None:
    after = answer.headers.get("Retry-After", "")
    return min(float(after), 3600.0) if after.isascii() and after.isdigit() else None
