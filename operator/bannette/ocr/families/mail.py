"""Mails: who wrote what to whom, and the attachments as documents of their own.

Source: RFC 5322 and 2045 to 2049, by the standard library's parser, which takes what is broken as it comes.
"""

from __future__ import annotations

import base64
import email
import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from pathlib import Path
from typing import cast

from bannette.ocr.encodings import decode
from bannette.ocr.pages import save_text
from bannette.ocr.parts import Parts
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.versions import python_engine

MEDIA_TYPES = frozenset({"message/rfc822"})
GIVES = ("text", "parts")
_TEXT = "document.txt"
_FIELDS = ("From", "To", "Cc", "Date", "Subject")
# Signatures and trackers are pictures too.
_SMALL_PICTURE = 5_000
_MOST_PARTS = 100
# They tell of another mail: text for people, fields for programs.
_SAID_BY_MACHINES = frozenset({"message/delivery-status", "message/disposition-notification"})


def read(request: Request) -> Answer:
    """Read a mail; a mail that is attached is a part, with parts of its own."""
    with request.path.open("rb") as file:
        mail = email.message_from_binary_file(file, policy=policy.default)
    lines = [f"{name}: {said}" for name in _FIELDS if (said := _field(mail, name))]
    if not lines:
        raise NotRead(Outcome.FAILED, "Corrupt")
    body, others = _texts_and_parts(mail)
    parts = Parts(request)
    for index, part in others:
        if index < _MOST_PARTS:
            parts.add(index, _name(part), _content(part))
        else:
            parts.missing = True
    # A mailbox: what comes after its first mail isn't read.
    parts.missing |= mail.get_unixfrom() is not None and _has_more_mails(request.path)
    save_text(["\n".join([*lines, "", *body])], request.folder / _TEXT)
    return Answer(
        outcome=Outcome.TEXT,
        reason="PartsMissing" if parts.missing else None,
        engine=python_engine(),
        pages=1,
        files={"text": _TEXT},
        parts=parts.files,
    )


def _has_more_mails(path: Path) -> bool:
    with path.open("rb") as file:
        return any(line.startswith(b"From ") for number, line in enumerate(file) if number)


def _texts_and_parts(mail: Message) -> tuple[list[str], list[tuple[int, Message]]]:
    """Return the texts of the body, and the parts with their places among all that are parts."""
    bodies: list[str] = []
    parts: list[Message] = []
    for leaf, alternatives in _leaves(mail):
        if _is_attached(leaf):
            if not _is_small_picture(leaf):
                parts.append(leaf)
        elif leaf.get_content_type() == "text/plain" or not any(
            _text(other).strip() for other in alternatives if other.get_content_type() == "text/plain"
        ):
            bodies.append(_text(leaf))
    return bodies, list(enumerate(parts))


def _leaves(message: Message, alternatives: tuple[Message, ...] = ()) -> Iterator[tuple[Message, tuple[Message, ...]]]:
    """Yield the parts that aren't made of parts, each with those that stand for the same; mails inside are one part."""
    if message.get_content_maintype() != "multipart" or not message.is_multipart():
        yield message, alternatives
        return
    children = tuple(part for part in cast("list[object]", message.get_payload()) if isinstance(part, Message))
    same = children if message.get_content_type() == "multipart/alternative" else alternatives
    for child in children:
        yield from _leaves(child, same)


def _is_attached(part: Message) -> bool:
    if part.get_content_maintype() == "multipart" or part.get_content_type() in _SAID_BY_MACHINES:
        # Its boundary is missing or never comes: all that it has is text.
        return False
    if _disposition(part) == "attachment" or part.get_content_maintype() != "text":
        return True
    return part.get_content_type() not in ("text/plain", "text/html") or bool(_file_name(part))


def _disposition(part: Message) -> str | None:
    try:
        return part.get_content_disposition()
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        # It gives a name that can't be read; a name is for what is attached.
        return "attachment"


def _is_small_picture(part: Message) -> bool:
    inline = _disposition(part) == "inline" or bool(_field(part, "Content-ID"))
    return inline and part.get_content_maintype() == "image" and len(_bytes(part)) < _SMALL_PICTURE


def _text(part: Message) -> str:
    if part.is_multipart():
        inside = cast("list[Message]", part.get_payload())
        return "\n".join(f"{name}: {said}" for block in inside for name in block if (said := _field(block, name)))
    data, declared = _bytes(part), _charset(part)
    if part.get_content_type() != "text/html":
        return decode(data, declared=declared)
    from bannette.ocr.families.html import html_text

    try:
        return html_text(data, declared=declared)[0]
    except NotRead:
        return ""


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        return None


def _content(part: Message) -> Iterator[bytes]:
    if part.is_multipart():
        inside = cast("list[Message]", part.get_payload())
        # Written as it was read: the modern policy would mend what is broken, or fail at it.
        yield from (message.as_bytes(policy=policy.compat32) for message in inside[:1])
    else:
        yield _bytes(part)


def _bytes(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AttributeError):
        return b""
    if not isinstance(payload, bytes):
        return b""
    if _is_base64(part) and payload == _written(part):
        # It was cut, and then the parser leaves it as it is.
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", payload)
        return base64.b64decode(letters[: len(letters) // 4 * 4])
    return payload


def _is_base64(part: Message) -> bool:
    return _field(part, "Content-Transfer-Encoding").lower() == "base64"


def _written(part: Message) -> bytes:
    return str(part.get_payload()).encode("ascii", "surrogateescape")


def _name(part: Message) -> str:
    if name := _file_name(part):
        return name
    if part.get_content_type() in ("message/rfc822", "message/global"):
        inside = cast("list[Message]", part.get_payload()) if part.is_multipart() else []
        return f"{_field(inside[0], 'Subject') if inside else ''}.eml".lstrip(".")
    return part.get_content_type().replace("/", ".")


def _file_name(part: Message) -> str:
    try:
        return " ".join(_printable(part.get_filename() or "").split())
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        return ""


def _printable(text: str) -> str:
    """Return *text* without halves of characters, which no encoding has."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _field(mail: Message, name: str) -> str:
    """Return a field as text; the parser raises this and that for what isn't one."""
    try:
        return " ".join(_printable(str(mail.get(name) or "")).split())
    except Exception:  # noqa: BLE001 - a field of a broken mail costs no more than itself
        return ""
