"""Tokens for Microsoft Graph, by msal: an application that signs in as itself.

msal and what it needs are imported at the first token.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import requests

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.endpoints import Endpoints
from bannette.onedrive.refusals import sign_in_refusal
from bannette.onedrive.transport import new_session

if TYPE_CHECKING:
    import msal

_MARGIN = 30
_QUIET = 5.0


class Tokens(Protocol):
    """Whatever gives access tokens."""

    def token(self, *, force: bool = False, claims: str | None = None) -> str:
        """Return a valid access token; *force*: not one that was given before."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate registered at the application, and its key, both PEM."""

    pem: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApplicationCredentials:
    """Who the application is; exactly one of *secret* and *certificate*."""

    tenant_id: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    certificate: Certificate | None = None


class SignIn:
    """Signs an application in; safe to share between threads.

    Args:
        timeout: seconds for each answer of the sign-in; msal itself has no limit.
    """

    def __init__(self, endpoints: Endpoints, credentials: ApplicationCredentials, *, timeout: float = 30.0) -> None:
        self._endpoints = endpoints
        self._credentials = credentials
        self._http = _Http(endpoints.ca_file, timeout)
        self._scope = f"{endpoints.graph}/.default"
        self._lock = threading.Lock()
        self._application: msal.ConfidentialClientApplication | None = None
        self._last = ""
        self._valid_until = 0.0
        self._outage: Transient | None = None
        self._quiet_until = 0.0

    def token(self, *, force: bool = False, claims: str | None = None) -> str:
        """Return a valid access token.

        Args:
            force: the last one was refused: get another.
            claims: what Graph's claims challenge asks for, as JSON.

        Raises:
            PersonNeeded: the credentials, the tenant or the application's registration must be put right.
            Transient: the sign-in is unavailable, and the last token has run out.
        """
        with self._lock:
            try:
                answer = self._unless_quiet(force=force, claims=claims)
            except Transient:
                # msal reports an outage even while a token that it merely wanted to renew is valid.
                if not force and claims is None and self._last and time.monotonic() < self._valid_until:
                    return self._last
                raise
            token = answer.get("access_token")
            if not isinstance(token, str) or not token:
                raise sign_in_refusal(
                    answer, client_id=self._credentials.client_id, tenant_id=self._credentials.tenant_id
                )
            self._last = token
            self._valid_until = time.monotonic() + float(answer.get("expires_in") or 0) - _MARGIN
            return token

    def _unless_quiet(self, *, force: bool, claims: str | None) -> dict[str, Any]:
        # After an outage all threads leave the service alone for as long as it asked.
        if self._outage is not None and time.monotonic() < self._quiet_until:
            raise self._outage
        try:
            return self._acquire(force=force, claims=claims)
        except Transient as error:
            self._outage = error
            self._quiet_until = time.monotonic() + (_QUIET if error.retry_after is None else error.retry_after)
            raise

    def _acquire(self, *, force: bool, claims: str | None) -> dict[str, Any]:
        import msal

        try:
            application = self._connected()
            if force:
                application.remove_tokens_for_client()
            answer = application.acquire_token_for_client([self._scope], claims_challenge=claims)
        # The causes may hold bodies with secrets or names: only their kind is told.
        except msal.exceptions.MsalServiceError:
            raise Transient("Microsoft's sign-in is unavailable.", reason="SignInUnavailable") from None
        except _Unavailable as error:
            raise Transient(
                f"Microsoft's sign-in is unavailable (HTTP {error.status}).",
                reason="SignInUnavailable",
                retry_after=error.retry_after,
            ) from None
        except requests.exceptions.SSLError:
            raise Transient(
                "The certificate of Microsoft's sign-in isn't trusted: "
                "if a proxy inspects HTTPS, set collector.caBundle.",
                reason="TlsFailed",
            ) from None
        except requests.RequestException as error:
            raise Transient(
                f"Microsoft's sign-in can't be reached ({type(error).__name__}).", reason="SignInUnreachable"
            ) from None
        return dict(answer or {})

    def _connected(self) -> msal.ConfidentialClientApplication:
        if self._application is None:
            self._application = self._connect()
        return self._application

    def _connect(self) -> msal.ConfidentialClientApplication:
        import msal

        credentials = self._credentials
        if credentials.certificate is not None:
            credential: object = {
                "private_key": credentials.certificate.key,
                "public_certificate": credentials.certificate.pem,
            }
        elif credentials.secret:
            credential = credentials.secret
        else:
            raise PersonNeeded(
                "The credentials Secret has neither clientSecret nor tls.crt and tls.key: add one of them.",
                reason="CredentialsMissing",
            )
        try:
            return msal.ConfidentialClientApplication(
                credentials.client_id,
                client_credential=credential,
                authority=f"{self._endpoints.authority}/{credentials.tenant_id}",
                http_client=self._http,
                instance_discovery=None if self._endpoints.known_authority else False,
            )
        except (ValueError, TypeError):
            if self._http.discovered is False:
                raise PersonNeeded(
                    f"Microsoft knows no tenant {credentials.tenant_id}: check account.tenantId.",
                    reason="TenantNotFound",
                ) from None
            raise PersonNeeded(
                "The certificate of the credentials Secret can't be read: tls.crt and tls.key must be PEM.",
                reason="CertificateInvalid",
            ) from None


class _Unavailable(Exception):
    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


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
        answer = self._session.get(url, timeout=self._timeout, allow_redirects=False, **_known(options))
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _unavailable(answer)
        self.discovered = answer.ok
        return answer

    def post(self, url: str, **options: Any) -> requests.Response:
        answer = self._session.post(url, timeout=self._timeout, allow_redirects=False, **_known(options))
        # Raised here, before msal: it would remember the answer and repeat it without asking again.
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _unavailable(answer)
        return answer

    def close(self) -> None:
        self._session.close()


def _known(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("params", "data", "headers") if name in options}


def _unavailable(answer: requests.Response) -> _Unavailable:
    after = answer.headers.get("Retry-After", "")
    return _Unavailable(answer.status_code, min(float(after), 3600.0) if after.isascii() and after.isdigit() else None)
