"""Tokens for Microsoft Graph: the account of a person who connected it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.authority import Answer, Authority, client_credential
from bannette.onedrive.connection import Client, Connection, TokenStore, files_scope, pinned_account
from bannette.onedrive.endpoints import Endpoints
from bannette.onedrive.sign_in_refusals import connection_refusal
from bannette.onedrive.signin import unreadable_certificate

if TYPE_CHECKING:
    import msal

# All accounts, for work, school and home.
_TENANT: Final = "common"
# Seconds before its end from which a token is renewed, and from which it isn't used any more.
_EARLY: Final = 300.0
_MARGIN: Final = 30.0
# Between attempts to renew a token that lasts a while yet.
_PAUSE: Final = 15.0
# What comes of tokens that aren't msal's: whoever may edit Secrets may have written them.
_DAMAGED: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class _Held:
    """An access token; times in seconds since 1970."""

    token: str
    due_at: float
    expires_at: float

    @classmethod
    def lasting(cls, token: str, seconds: float, *, refresh_on: str | float | None) -> _Held:
        now = time.time()
        # A policy may make tokens shorter-lived than what msal takes for early.
        due = now + max(seconds - _EARLY, seconds / 2)
        return cls(token, min(due, float(refresh_on)) if refresh_on else due, now + seconds - _MARGIN)


class DelegatedSignIn:
    """Uses and renews a connection; safe to share between threads.

    Args:
        connection: as *store* has it.
        timeout: seconds for each answer of the sign-in.

    Raises:
        PersonNeeded: what is kept of the connection is damaged.
    """

    def __init__(
        self, endpoints: Endpoints, client: Client, store: TokenStore, connection: Connection, *, timeout: float = 30.0
    ) -> None:
        import msal

        self._client = client
        self._store = store
        self._connection = connection
        self._scope = files_scope(endpoints)
        self._cache = msal.SerializableTokenCache()
        try:
            self._account = pinned_account(connection.tokens)
            self._cache.deserialize(connection.tokens)
            self._held = self._kept()
        except _DAMAGED:
            raise PersonNeeded(
                f"What is kept of the account's connection is damaged. To connect it again, {store.advice}.",
                reason="ConnectionUnreadable",
            ) from None
        self._authority = authority_of_people(endpoints, client, self._cache, timeout=timeout)
        self._lock = threading.Lock()
        self._unsaved = False
        # Until when a sign-in or a store that was away is left alone, by the monotonic clock.
        self._again = 0.0

    def token(self, *, force: bool = False, claims: str | None = None) -> str:
        """Return a valid access token. What a refresh gave is saved before anybody sees it.

        Args:
            force: the last one was refused: get another.
            claims: what Graph's claims challenge asks for, as JSON.

        Raises:
            PersonNeeded: the person must sign in again, or the application's registration must be put right.
            Transient: the sign-in or the store is unavailable, and the last token has run out; or the account was
                connected anew.
        """
        with self._lock:
            usable = self._held if not force and claims is None else None
            if usable is not None and time.monotonic() < self._again and time.time() < usable.expires_at:
                return usable.token
            try:
                if self._unsaved:
                    self._save()
                if usable is not None and time.time() < usable.due_at:
                    return usable.token
                answer = self._authority.ask(
                    lambda application: self._acquire(application, force=force, claims=claims), self._refusal
                )
                return self._taken(answer)
            except Transient as error:
                # Another connection is in its place: that of the token is over.
                if usable is None or time.time() >= usable.expires_at or error.reason == "ConnectionReplaced":
                    raise
                self._again = time.monotonic() + _PAUSE
                return usable.token

    def _acquire(self, application: msal.ClientApplication, *, force: bool, claims: str | None) -> Any:
        return application.acquire_token_silent_with_error(
            [self._scope], self._account, force_refresh=force, claims_challenge=claims
        )

    def _taken(self, answer: Mapping[str, Any]) -> str:
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise PersonNeeded(
                f"No sign-in of application {self._client.client_id} is kept. To connect the account, "
                f"{self._store.advice}.",
                reason="NotConnected",
            )
        self._unsaved = self._unsaved or self._cache.has_state_changed
        held = _Held.lasting(token, float(answer.get("expires_in") or 0), refresh_on=answer.get("refresh_on"))
        if self._unsaved:
            self._save()
        self._held = held
        return token

    def _save(self) -> None:
        tokens = self._cache.serialize()
        self._connection = self._store.save(self._connection, tokens)
        self._unsaved = False
        if self._connection.tokens != tokens:
            # Another run refreshed later.
            self._cache.deserialize(self._connection.tokens)

    def _kept(self) -> _Held | None:
        """Return the access token that an earlier run left, if it is still valid."""
        now, found = time.time(), None
        query = {"client_id": self._client.client_id, "home_account_id": self._account["home_account_id"]}
        for entry in self._cache.search(self._cache.CredentialType.ACCESS_TOKEN, [self._scope], query):
            left = float(entry["expires_on"]) - now
            held = _Held.lasting(str(entry["secret"]), left, refresh_on=entry.get("refresh_on"))
            found = held if found is None or held.expires_at > found.expires_at else found
        return found

    def _refusal(self, answer: Answer) -> PersonNeeded | Transient:
        return connection_refusal(answer, client_id=self._client.client_id, advice=self._store.advice)


def authority_of_people(
    endpoints: Endpoints, client: Client, cache: msal.SerializableTokenCache, *, timeout: float
) -> Authority[msal.ClientApplication]:
    """Return the authority where people of all kinds sign in under *client*."""

    def make(common: dict[str, Any]) -> msal.ClientApplication:
        import msal

        if not client.confidential:
            return msal.PublicClientApplication(client.client_id, token_cache=cache, **common)
        credential = client_credential(client.secret, client.certificate)
        return msal.ConfidentialClientApplication(
            client.client_id, client_credential=credential, token_cache=cache, **common
        )

    def undiscovered(found: bool) -> PersonNeeded:
        if found and client.certificate is not None:
            return unreadable_certificate()
        return PersonNeeded(
            "Microsoft's sign-in doesn't describe itself where it is looked for: check spec.onedrive.cloud, and "
            "BANNETTE_AUTHORITY_URL if it is set.",
            reason="AuthorityNotFound",
        )

    return Authority(endpoints, tenant=_TENANT, make=make, refused=undiscovered, timeout=timeout)
