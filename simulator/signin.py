"""Microsoft's token endpoint: which credentials it takes, what it answers. No HTTP here.

Sources: Microsoft identity platform, OAuth 2.0 code flow, client credentials flow, refresh tokens, error codes;
msal 1.39, what it sends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jwt

from simulator.accounts import CONSUMERS, Application, Grant, Person, Platform

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DEVICE_SECONDS = 900
_REFRESH_SECONDS = 90 * 86400


class SignInError(Exception):
    """A refusal, as the token endpoint words it."""

    def __init__(self, error: str, number: int, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.status = status

    def to_dict(self) -> dict[str, object]:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
        code = [self.number] if self.number else []
        prefix = f"AADSTS{self.number}: " if self.number else ""
        return {
            "error": self.error,
            "error_description": f"{prefix}{self} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": code,
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that waits to be redeemed."""

    client_id: str
    person: Person
    scope: str
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    expires: float


@dataclass(slots=True)
class DeviceCode:
    """A device code: pending until somebody approves or declines it."""

    client_id: str
    scope: str
    expires: float
    person: Person | None = None
    declined: bool = False


class SignIn:
    """Tokens: given, refreshed, revoked."""

    def __init__(
        self,
        *,
        tenant_id: str,
        applications: dict[str, Application],
        people: dict[str, Person],
        now: Callable[[], float],
    ) -> None:
        self.tenant_id = tenant_id
        self.applications = applications
        self.people = people
        self.token_seconds = 3599
        self.refresh_seconds = 0
        self.bare_scopes = False
        self._now = now
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}
        self._devices: dict[str, DeviceCode] = {}
        self.issued: set[str] = set()
        """Whatever was given that nobody else may see: tokens and codes."""
        self._key = secrets.token_urlsafe(32)

    def known_tenant(self, tenant: str) -> bool:
        return tenant.lower() in {"common", "organizations", "consumers", self.tenant_id, CONSUMERS}

    def grant_of(self, access_token: str) -> Grant | None:
        """Return what this access token allows; None for an unknown or an expired one."""
        grant = self._access.get(access_token)
        return grant if grant is not None and grant.expires > self._now() else None

    def expire_access_tokens(self) -> None:
        self._access.clear()

    def revoke_refresh_tokens(self) -> None:
        self._refresh.clear()

    def token(self, tenant: str, form: Mapping[str, str], *, endpoint: str, origin: str) -> dict[str, object]:
        """Answer a POST to the token endpoint *endpoint*; *origin*: the Origin header, if any.

        Raises:
            SignInError: the answer is a refusal.
        """
        if not self.known_tenant(tenant):
            raise SignInError("invalid_request", 90002, f"Tenant '{tenant}' not found.")
        application = self.applications.get(form.get("client_id", ""))
        if application is None:
            raise SignInError("unauthorized_client", 700016, "Application was not found in the directory.")
        match form.get("grant_type"):
            case "client_credentials":
                return self._client_credentials(tenant, application, form, endpoint)
            case "refresh_token":
                return self._refreshed(application, form, endpoint)
            case "authorization_code":
                return self._redeemed(application, form, endpoint, origin)
            case "device_code" | "urn:ietf:params:oauth:grant-type:device_code":
                return self._polled(application, form)
            case other:
                raise SignInError("unsupported_grant_type", 70003, f"The grant type '{other}' isn't supported.")

    def issue(
        self,
        application: Application,
        person: Person,
        scope: str,
        *,
        nonce: str | None = None,
        confidential: bool = False,
    ) -> dict[str, object]:
        """Give the tokens that a person's sign-in gives; a *confidential* client refreshes with its credential only."""
        expires = self._now() + self.token_seconds
        grant = Grant(application.client_id, person, scope, expires, confidential=confidential)
        words = scope.split()
        answer = self._access_token(grant)
        # Lookups in msal's cache need the scopes in the form in which they were asked for.
        named = [word.rpartition("/")[2] if self.bare_scopes else word for word in words if word != "offline_access"]
        answer["scope"] = " ".join(named)
        if "offline_access" in words:
            refresh = f"1.{secrets.token_urlsafe(64)}"
            self._refresh[refresh] = replace(grant, expires=self._now() + _REFRESH_SECONDS)
            answer["refresh_token"] = refresh
            self.issued.add(refresh)
        if "openid" in words:
            answer["id_token"] = id_token = self._id_token(application, person, nonce)
            self.issued.add(id_token)
        uid = {"uid": person.oid, "utid": person.tenant_id}
        answer["client_info"] = base64.urlsafe_b64encode(json.dumps(uid).encode()).decode().rstrip("=")
        return answer

    def give_code(self, code: Code) -> str:
        """Return an authorization code for the redirect."""
        value = f"1.{secrets.token_urlsafe(48)}"
        self._codes[value] = code
        self.issued.add(value)
        return value

    def give_device_code(self, application: Application, scope: str, *, page: str, interval: int) -> dict[str, object]:
        user_code, device_code = secrets.token_hex(4).upper(), secrets.token_urlsafe(48)
        self._devices[device_code] = DeviceCode(application.client_id, scope, self._now() + _DEVICE_SECONDS)
        return {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": _DEVICE_SECONDS,
            "interval": interval,
            "message": f"To sign in, open {page} and enter the code {user_code}.",
        }

    def answer_devices(self, person: Person | None) -> int:
        """Let *person* approve all device codes that wait, or decline them all with None; return how many."""
        waiting = [device for device in self._devices.values() if device.person is None and not device.declined]
        for device in waiting:
            device.person, device.declined = person, person is None
        return len(waiting)

    def _client_credentials(
        self, tenant: str, application: Application, form: Mapping[str, str], endpoint: str
    ) -> dict[str, object]:
        if tenant.lower() in {"common", "organizations", "consumers"}:
            raise SignInError("invalid_request", 9001023, "Client credentials need the tenant's own endpoint.")
        self._authenticate(application, form, endpoint)
        scope = form.get("scope", "")
        if not scope.split(" ")[0].endswith("/.default"):
            raise SignInError("invalid_scope", 70011, f"The scope '{scope}' isn't valid: it must end with /.default.")
        grant = Grant(application.client_id, None, scope, self._now() + self.token_seconds)
        return self._access_token(grant)

    def _refreshed(self, application: Application, form: Mapping[str, str], endpoint: str) -> dict[str, object]:
        grant = self._refresh.get(form.get("refresh_token", ""))
        if _has_credentials(form) or (grant is not None and grant.confidential):
            self._authenticate(application, form, endpoint)
        if grant is None or grant.client_id != application.client_id or grant.person is None:
            raise SignInError("invalid_grant", 70000, "The provided value for 'refresh_token' isn't valid.")
        if grant.expires <= self._now():
            raise SignInError("invalid_grant", 700082, "The refresh token has expired due to inactivity.")
        # Rotation doesn't revoke the old token: a crash before the new one is stored can be survived.
        scope = form.get("scope") or grant.scope
        return self.issue(application, grant.person, scope, confidential=grant.confidential)

    def _redeemed(
        self, application: Application, form: Mapping[str, str], endpoint: str, origin: str
    ) -> dict[str, object]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None:
            raise SignInError("invalid_grant", 54005, "OAuth2 authorization code was already redeemed or is unknown.")
        if code.expires <= self._now():
            raise SignInError("invalid_grant", 70008, "The authorization code has expired.")
        if code.client_id != application.client_id or code.redirect_uri != form.get("redirect_uri"):
            raise SignInError("invalid_grant", 500112, "The redirect URI isn't that of the authorization request.")
        platform = application.platform_of(code.redirect_uri)
        match platform:
            case Platform.PUBLIC:
                if _has_credentials(form):
                    raise SignInError(
                        "invalid_client", 700025, "Client is public, so no credential may be sent.", status=401
                    )
            case Platform.SPA if not origin:
                raise SignInError("invalid_request", 9002327, "A single-page application redeems from a browser only.")
            case Platform.WEB:
                self._authenticate(application, form, endpoint)
            case _:
                pass
        if code.challenge is not None and not _verifies(form.get("code_verifier", ""), code.challenge):
            raise SignInError("invalid_grant", 501481, "The Code_Verifier doesn't match the code_challenge.")
        confidential = platform is Platform.WEB
        return self.issue(application, code.person, code.scope, nonce=code.nonce, confidential=confidential)

    def _polled(self, application: Application, form: Mapping[str, str]) -> dict[str, object]:
        device = self._devices.get(form.get("device_code", ""))
        if device is None or device.client_id != application.client_id:
            raise SignInError("invalid_grant", 70018, "The device code is unknown.")
        if device.expires <= self._now():
            raise SignInError("expired_token", 70019, "The device code has expired.")
        if device.declined:
            raise SignInError("authorization_declined", 70017, "The person declined.")
        if device.person is None:
            raise SignInError("authorization_pending", 70016, "The person hasn't signed in yet.")
        return self.issue(application, device.person, device.scope)

    def _authenticate(self, application: Application, form: Mapping[str, str], endpoint: str) -> None:
        if form.get("client_assertion_type") == _ASSERTION_TYPE:
            self._check_assertion(application, form.get("client_assertion", ""), endpoint)
            return
        secret = form.get("client_secret")
        if secret is None:
            raise SignInError(
                "invalid_client", 7000218, "The body must hold 'client_assertion' or 'client_secret'.", status=401
            )
        if not any(hmac.compare_digest(secret.encode(), known.encode()) for known in application.secrets):
            raise SignInError("invalid_client", 7000215, "Invalid client secret provided.", status=401)

    def _check_assertion(self, application: Application, assertion: str, endpoint: str) -> None:
        def refuse(number: int, text: str) -> SignInError:
            return SignInError("invalid_client", number, text, status=401)

        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError as error:
            raise refuse(50027, "The client assertion isn't a valid JWT.") from error
        if header.get("alg") != "PS256":
            raise refuse(700027, "Client assertion failed signature validation: PS256 with x5t#S256 is expected.")
        # msal pads the thumbprint, against RFC 7515; Microsoft takes both.
        key = application.certificates.get(str(header.get("x5t#S256", "")).rstrip("="))
        if key is None:
            raise refuse(700027, "The certificate with this identifier isn't registered on the application.")
        try:
            claims = jwt.decode(
                assertion,
                key,
                algorithms=["PS256"],
                audience=endpoint,
                options={"require": ["exp", "aud", "iss", "sub", "jti"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise refuse(700024, "Client assertion isn't within its valid time range.") from error
        except jwt.InvalidAudienceError as error:
            raise refuse(700023, "Client assertion audience claim doesn't match the token endpoint.") from error
        except jwt.InvalidTokenError as error:
            raise refuse(700027, "Client assertion failed signature validation.") from error
        if claims["iss"] != application.client_id or claims["sub"] != application.client_id:
            raise refuse(700021, "Client assertion application identifier doesn't match 'client_id'.")

    def _access_token(self, grant: Grant) -> dict[str, object]:
        # Opaque on purpose: Graph's tokens are no business of the client, and those of personal accounts are no JWTs.
        token = f"EwB{secrets.token_urlsafe(96)}"
        self._access[token] = grant
        self.issued.add(token)
        return {
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "ext_expires_in": self.token_seconds,
            "access_token": token,
            **({"refresh_in": self.refresh_seconds} if self.refresh_seconds else {}),
        }

    def _id_token(self, application: Application, person: Person, nonce: str | None) -> str:
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": f"https://login.microsoftonline.com/{person.tenant_id}/v2.0",
            "aud": application.client_id,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "oid": person.oid,
            "sub": hashlib.sha256(f"{person.oid}{application.client_id}".encode()).hexdigest(),
            "tid": person.tenant_id,
            "name": person.name,
            "preferred_username": person.upn,
            "ver": "2.0",
        }
        if nonce:
            claims["nonce"] = nonce
        return jwt.encode(claims, self._key, algorithm="HS256")


def _has_credentials(form: Mapping[str, str]) -> bool:
    return "client_secret" in form or "client_assertion" in form


def _verifies(verifier: str, challenge: str) -> bool:
    expected = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(expected, challenge)
