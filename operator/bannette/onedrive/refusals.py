"""What Graph's and the sign-in's refusals mean. Pure.

Sources: Microsoft Graph error responses; Microsoft Entra authentication error codes.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping

from bannette.errors import BannetteError, ItemDeferred, ItemRejected, PersonNeeded, Transient
from bannette.onedrive.errors import ItemGone, Refused

_CLAIMS = re.compile(r'claims="([^"]+)"')
_NUMBER = re.compile(r"AADSTS(\d+)")
_MALWARE = frozenset({"malwaredetected", "virussuspicious"})

# The person must sign in again: their grant ended, or a policy wants to see them.
_ASK_AGAIN = frozenset(
    {
        700082,
        70008,
        70000,
        50173,
        50133,
        70043,
        700084,
        53003,
        530032,
        50034,
        50057,
        50076,
        50079,
        50078,
        50158,
        65001,
        65004,
    }
)
_TRANSIENT = frozenset({90033, 90006, 90012, 90024, 90055, 90090, 50033, 70012, 50196})
_TRANSIENT_WORDS = frozenset({"temporarily_unavailable", "server_error"})
_ASK_WORDS = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
_HOLDER = "the credentials Secret"
_CLIENT = "check account.clientId, and that the application is known in the tenant"
_CERTIFICATE = f"the keys tls.crt and tls.key of {_HOLDER}"
# number -> reason, what to do
_CONFIGURATION: Mapping[int, tuple[str, str]] = {
    7000215: ("ClientSecretInvalid", f"put a valid client secret under the key clientSecret of {_HOLDER}"),
    7000222: ("ClientSecretExpired", f"make a new client secret and put it under the key clientSecret of {_HOLDER}"),
    7000218: ("CredentialsMissing", f"put clientSecret, or tls.crt and tls.key, into {_HOLDER}"),
    700025: ("CredentialsNotAllowed", "the application is a public client: leave credentialsSecret out"),
    700027: ("CertificateInvalid", f"register the certificate at the application, or correct {_CERTIFICATE}"),
    700024: ("CertificateInvalid", f"check the clock of the machine, then {_CERTIFICATE}"),
    700016: ("ApplicationNotFound", _CLIENT),
    700011: ("ApplicationNotFound", _CLIENT),
    7000112: ("ApplicationDisabled", "enable the application in the tenant"),
    90002: ("TenantNotFound", "check account.tenantId"),
    50194: ("TenantNeeded", "the application belongs to one tenant: name that tenant in account.tenantId"),
    9001023: ("TenantNeeded", "name the tenant's own id in account.tenantId"),
    9002332: ("WrongKindOfAccount", "the application doesn't allow personal accounts"),
    50020: ("WrongKindOfAccount", "the account isn't of this tenant"),
    500208: ("WrongKindOfAccount", "the account isn't of a kind that the application allows"),
    50105: ("UserNotAssigned", "assign the user to the application in the tenant"),
    90094: ("AdminConsentNeeded", "an administrator of the tenant must consent to the application"),
    70011: ("ScopeInvalid", "check the application's permissions for Microsoft Graph"),
}


def sign_in_refusal(answer: Mapping[str, object], *, client_id: str, tenant_id: str) -> PersonNeeded | Transient:
    """Return the error that the token endpoint's *answer* stands for; its description is never repeated."""
    word = str(answer.get("error") or "unknown_error")
    number = _aadsts(answer)
    label = f"AADSTS{number}" if number else word
    if word in _TRANSIENT_WORDS or number in _TRANSIENT:
        return Transient(f"Microsoft's sign-in is unavailable ({label}).", reason="SignInUnavailable")
    known = _CONFIGURATION.get(number or 0)
    if known is not None:
        reason, advice = known
        return PersonNeeded(
            f"Microsoft refuses application {client_id} in tenant {tenant_id} ({label}): {advice}.", reason=reason
        )
    if word in _ASK_WORDS or number in _ASK_AGAIN:
        return PersonNeeded(
            f"Microsoft wants the account to sign in again ({label}): connect it once more.", reason="ConnectionLost"
        )
    if word == "invalid_client":
        advice = "check clientSecret, or tls.crt and tls.key, in the credentials Secret"
    elif word == "unauthorized_client":
        advice = "check account.clientId and that the application is enabled in the tenant"
    else:
        advice = "check the account settings of the channel and the application's registration"
    return PersonNeeded(
        f"Microsoft refuses application {client_id} in tenant {tenant_id} ({label}): {advice}.", reason="SignInFailed"
    )


