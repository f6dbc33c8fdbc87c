"""Files of the compound format: office documents that are encrypted, and those from before 2007, which aren't read.

Source: MS-OFFCRYPTO 2.3: an encrypted OOXML document is a stream named EncryptedPackage.
"""

from __future__ import annotations

from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request

MEDIA_TYPES = frozenset(
    {
        "application/CDFV2",
        "application/CDFV2-encrypted",
        "application/encrypted",
        "application/x-ole-storage",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.ms-office",
        "application/vnd.ms-outlook",
    }
)
GIVES = ()
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PIECE = 1 << 20


def read(request: Request) -> Answer:
    """Tell whether a password is needed.

    Raises:
        NotRead: always.
    """
    before = b""
    with request.path.open("rb") as file:
        while piece := file.read(_PIECE):
            if _ENCRYPTED in before + piece:
                raise NotRead(Outcome.NEEDS_PASSWORD, "Encrypted")
            before = piece[-len(_ENCRYPTED) :]
    raise NotRead(Outcome.UNSUPPORTED, "UnsupportedType")
