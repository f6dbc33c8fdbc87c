"""Where everything lies in a binder: the keys that writers and readers share."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

MARKER = "binder.json"
DOCUMENTS = "documents"
RECORDS = "records"
INBOX = "inbox"
STAGING = ".staging"
PROBE = ".probe"

_ID = re.compile(r"[0-9a-f]{32}")
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")
_DERIVED_NAMES = {"pdf": "document.pdf", "text": "document.txt", "factur-x": "factur-x.xml"}


def is_id(text: str) -> bool:
    """Whether *text* has the form of a document's id: 32 lower-case hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def part_id(parent: str, index: int, sha256: str) -> str:
    """The id of part *index* of the mail or archive *parent*; *sha256* is that of the part's bytes, in hex."""
    return hashlib.sha256(f"{parent}\n{index}\n{sha256}".encode()).hexdigest()[:32]


def record_key(document: str) -> str:
    return f"{RECORDS}/{document[:2]}/{document}.json"


def contents_key(sha256: str, claim: int = 0) -> str:
    """The key of one claim to be the first with these bytes; claim n + 1 takes over from claim n."""
    return f"contents/{sha256[:2]}/{sha256}" + (f".{claim}" if claim else "")


def inbox_key(document: str, collected_at: datetime) -> str:
    return f"{INBOX}/{collected_at.astimezone(UTC):%Y%m%d}-{document}.json"


def processed_key(document: str) -> str:
    return f"processed/{document}.json"


def attempt_key(document: str) -> str:
    return f"attempts/{document}"


def state_folder(channel_uid: str) -> str:
    return f"state/{segment(channel_uid)}"


def state_key(channel_uid: str, revision: int) -> str:
    return f"{state_folder(channel_uid)}/{revision}.json"


def report_folder(namespace: str | None, channel: str | None) -> str:
    if namespace is None:
        return "runs"
    return f"runs/{segment(namespace)}" if channel is None else f"runs/{segment(namespace)}/{segment(channel)}"


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


def segment(text: str) -> str:
    """Return *text* if it can be one part of a key, else raise ValueError."""
    if not _SEGMENT.fullmatch(text):
        raise ValueError(f"Can't be part of a key in a binder: {text!r}.")
    return text
