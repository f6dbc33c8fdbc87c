"""Where everything lies in a binder: the keys that writers and readers share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

MARKER = "binder.json"
DOCUMENTS = "documents"
RECORDS = "records"
AMENDMENTS = "amendments"
CONTENTS = "contents"
INBOX = "inbox"
OUTBOX = "outbox"
PROCESSED = "processed"
ATTEMPTS = "attempts"
STATES = "state"
REPORTS = "runs"
STAGING = ".staging"
PROBE = ".probe"
SWEEP = ".sweep"

_ID = re.compile(r"[0-9a-f]{32}")
_ENTRY = re.compile(r"inbox/([0-9]{8})-([0-9a-f]{32})\.json")
_AMENDMENT = re.compile(r"amendments/([0-9a-f]{2})/(\1[0-9a-f]{30})/([1-9][0-9]{0,8})\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"documents/([0-9a-f]{2})/(\1[0-9a-f]{30})/[0-9a-f]{16}(-[0-9a-f]{8})?/[A-Za-z][A-Za-z0-9.-]*")
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")
_DERIVED_NAMES = {
    "pdf": "document.pdf",
    "text": "document.txt",
    "factur-x": "factur-x.xml",
    "thumbnail": "thumbnail.webp",
}


def is_id(text: str) -> bool:
    """Whether *text* has the form of a document's id: 32 lower-case hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Whether *text* has the form of a hash: 64 lower-case hexadecimal digits."""
    return _SHA256.fullmatch(text) is not None


def part_id(parent: str, index: int, sha256: str) -> str:
    """The id of part *index* of the mail or archive *parent*; *sha256* is that of the part's bytes, in hex."""
    return hashlib.sha256(f"{parent}\n{index}\n{sha256}".encode()).hexdigest()[:32]


def record_key(document: str) -> str:
    return f"{RECORDS}/{document[:2]}/{document}.json"


def amendment_folder(document: str) -> str:
    return f"{AMENDMENTS}/{document[:2]}/{document}"


def amendment_key(document: str, number: int) -> str:
    return f"{amendment_folder(document)}/{number}.json"


def amendment_number(key: str) -> int | None:
    """The number of the amendment at *key*, from 1; None for another key."""
    match = _AMENDMENT.fullmatch(key)
    return int(match[3]) if match else None


def document_of_amendment(key: str) -> str | None:
    """The id of the document that the amendment at *key* is of; None for another key."""
    match = _AMENDMENT.fullmatch(key)
    return match[2] if match else None


def contents_key(sha256: str, claim: int = 0) -> str:
    """The key of one claim to be the first with these bytes; claim n + 1 takes over from claim n."""
    return f"{CONTENTS}/{sha256[:2]}/{sha256}" + (f".{claim}" if claim else "")


def inbox_key(document: str, collected_at: datetime) -> str:
    return f"{INBOX}/{collected_at.astimezone(UTC):%Y%m%d}-{document}.json"


def outbox_key(document: str, collected_at: datetime) -> str:
    return f"{OUTBOX}/{collected_at.astimezone(UTC):%Y%m%d}-{document}.json"


def day_of_entry(key: str) -> int | None:
    """The UTC day in the name of an entry of the inbox or the outbox, as 20261124; None without one."""
    day = key.rpartition("/")[2].partition("-")[0]
    return int(day) if day.isascii() and day.isdecimal() else None


def packed_entry(key: str) -> bytes | None:
    """The key of an inbox entry in 20 bytes, since there may be millions; None for another name."""
    match = _ENTRY.fullmatch(key)
    return bytes.fromhex(match[2]) + int(match[1]).to_bytes(4, "big") if match else None


def unpacked_entry(packed: bytes) -> str:
    return f"{INBOX}/{int.from_bytes(packed[16:], 'big'):08d}-{packed[:16].hex()}.json"


def processed_key(document: str) -> str:
    return f"{PROCESSED}/{document}.json"


def attempt_key(document: str) -> str:
    return f"{ATTEMPTS}/{document}"


def state_folder(channel_uid: str) -> str:
    return f"{STATES}/{segment(channel_uid)}"


def state_key(channel_uid: str, revision: int) -> str:
    return f"{state_folder(channel_uid)}/{revision}.json"


def report_folder(namespace: str | None, channel: str | None) -> str:
    if namespace is None:
        return REPORTS
    folder = f"{REPORTS}/{segment(namespace)}"
    return folder if channel is None else f"{folder}/{segment(channel)}"


def report_key(namespace: str, channel: str, created: datetime, run: str) -> str:
    return f"{report_folder(namespace, channel)}/{created.astimezone(UTC):%Y%m%dT%H%M%SZ}-{segment(run)}.json"


def file_key(document: str, sha256: str, role: str, *, extension: str, attempt: str = "") -> str:
    """The key of one file of a document; *attempt* tells it from the files of other attempts at the document.

    *extension* is that of the detected type, without a dot; it is used for the original and for roles that have no
    name of their own. The document's own name never becomes part of a key.
    """
    if not _ROLE.fullmatch(role):
        raise ValueError(f"Not the role of a file: {role!r}.")
    suffix = extension.lower().lstrip(".")
    suffix = suffix if _EXTENSION.fullmatch(suffix) else "bin"
    version = f"{sha256[:16]}-{attempt}" if attempt else sha256[:16]
    return f"{DOCUMENTS}/{document[:2]}/{document}/{version}/{_DERIVED_NAMES.get(role, f'{role}.{suffix}')}"


def states_by_channel(keys: Iterable[str]) -> dict[str, list[int]]:
    """The revisions that there are of each channel's state, the newest first."""
    found: dict[str, list[int]] = {}
    for key in keys:
        folder, _, name = key.rpartition("/")
        revision = name.removesuffix(".json")
        if revision.isdecimal():
            found.setdefault(folder.removeprefix(f"{STATES}/"), []).append(int(revision))
    return {channel: sorted(revisions, reverse=True) for channel, revisions in found.items()}


def document_of_file(key: str) -> str | None:
    """The id of the document whose file *key* is; None for a key that no commit makes."""
    match = _FILE.fullmatch(key)
    return match[2] if match else None


def document_of_entry(key: str) -> str | None:
    """The id in the name of a record, an entry of inbox, outbox or processed, or an attempt; None without one."""
    document = key.rpartition("/")[2].removesuffix(".json").rpartition("-")[2]
    return document if is_id(document) else None


def documents_of_entries(keys: Iterable[str]) -> Iterator[str]:
    """Yield the ids in these names, as ``document_of_entry`` finds them; a key without one is passed over."""
    return filter(None, map(document_of_entry, keys))


def is_id_of_item(document: str, drive: str, item: str) -> bool:
    """Whether *document* is the id of this item. Personal items are identified by what follows their ``!``."""
    spellings = (item, item.rpartition("!")[2].lower())
    return any(hashlib.sha256(f"{drive}\n{spelt}".encode()).hexdigest()[:32] == document for spelt in spellings)


def segment(text: str) -> str:
    """Return *text* if it can be one part of a key, else raise ValueError."""
    if not _SEGMENT.fullmatch(text):
        raise ValueError(f"Can't be part of a key in a binder: {text!r}.")
    return text
