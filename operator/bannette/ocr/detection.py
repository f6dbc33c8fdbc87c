"""The type of a file, by its content: names lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import magic

_EXTENSIONS = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/svg+xml": "svg",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template": "dotx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template": "xltx",
    "application/vnd.openxmlformats-officedocument.presentationml.template": "potx",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow": "ppsx",
    "application/vnd.ms-word.document.macroEnabled.12": "docm",
    "application/vnd.ms-word.template.macroEnabled.12": "dotm",
    "application/vnd.ms-excel.sheet.macroEnabled.12": "xlsm",
    "application/vnd.ms-excel.template.macroEnabled.12": "xltm",
    "application/vnd.ms-powerpoint.presentation.macroEnabled.12": "pptm",
    "application/vnd.ms-powerpoint.slideshow.macroEnabled.12": "ppsm",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.text-template": "ott",
    "application/vnd.oasis.opendocument.spreadsheet-template": "ots",
    "application/vnd.oasis.opendocument.presentation-template": "otp",
    "application/epub+zip": "epub",
    "image/heic-sequence": "heic",
    "image/heif-sequence": "heif",
    "image/avif": "avif",
    "application/msword": "doc",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-outlook": "msg",
    "application/CDFV2": "ole",
    "application/zip": "zip",
    "application/gzip": "gz",
    "application/x-7z-compressed": "7z",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/html": "html",
    "application/xhtml+xml": "xhtml",
    "text/plain": "txt",
    "text/csv": "csv",
    "text/rtf": "rtf",
    "message/rfc822": "eml",
}
_PDF_MARK = b"%PDF-"
# Readers accept a PDF that begins this late (ISO 32000, implementation notes); libmagic calls it text or data. Mails
# and archives may well have the mark there, too.
_PDF_MARK_WITHIN = 1024
_MAY_PRECEDE_A_PDF = frozenset({"text/plain", "text/csv", "application/octet-stream", "application/pdf"})


@dataclass(frozen=True)
class Detected:
    """A media type, and the extension (without a dot) that belongs to it; ``bin`` when none is known."""

    media_type: str
    extension: str


UNKNOWN = Detected("application/octet-stream", "bin")


def detect(path: Path) -> Detected:
    """Say what *path* holds; its name is never looked at.

    Raises:
        OSError: the file can't be read.
    """
    from bannette.ocr.sniffing import narrower

    # An absolute path, so that no name is taken for an option; libmagic reads only the beginning.
    found = detect_pdf(path)
    if found is not None:
        return found
    media_type = narrower(_libmagic().from_file(str(path.absolute())), path)
    if _PDF_MARK in _head(path) and (media_type in _MAY_PRECEDE_A_PDF or _only_begins_as_zip(media_type, path)):
        media_type = "application/pdf"
    return detected(media_type)


def detect_pdf(path: Path) -> Detected | None:
    """Say whether *path* begins as a PDF, which takes no library; None if it must be looked at closer.

    Raises:
        OSError: the file can't be read.
    """
    begins = _head(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PDF_MARK)
    return Detected("application/pdf", "pdf") if begins else None


def _only_begins_as_zip(media_type: str, path: Path) -> bool:
    from zipfile import is_zipfile

    return media_type == "application/zip" and not is_zipfile(path)


def _head(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(_PDF_MARK_WITHIN + len(_PDF_MARK))


def detected(media_type: str) -> Detected:
    """Return *media_type* with the extension that belongs to it."""
    return Detected(media_type, _extension(media_type))


@cache
def _libmagic() -> magic.Magic:
    import magic

    return magic.Magic(mime=True)


def _extension(media_type: str) -> str:
    known = _EXTENSIONS.get(media_type)
    if known is None:
        # Seldom needed, and what it imports is a tenth of what a child of one document takes to start.
        import mimetypes

        known = (mimetypes.guess_extension(media_type, strict=False) or ".bin").removeprefix(".")
    return known
