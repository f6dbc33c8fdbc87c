"""What the sign-in's refusals mean, for applications and for people who connected their account. Pure.

Source: Microsoft Entra authentication error codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bannette.errors import PersonNeeded, Transient

_NUMBER = re.compile(r"AADSTS(\d+)")
_WORD = re.compile(r"[a-z_]{1,40}")

_TRANSIENT = frozenset({90033, 90006, 90012, 90024, 90055, 90090, 50033, 70012, 50196})
_TRANSIENT_WORDS = frozenset({"temporarily_unavailable", "server_error"})
_ASK_WORDS = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})

# number -> reason, what happened: the person must sign in again.
_LOST: Mapping[int, tuple[str, str]] = {
    700082: ("ConnectionExpired", "it wasn't used for too long"),
    70008: ("ConnectionExpired", "it has expired"),
    70000: ("ConnectionLost", "it is no longer valid"),
    50173: ("ConnectionRevoked", "it was revoked"),
    50133: ("PasswordChanged", "the account's password was changed"),
    70043: ("SignInFrequency", "a policy of the tenant ends sign-ins after a while; use account.application there"),
    53003: ("ConditionalAccess", "a policy of the tenant (Conditional Access) doesn't allow it"),
    530032: ("ConditionalAccess", "a policy of the tenant (Conditional Access) doesn't allow it"),
    50034: ("AccountGone", "the account no longer exists"),
    50057: ("AccountDisabled", "the account is disabled"),
    50076: ("SecondFactorNeeded", "Microsoft wants a second factor"),
    50079: ("SecondFactorNeeded", "Microsoft wants a second factor to be set up"),
    50078: ("SecondFactorNeeded", "Microsoft wants the second factor again"),
    50158: ("SecondFactorNeeded", "another service must confirm the person"),
    65001: ("ConsentWithdrawn", "the consent was withdrawn"),
    65004: ("ConsentDeclined", "the consent was declined"),
    70017: ("ConsentDeclined", "the sign-in was declined"),
    70018: ("SignInExpired", "the code isn't known"),
    70019: ("SignInExpired", "nobody signed in while the code was valid"),
}
# What a word means without a number that is known.
_LOST_WORDS = {
    **dict.fromkeys(_ASK_WORDS, 70000),
    "access_denied": 65004,
    "authorization_declined": 70017,
    "expired_token": 70019,
}
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
    900941: ("AdminConsentNeeded", "an administrator of the tenant must consent to the application"),
    70011: ("ScopeInvalid", "check the application's permissions for Microsoft Graph"),
}
LOOPBACK: Final = "http://localhost"
_PLATFORM = "register the redirect URI {redirect_uri} under Mobile and desktop applications"
# Where people sign in, the same numbers tell of another mistake.
_REGISTRATION: Mapping[int, tuple[str, str]] = {
    7000218: ("WrongPlatform", f'{_PLATFORM}, set "Allow public client flows" to Yes, or name a credentialsSecret'),
    9002327: ("WrongPlatform", f"{_PLATFORM}, not under Single-page application"),
    700084: ("WrongPlatform", f"{_PLATFORM}, not under Single-page application, and connect the account again"),
    50194: ("TenantNeeded", "let the application take accounts in any directory, and personal ones"),
}
_ATTENTION: Mapping[str, str] = {
    "invalid_client": "check clientSecret, or tls.crt and tls.key, in the credentials Secret",
    "unauthorized_client": "check account.clientId and that the application is enabled in the tenant",
}
_SETTINGS = "check the account settings of the channel and the application's registration"


def application_refusal(answer: Mapping[str, object], *, client_id: str, tenant_id: str) -> PersonNeeded | Transient:
    """Return the error that an *answer* to an application stands for; its description is never repeated."""
    word, number, label = _signals(answer)
    if _passes(word, number):
        return _unavailable(label)
    reason, advice = _CONFIGURATION.get(number, ("", ""))
    if not reason and (word in _ASK_WORDS or number in _LOST):
        return PersonNeeded(
            f"Microsoft wants the account to sign in again ({label}): connect it once more.", reason="ConnectionLost"
        )
    return PersonNeeded(
        f"Microsoft refuses application {client_id} in tenant {tenant_id} ({label}): "
        f"{advice or _ATTENTION.get(word, _SETTINGS)}.",
        reason=reason or "SignInFailed",
    )


def connection_refusal(
    answer: Mapping[str, object], *, client_id: str, advice: str, redirect_uri: str = LOOPBACK
) -> PersonNeeded | Transient:
    """Return the error that an *answer* to somebody who connects, or connected, an account stands for.

    Args:
        advice: what to do to connect the account again, as an order.
        redirect_uri: where the sign-in's page sends people back.
    """
    word, number, label = _signals(answer)
    if _passes(word, number):
        return _unavailable(label)
    reason, cure = _REGISTRATION.get(number) or _CONFIGURATION.get(number) or ("", "")
    if reason:
        cure = cure.replace("{redirect_uri}", redirect_uri)
        return PersonNeeded(f"Microsoft refuses application {client_id} ({label}): {cure}.", reason=reason)
    lost = _LOST.get(number) or _LOST.get(_LOST_WORDS.get(word, 0))
    if lost is not None:
        reason, happened = lost
        return PersonNeeded(
            f"The account isn't connected ({label}): {happened}. To connect it again, {advice}.", reason=reason
        )
    return PersonNeeded(
        f"Microsoft refuses application {client_id} ({label}): {_ATTENTION.get(word, _SETTINGS)}.",
        reason="SignInFailed",
    )


def _passes(word: str, number: int) -> bool:
    return word in _TRANSIENT_WORDS or number in _TRANSIENT


def _unavailable(label: str) -> Transient:
    return Transient(f"Microsoft's sign-in is unavailable ({label}).", reason="SignInUnavailable")


def _signals(answer: Mapping[str, object]) -> tuple[str, int, str]:
    """Return the error's word, its number (0 without one), and how to call it."""
    told = str(answer.get("error") or "")
    word = told if _WORD.fullmatch(told) else "unknown_error"
    number = _aadsts(answer)
    return word, number, f"AADSTS{number}" if number else word


def _aadsts(answer: Mapping[str, object]) -> int:
    numbers = answer.get("error_codes")
    if isinstance(numbers, list) and numbers and isinstance(numbers[0], int):
        return numbers[0]
    found = _NUMBER.search(str(answer.get("error_description") or ""))
    return int(found[1]) if found else 0
