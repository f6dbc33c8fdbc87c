"""ZIP archives: what is inside becomes documents of their own; the names of it are the archive's text.

Names in an archive are names and never paths. What is beyond a limit stays inside, and the reason says so.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence

from bannette.ocr.pages import save_text
from bannette.ocr.parts import Parts
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.versions import python_engine
from bannette.ocr.zips import DamagedZip, damage_noticed

MEDIA_TYPES = frozenset({"application/zip", "application/x-zip-compressed"})
GIVES = ("text", "parts")
_TEXT = "document.txt"
_MOST_ENTRIES = 500
_MOST_LISTED = 10_000
# Beyond this it is no document but a bomb; small files may well be packed better.
_HIGHEST_RATIO = 100
_SMALL = 1_000_000
_PIECE = 1 << 20
# What systems leave beside documents.
_LEFTOVERS = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_ENCRYPTED = 0x1
_LINK = 0o120000


def read(request: Request) -> Answer:
    """Take out what is inside."""
    try:
        with damage_noticed(), zipfile.ZipFile(request.path) as archive:
            entries = [entry for entry in archive.infolist() if _is_document(entry)]
            parts, locked = _unpack(archive, entries, request)
    except DamagedZip as error:
        raise NotRead(Outcome.FAILED, "Corrupt") from error
    if entries and locked == len(entries):
        raise NotRead(Outcome.NEEDS_PASSWORD, "Encrypted")
    has_text = save_text(["\n".join(entry.filename for entry in entries[:_MOST_LISTED])], request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason="PartsMissing" if parts.missing else None if has_text else "NoText",
        engine=python_engine(),
        pages=0,
        files={"text": _TEXT},
        parts=parts.files,
    )


def _is_document(entry: zipfile.ZipInfo) -> bool:
    is_link = (entry.external_attr >> 16) & 0o170000 == _LINK
    leftover = entry.filename.startswith(_LEFTOVERS[0]) or entry.filename.endswith(_LEFTOVERS[1:])
    return not (entry.is_dir() or is_link or leftover)


def _unpack(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], request: Request) -> tuple[Parts, int]:
    """Return the parts, and how many entries no password opens."""
    parts, locked = Parts(request), 0
    for index, entry in enumerate(entries):
        password = _password(archive, entry, request.passwords)
        if password is None:
            locked += 1
            parts.missing = True
        elif index >= _MOST_ENTRIES or entry.file_size > max(_SMALL, _HIGHEST_RATIO * entry.compress_size):
            parts.missing = True
        else:
            try:
                with damage_noticed():
                    parts.add(index, entry.filename, _pieces(archive, entry, password))
            except (DamagedZip, MemoryError):
                # LZMA asks for as much memory as the entry says.
                parts.missing = True
    return parts, locked


def _password(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, passwords: Sequence[str]) -> bytes | None:
    """Return the password that opens *entry*, empty when it needs none; None when none does, or not in this way."""
    if not entry.flag_bits & _ENCRYPTED:
        return b""
    for password in passwords:
        try:
            # One in 256 wrong ones is taken for right; the checksum at the end tells.
            with damage_noticed(), archive.open(entry, pwd=password.encode()) as content:
                while content.read(_PIECE):
                    pass
        except DamagedZip:
            continue
        return password.encode()
    return None


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, password: bytes) -> Iterator[bytes]:
    with archive.open(entry, pwd=password or None) as content:
        while piece := content.read(_PIECE):
            yield piece
