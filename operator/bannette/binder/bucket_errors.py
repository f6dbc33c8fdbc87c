"""What the errors of object stores mean to the caller."""

from __future__ import annotations

import re
from typing import Final

from obstore.exceptions import BaseError, NotSupportedError, PermissionDeniedError, UnauthenticatedError

from bannette.binder.store_errors import access_denied, refuses_size, store_full, unavailable
from bannette.errors import BannetteError, PersonNeeded, Transient

FAILURES: Final = (BaseError, OSError, NotImplementedError)

# obstore tells most failures apart only in the text of its errors.
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_KIND = re.compile(r"^\s*kind: (\w+),$", re.MULTILINE)
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w+)")
_NO_OBJECT = {"NoSuchKey", "BlobNotFound", "NoSuchUpload", "NotFound", None}
_FULL = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "AccountQuotaExceeded"}
_MISDIRECTED = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_CREDENTIALS_OVER = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
# Where a cloud's machines are told who they are.
_IDENTITY = re.compile(r"/latest/api/token|/latest/meta-data/|/computeMetadata/|/metadata/identity/")
_BROKEN = {"Connect": "no connection", "Request": "the connection broke", "Timeout": "no answer in time"}


def is_of_no_object(error: FileNotFoundError) -> bool:
    """Whether *error* says that the bucket is there, and has no such object."""
    text, _ = _said(error)
    return _code(text) in _NO_OBJECT and "bucket does not exist" not in text


def is_conflict(error: BaseError) -> bool:
    """Whether *error* says that others were writing the object at that moment: it may or may not be there."""
    text, _ = _said(error)
    return _status(text) == 409


def meaning_of(error: Exception, *, creating: bool = False) -> BannetteError:
    """Return what *error* means; *creating*: it is of a put that asked for the object's absence."""
    text, details = _said(error)
    status, code = _status(text), _code(text)
    said = " ".join(str(part) for part in (status, code) if part) or type(error).__name__
    broken = _BROKEN.get(kind[1], "the connection broke") if (kind := _KIND.search(details)) else None
    if _IDENTITY.search(text):
        return _no_identity(said if status else broken or said, refused=status is not None and status < 500)
    if creating and (
        isinstance(error, NotSupportedError | NotImplementedError) or status == 501 or code == "NotImplemented"
    ):
        return PersonNeeded(
            f"The binder's store can't put an object only if it is absent ({said}), so a document could be collected "
            "twice: use another store.",
            reason="NoConditionalPut",
        )
    if status == 404 or isinstance(error, FileNotFoundError):
        return PersonNeeded(
            f"The bucket or container of the binder isn't there ({said}): create it, or correct its name, endpoint and "
            "region in spec.storage of a new Binder.",
            reason="StoreNotFound",
        )
    if status == 507 or code in _FULL:
        return store_full(said)
    if code == "EntityTooLarge":
        return refuses_size(said)
    if code in _MISDIRECTED or "incorrectly configured region" in text:
        return PersonNeeded(
            f"The binder's bucket is in another region than its spec.storage says ({said}): make a Binder that names "
            "the right region or endpoint.",
            reason="StoreMisconfigured",
        )
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in (401, 403)
    if refused or code in _CREDENTIALS_OVER:
        return access_denied(said)
    if (certificate := _CERTIFICATE.search(details)) is not None:
        return PersonNeeded(
            f"The certificate of the binder's store can't be trusted here ({certificate[1]}): correct the endpoint, or "
            "name the bundle of a private authority in spec.collector.caBundle, or in SSL_CERT_FILE.",
            reason="StoreUntrusted",
        )
    return unavailable(broken if status is None and broken else said)


def _no_identity(cause: str, *, refused: bool) -> BannetteError:
    message = (
        f"The binder's storage names no credentialsSecret, and this machine has no identity of its own ({cause}): name "
        "a Secret, or give the machine, the pod's ServiceAccount or the environment credentials for the bucket."
    )
    if refused:
        return PersonNeeded(message, reason="StoreCredentialsMissing")
    return Transient(message, reason="StoreCredentialsMissing")


def _said(error: Exception) -> tuple[str, str]:
    """What the store said, and what the client says of it."""
    text, _, details = str(error).partition("\n\nDebug source:")
    return text, details


def _status(text: str) -> int | None:
    found = _STATUS.search(text)
    return int(found[1]) if found else None


def _code(text: str) -> str | None:
    found = _CODE.search(text)
    return found[1] if found else None
