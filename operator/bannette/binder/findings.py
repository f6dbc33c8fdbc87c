"""What a verification of a binder found, counted by kind; thread-safe.

Documents are named by their ids, other things by their keys, never by a document's name.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

IDS_SHOWN: Final = 20
_REMEMBERED: Final = 100_000


class Damage(StrEnum):
    """What shouldn't be so, whoever was killed when."""

    MARKER_MISSING = "MarkerMissing"
    MARKER_UNREADABLE = "MarkerUnreadable"
    RECORD_UNREADABLE = "RecordUnreadable"
    RECORD_MISPLACED = "RecordMisplaced"
    RECORD_MISSING = "RecordMissing"
    RECORDS_LOST = "RecordsLost"
    FIRST_MISSING = "FirstMissing"
    FILE_MISSING = "FileMissing"
    FILE_WRONG_SIZE = "FileWrongSize"
    FILE_CHANGED = "FileChanged"
    INBOX_ENTRY_MISSING = "InboxEntryMissing"
    CLAIM_MISSING = "ClaimMissing"
    STATE_UNREADABLE = "StateUnreadable"
    REVISION_MISSING = "RevisionMissing"
    REPORT_UNREADABLE = "ReportUnreadable"
    AMENDMENT_UNREADABLE = "AmendmentUnreadable"


# With one of these, files that no record names may be all that is left of a document.
RECORDS_IN_DOUBT: Final = frozenset(
    {
        Damage.MARKER_MISSING,
        Damage.MARKER_UNREADABLE,
        Damage.RECORD_UNREADABLE,
        Damage.RECORD_MISPLACED,
        Damage.RECORD_MISSING,
        Damage.RECORDS_LOST,
        Damage.FIRST_MISSING,
    }
)


class Leftover(StrEnum):
    """What killed writers leave; it harms nothing."""

    FILES = "Files"
    INBOX_ENTRIES = "InboxEntries"
    OUTBOX_ENTRIES = "OutboxEntries"
    ATTEMPTS = "Attempts"
    STATES = "States"
    UNFINISHED = "Unfinished"
    CLAIMS = "Claims"


@dataclass(kw_only=True)
class Tally:
    """How many, how large in bytes, and which: the first ones."""

    count: int = 0
    size: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, which: str, size: int = 0) -> None:
        self.count += 1
        self.size += size
        if which not in self.ids and len(self.ids) < IDS_SHOWN:
            self.ids.append(which)


class Leftovers:
    """What there is to sweep, as far as memory allows; a further sweep finds the rest. Not thread-safe.

    Attributes:
        documents: ids of documents that have files which no record names.
        keys: of everything else, with its kind.
    """

    def __init__(self) -> None:
        self.documents: set[str] = set()
        self.keys: dict[str, Leftover] = {}

    def add_document(self, document: str) -> None:
        if len(self.documents) < _REMEMBERED:
            self.documents.add(document)

    def add_key(self, key: str, kind: Leftover) -> None:
        if len(self.keys) < _REMEMBERED:
            self.keys[key] = kind


class Findings:
    """The outcome of a verification.

    Attributes:
        size: bytes of all originals.
        untold: documents in the outbox, of which somebody is still to be told.
        removed: files that rules on retention may have removed, and that are gone.
        recent: leftovers that are too young to be told from the work of a run under way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.records = 0
        self.files = 0
        self.size = 0
        self.waiting = 0
        self.untold = 0
        self.removed = 0
        self.recent = 0
        self.damage: dict[Damage, Tally] = {}
        self.repaired: dict[Damage, Tally] = {}
        self.leftovers: dict[Leftover, Tally] = {}

    @property
    def records_in_doubt(self) -> bool:
        return not RECORDS_IN_DOUBT.isdisjoint(self.damage)

    def checked(self, *, records: int = 0, files: int = 0, size: int = 0, removed: int = 0) -> None:
        with self._lock:
            self.records += records
            self.files += files
            self.size += size
            self.removed += removed

    def damaged(self, kind: Damage, which: str, *, repaired: bool = False) -> None:
        with self._lock:
            (self.repaired if repaired else self.damage).setdefault(kind, Tally()).add(which)

    def left_over(self, kind: Leftover, which: str, *, size: int, old: bool) -> None:
        with self._lock:
            if old:
                self.leftovers.setdefault(kind, Tally()).add(which, size)
            else:
                self.recent += 1
