"""Ids that stay the same though OneDrive spells them differently from one answer to the next."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

_PERSONAL_DRIVE = re.compile(r"[0-9a-fA-F]{1,16}")


class DriveKind(StrEnum):
    """Graph's driveType."""

    PERSONAL = "personal"
    BUSINESS = "business"
    DOCUMENT_LIBRARY = "documentLibrary"


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive.

    Attributes:
        id: as Graph spells it, for requests.
        kind: decides how ids compare.
        source: the setting that led to it (``user:…``, ``drive:…`` or ``me``), so that a stored position of another
            account isn't taken for this one's.
    """

    id: str
    kind: DriveKind
    source: str = ""

    @property
    def key(self) -> str:
        """The id in the form that compares."""
        return drive_key(self.kind, self.id)

    def item_key(self, item_id: str) -> str:
        """The id of one of its items in the form that compares."""
        return item_key(self.kind, item_id)


def kind_of(drive_type: str | None, drive_id: str) -> DriveKind:
    """Return the kind that Graph names, else the one that the id's form shows."""
    for kind in DriveKind:
        if drive_type is not None and drive_type.casefold() == kind.value.casefold():
            return kind
    return DriveKind.PERSONAL if _PERSONAL_DRIVE.fullmatch(drive_id) else DriveKind.DOCUMENT_LIBRARY


def drive_key(kind: DriveKind, drive_id: str) -> str:
    """Personal ids come in either case and may lose leading zeros; those of work drives are case-sensitive."""
    return drive_id.lower().rjust(16, "0") if kind is DriveKind.PERSONAL else drive_id


def item_key(kind: DriveKind, item_id: str) -> str:
    """Personal item ids repeat the drive's id before a ``!``; only what follows identifies."""
    return item_id.rpartition("!")[2].lower() if kind is DriveKind.PERSONAL else item_id


def document_id(drive: Drive, item_id: str) -> str:
    """Return the id of the document that this item is: 32 hex digits, the same wherever and whenever it is seen."""
    text = f"{drive.key}\n{drive.item_key(item_id)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
