"""Tokens for Microsoft Graph: an application that signs in as itself."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.authority import Answer, Authority, Certificate, client_credential
from bannette.onedrive.endpoints import Endpoints
from bannette.onedrive.sign_in_refusals import application_refusal

if TYPE_CHECKING:
    import msal

_MARGIN = 30


class Tokens(Protocol):
    """Whatever gives access tokens."""

    def token(self, *, force: bool = False, claims: str | None = None) -> str:
        """Return a valid access token; *force*: not one that was given before."""


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
        self._credentials = credentials
        self._scope = f"{endpoints.graph}/.default"
        self._authority = Authority(
            endpoints, tenant=credentials.tenant_id, make=self._make, refused=self._undiscovered, timeout=timeout
        )
        self._lock = threading.Lock()
        self._last = ""
        self._valid_until = 0.0

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
                answer = self._authority.ask(
                    lambda application: self._acquire(application, force=force, claims=claims), self._refusal
                )
            except Transient:
                # An outage shows even while a token that msal merely wants to renew is valid.
                if not force and claims is None and self._last and time.monotonic() < self._valid_until:
                    return self._last
                raise
            token = answer.get("access_token")
            if not isinstance(token, str) or not token:
                raise self._refusal(answer)
            self._last = token
            self._valid_until = time.monotonic() + float(answer.get("expires_in") or 0) - _MARGIN
            return token

    def _acquire(
        self, application: msal.ConfidentialClientApplication, *, force: bool, claims: str | None
    ) -> dict[str, Any] | None:
        if force:
            application.remove_tokens_for_client()
        found: dict[str, Any] | None = application.acquire_token_for_client([self._scope], claims_challenge=claims)
        return found

    def _refusal(self, answer: Answer) -> PersonNeeded | Transient:
        return application_refusal(answer, client_id=self._credentials.client_id, tenant_id=self._credentials.tenant_id)

    def _make(self, common: dict[str, Any]) -> msal.ConfidentialClientApplication:
        import msal

        credential = client_credential(self._credentials.secret, self._credentials.certificate)
        if credential is None:
            raise PersonNeeded(
                "The credentials Secret has neither clientSecret nor tls.crt and tls.key: add one of them.",
                reason="CredentialsMissing",
            )
        return msal.ConfidentialClientApplication(self._credentials.client_id, client_credential=credential, **common)

    def _undiscovered(self, found: bool) -> PersonNeeded:
        if not found:
            return PersonNeeded(
                f"Microsoft knows no tenant {self._credentials.tenant_id}: check account.tenantId.",
                reason="TenantNotFound",
            )
        return unreadable_certificate()


def unreadable_certificate() -> PersonNeeded:
    """Return the error for a certificate or key that isn't PEM."""
    return PersonNeeded(
        "The certificate of the credentials Secret can't be read: tls.crt and tls.key must be PEM.",
        reason="CertificateInvalid",
    )