def error_codes(body: object) -> tuple[str, ...]:
    """Return the codes in Graph's error *body*, the innermost and most specific first; its texts are left out."""
    codes: list[str] = []
    error = body.get("error") if isinstance(body, Mapping) else None
    while isinstance(error, Mapping):
        code = error.get("code")
        if isinstance(code, str) and code:
            codes.append(code)
        error = error.get("innerError") or error.get("innererror")
    return tuple(reversed(codes))


def refused(status: int, headers: Mapping[str, str], body: object) -> Refused:
    """Return the refusal that an answer of Graph, or of a content host, is."""
    codes = error_codes(body)
    malware = "X-Virus-Infected" in headers or any(code.casefold() in _MALWARE for code in codes)
    trace = headers.get("request-id") or headers.get("SPRequestGuid") or ""
    return Refused(status=status, codes=codes, malware=malware, request_id=trace)


def claims_challenge(headers: Mapping[str, str]) -> str | None:
    """Return the claims, as JSON, that a token must have to be accepted; None if the answer asks for none."""
    challenge = headers.get("WWW-Authenticate", "")
    found = _CLAIMS.search(challenge)
    if "insufficient_claims" not in challenge or found is None:
        return None
    encoded = found[1].replace("-", "+").replace("_", "/")
    try:
        claims = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        json.loads(claims)
    except (binascii.Error, ValueError):
        return None
    return claims


def about_item(refusal: Refused) -> BannetteError:
    """Return what a refusal that concerns one item means for it."""
    if refusal.malware:
        return ItemRejected("OneDrive says that the item is infected.", reason="Malware")
    match refusal.status:
        case 404 | 410:
            return ItemGone()
        case 423:
            return ItemDeferred("The item is locked.", reason="Locked")
        case 401 | 403:
            return ItemDeferred("OneDrive refuses access to the item.", reason="AccessDenied")
        case status:
            return ItemDeferred(f"OneDrive refuses to serve the item (HTTP {status}).", reason="DownloadRefused")


def about_drive(refusal: Refused) -> BannetteError:
    """Return what a refusal that concerns the whole drive means for the run."""
    text = " ".join(refusal.codes).casefold()
    detail = f"{refusal.status} {refusal.codes[0] if refusal.codes else 'no code'}"
    if refusal.status == 423 or "lock" in text:
        return PersonNeeded(
            f"The drive is locked ({detail}): an administrator of the tenant must unlock it.", reason="DriveLocked"
        )
    match refusal.status:
        case 401 | 403:
            return PersonNeeded(
                f"Microsoft Graph refuses access to the drive ({detail}): let the application read files.",
                reason="AccessDenied",
            )
        case 400 | 404 | 410:
            return PersonNeeded(
                f"The account has no OneDrive, or the drive doesn't exist ({detail}): check account.user and drive.",
                reason="DriveNotFound",
            )
        case _:
            return Transient(f"Microsoft Graph gave an unexpected answer ({detail}).", reason="UnexpectedAnswer")


def _aadsts(answer: Mapping[str, object]) -> int | None:
    numbers = answer.get("error_codes")
    if isinstance(numbers, list) and numbers and isinstance(numbers[0], int):
        return numbers[0]
    found = _NUMBER.search(str(answer.get("error_description") or ""))
    return int(found[1]) if found else None
