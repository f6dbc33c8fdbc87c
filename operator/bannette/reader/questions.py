"""What a request asks for, from its query. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bannette.binder.text_index import Wanted

MOST: Final = 200
_USUAL: Final = 50
_LONGEST_WORDS: Final = 400
_MOST_TERMS: Final = 20
_TERM: Final = re.compile(r'"([^"]*)"|(\S+)')
_STATES: Final[Mapping[str, bool | None]] = {"inbox": True, "done": False, "all": None}
# What people call kinds of documents, by their media types.
_OFFICE: Final = "application/vnd."
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "pdf": ("application/pdf",),
    "image": ("image/",),
    "text": ("text/",),
    "mail": ("message/",),
}
_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_ENTRY: Final = re.compile(r"[0-9]{8}-[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")
# SQLite has no greater ones.
_GREATEST: Final = 2**63 - 1
_WORD: Final = re.compile(r"[A-Za-z]{1,40}")
_RUN: Final = re.compile(r"[0-9TZ]{16}-[A-Za-z0-9._/-]{1,800}")


class BadQuestion(Exception):
    """The query isn't one that is answered; the text says what of it."""


@dataclass(frozen=True)
class AboutDocuments:
    """Which page of documents.

    Attributes:
        entry: the last page's last name, when it came from the entries of the inbox; number: when from the index.
    """

    wanted: Wanted
    limit: int = _USUAL
    entry: str | None = None
    number: int | None = None

    @property
    def plain(self) -> bool:
        """Whether it is just the inbox, as its entries list it."""
        return self.wanted == Wanted(waiting=True)


@dataclass(frozen=True)
class AboutRuns:
    """Which page of runs; *below*: the last page's last name."""

    channel: str | None = None
    result: str | None = None
    trigger: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = _USUAL
    below: str | None = None


def about_documents(query: Mapping[str, str]) -> AboutDocuments:
    """Raises: BadQuestion."""
    state = query.get("state") or "inbox"
    if state not in _STATES:
        raise BadQuestion("state must be inbox, done or all")
    wanted = Wanted(
        waiting=_STATES[state],
        channel=_matching(query, "channel", _NAME),
        types=_types(query.get("type") or ""),
        since=_time(query, "since"),
        until=_time(query, "until"),
        terms=terms_of(query.get("q") or ""),
    )
    cursor = query.get("cursor") or ""
    if not cursor:
        return AboutDocuments(wanted, _limit(query))
    if _ENTRY.fullmatch(cursor):
        return AboutDocuments(wanted, _limit(query), entry=cursor)
    if _NUMBER.fullmatch(cursor) and abs(int(cursor)) <= _GREATEST:
        return AboutDocuments(wanted, _limit(query), number=int(cursor))
    raise BadQuestion("cursor must be one that an answer gave")


def about_runs(query: Mapping[str, str]) -> AboutRuns:
    """Raises: BadQuestion."""
    return AboutRuns(
        channel=_matching(query, "channel", _NAME),
        result=_matching(query, "result", _WORD),
        trigger=_matching(query, "trigger", _WORD),
        since=_time(query, "since"),
        until=_time(query, "until"),
        limit=_limit(query),
        below=_matching(query, "cursor", _RUN),
    )


def terms_of(words: str) -> tuple[str, ...]:
    """Return the terms of *words*: each is a word, or several in quotes that follow each other.

    Raises: BadQuestion: there is nothing to search for, or too much.
    """
    if len(words) > _LONGEST_WORDS:
        raise BadQuestion(f"q must be at most {_LONGEST_WORDS} characters")
    # SQLite takes a zero for the end.
    found = [quoted or bare for quoted, bare in _TERM.findall(words.replace("\0", " "))]
    terms = tuple(term for term in found if any(character.isalnum() for character in term))
    if words.strip() and not terms:
        raise BadQuestion("q must have letters or digits")
    if len(terms) > _MOST_TERMS:
        raise BadQuestion(f"q must have at most {_MOST_TERMS} words")
    return terms


def _types(text: str) -> tuple[str, ...]:
    if not text or text in KINDS:
        return KINDS.get(text, ())
    if text == "office":
        return tuple(f"{_OFFICE}{one}" for one in _OFFICE_KINDS)
    if _TYPE.fullmatch(text):
        return (text,)
    raise BadQuestion("type must be pdf, image, text, mail, office, or a media type")


_OFFICE_KINDS: Final = (
    "openxmlformats-officedocument.wordprocessingml.document",
    "openxmlformats-officedocument.spreadsheetml.sheet",
    "openxmlformats-officedocument.presentationml.presentation",
    "oasis.opendocument.text",
    "oasis.opendocument.spreadsheet",
    "oasis.opendocument.presentation",
)


def _matching(query: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str | None:
    value = query.get(name) or None
    if value is not None and not pattern.fullmatch(value):
        raise BadQuestion(f"{name} can't be that")
    return value


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    value = query.get(name)
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadQuestion(f"{name} must be a time: 2026-11-24T00:00:00Z") from None
    return found


def _limit(query: Mapping[str, str]) -> int:
    value = query.get("limit") or str(_USUAL)
    if not value.isascii() or not value.isdecimal() or len(value) > 4 or not 1 <= int(value) <= MOST:
        raise BadQuestion(f"limit must be from 1 to {MOST}")
    return int(value)
