"""What Graph's refusals mean. Pure.

Source: Microsoft Graph error responses.
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
_MALWARE = frozenset({"malwaredetected", "virussuspicious"})


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
                f"The account has no OneDrive, or the drive doesn't exist ({detail}): check spec.onedrive.account and "
                "spec.onedrive.drive.",
                reason="DriveNotFound",
            )
        case _:
            return Transient(f"Microsoft Graph gave an unexpected answer ({detail}).", reason="UnexpectedAnswer")
