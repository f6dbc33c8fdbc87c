"""What OneDrive can answer beyond the four errors of ``bannette.errors``."""

from __future__ import annotations

from bannette.errors import BannetteError, Transient


class CursorLost(BannetteError):
    """Graph no longer knows the cursor: the walk starts over.

    The caller looks the drive up again (``open_drive`` without a position) and walks from
    ``position.restarted()``, once; records keep anything from being collected twice. A walk that began without a
    cursor never raises this.
    """

    def __init__(self, message: str, *, reason: str = "CursorLost") -> None:
        super().__init__(message, reason=reason)


class ItemGone(BannetteError):
    """The item is no longer in the drive: nothing is left to collect."""

    def __init__(self, message: str = "The item is no longer in the drive.", *, reason: str = "Gone") -> None:
        super().__init__(message, reason=reason)


class Refused(BannetteError):
    """Graph refused one request for a reason that only the caller can weigh (a 4xx or 501).

    Attributes:
        status: HTTP status.
        codes: error codes of the answer, the most specific one first; never its text, which may name a document.
        malware: the answer says that the content is infected.
        request_id: Microsoft's id of the request, for their support.
    """

    def __init__(self, *, status: int, codes: tuple[str, ...], malware: bool = False, request_id: str = "") -> None:
        code = codes[0] if codes else "no code"
        trace = f", request-id {request_id}" if request_id else ""
        super().__init__(f"Microsoft Graph refused the request: {status} {code}{trace}.", reason="Refused")
        self.status = status
        self.codes = codes
        self.malware = malware
        self.request_id = request_id


class Unavailable(Transient):
    """Graph kept failing though the request was repeated.

    Attributes:
        status: the last HTTP status; None when there was no usable answer.
    """

    def __init__(
        self, message: str, *, reason: str, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, reason=reason, retry_after=retry_after)
        self.status = status
