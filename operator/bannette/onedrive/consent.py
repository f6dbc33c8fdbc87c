"""Connecting an account: its owner signs in at Microsoft, in a browser or with a code, and lets files be read."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import urlencode

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.authority import Answer
from bannette.onedrive.connection import Client, Connection, files_scope
from bannette.onedrive.delegated import authority_of_people
from bannette.onedrive.endpoints import Endpoints
from bannette.onedrive.sign_in_refusals import LOOPBACK, connection_refusal

if TYPE_CHECKING:
    import msal

_WAITING: Final = frozenset({"authorization_pending", "slow_down"})
_CLOCK_SKEW: Final = 300


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to Microsoft's sign-in page.

    Attributes:
        url: the page. It names the account: it isn't for logs.
        flow: msal's record of it, with the secrets that bind the answer to this visit; good for one answer.
    """

    url: str = field(repr=False)
    flow: dict[str, Any] = field(repr=False)

    @property
    def state(self) -> str:
        """What the answer must hold to be this visit's."""
        return str(self.flow["state"])


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that the person enters at Microsoft's page, on any device.

    Attributes:
        expires_at: seconds since 1970.
    """

    code: str
    url: str
    expires_at: float
    flow: dict[str, Any] = field(repr=False)

    @property
    def interval(self) -> int:
        """How many seconds must lie between two questions; it may grow."""
        return int(self.flow["interval"])


class Consent:
    """Asks one person for their files. One use each.

    Args:
        login_hint: the only account that is taken.
        advice: how to begin again, as an order.
    """

    def __init__(
        self, endpoints: Endpoints, client: Client, *, login_hint: str, advice: str, timeout: float = 30.0
    ) -> None:
        import msal

        self._client = client
        self._login_hint = login_hint
        self._advice = advice
        self._redirect_uri = LOOPBACK
        self._scopes = [files_scope(endpoints)]
        self._cache = msal.SerializableTokenCache()
        self._authority = authority_of_people(endpoints, client, self._cache, timeout=timeout)

    def begin_visit(self, redirect_uri: str, *, by: Literal["form_post", "query"] = "form_post") -> Visit:
        """Return the page to open; its answer comes to *redirect_uri* by POST, or by GET in the query.

        Raises: PersonNeeded, Transient.
        """
        self._redirect_uri = redirect_uri
        flow = self._authority.ask(
            lambda application: application.initiate_auth_code_flow(
                self._scopes,
                redirect_uri=redirect_uri,
                login_hint=self._login_hint,
                prompt="select_account",
                response_mode=by,
            ),
            self._refusal,
        )
        return Visit(str(flow["auth_uri"]), flow)

    def finish_visit(self, visit: Visit, answer: Mapping[str, str]) -> Connection:
        """Return the connection that the *answer* to *visit* makes.

        Raises:
            PersonNeeded: the person declined, an administrator must consent, another account signed in, or the answer
                isn't this visit's.
            Transient: the sign-in is unavailable.
        """
        if not visit.flow:
            raise self._foreign()
        flow = dict(visit.flow)
        visit.flow.clear()
        self._redirect_uri = str(flow.get("redirect_uri") or self._redirect_uri)
        if answer.get("state") != flow["state"]:
            raise self._foreign()
        try:
            given = self._authority.ask(
                lambda application: application.acquire_token_by_auth_code_flow(flow, dict(answer)), self._refusal
            )
        except (ValueError, RuntimeError):
            # msal found that the answer, or the nonce of the id token, isn't this visit's.
            raise self._foreign() from None
        return self._connection(given)

    def begin_with_code(self) -> DeviceCode:
        """Return a code for the person to enter.

        Raises: PersonNeeded, Transient.
        """
        if self._client.confidential:
            raise PersonNeeded(
                "An application with a credentialsSecret can't use a device code: connect on a machine with a browser.",
                reason="BrowserNeeded",
            )
        flow = self._authority.ask(
            lambda application: cast("msal.PublicClientApplication", application).initiate_device_flow(self._scopes),
            self._refusal,
        )
        if not flow.get("user_code") or not flow.get("device_code"):
            raise Transient("Microsoft's sign-in gave no device code.", reason="UnexpectedAnswer")
        return DeviceCode(str(flow["user_code"]), str(flow["verification_uri"]), float(flow["expires_at"]), flow)

    def ask(self, code: DeviceCode) -> Connection | None:
        """Return the connection if the person has entered *code* and signed in; None if not yet.

        Raises:
            PersonNeeded: they declined, the code has expired, or another account signed in.
            Transient: the sign-in is unavailable now.
        """

        def once(application: msal.ClientApplication) -> dict[str, Any]:
            public = cast("msal.PublicClientApplication", application)
            answer = public.acquire_token_by_device_flow(code.flow, exit_condition=lambda _: True)
            return {} if answer.get("error") in _WAITING else dict(answer)

        given = self._authority.ask(once, self._refusal)
        return self._connection(given) if given else None

    def _connection(self, given: Mapping[str, Any]) -> Connection:
        claims = given.get("id_token_claims")
        if not isinstance(claims, dict) or not self._is_meant_for_us(claims):
            raise self._foreign()
        account = str(claims.get("preferred_username") or "")
        if account.casefold() != self._login_hint.casefold():
            raise PersonNeeded(
                "Another account signed in than the one that account.delegated.loginHint names, so nothing was kept: "
                f"{self._advice}, and choose that one.",
                reason="WrongAccount",
            )
        tokens = self._cache.serialize()
        if not given.get("refresh_token"):
            raise PersonNeeded(
                "Microsoft gave no lasting sign-in (offline_access): check the application's permissions.",
                reason="ScopeInvalid",
            )
        return Connection(str(uuid.uuid4()), account, datetime.now(UTC).replace(microsecond=0), tokens)

    def _is_meant_for_us(self, claims: Mapping[str, object]) -> bool:
        # msal leaves this to us. The token came from the authority itself by TLS: its signature adds nothing.
        expires, tenant = claims.get("exp"), str(claims.get("tid") or "")
        return (
            claims.get("aud") == self._client.client_id
            and isinstance(expires, int | float)
            and expires > time.time() - _CLOCK_SKEW
            and bool(claims.get("oid"))
            and bool(tenant)
            and tenant in str(claims.get("iss") or "")
        )

    def _foreign(self) -> PersonNeeded:
        return PersonNeeded(
            f"The answer isn't that of this sign-in, so nothing was kept: {self._advice}.", reason="SignInMismatch"
        )

    def _refusal(self, answer: Answer) -> PersonNeeded | Transient:
        return connection_refusal(
            answer, client_id=self._client.client_id, advice=self._advice, redirect_uri=self._redirect_uri
        )


def admin_consent_url(endpoints: Endpoints, client_id: str, *, redirect_uri: str = "") -> str:
    """Return the page where an administrator allows the application for everybody of a tenant.

    Args:
        redirect_uri: where they are sent then; empty: to whichever the application has registered first.
    """
    query = {"client_id": client_id} | ({"redirect_uri": redirect_uri} if redirect_uri else {})
    return f"{endpoints.authority}/organizations/adminconsent?{urlencode(query)}"
