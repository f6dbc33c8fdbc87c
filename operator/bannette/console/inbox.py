"""The inbox of a binder: its documents, one of them, their files, data entry's word, and all of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from bannette.console.faults import Fault, Stopped
from bannette.console.histories import filter_of, took
from bannette.console.inbox_facts import bodies_in, document_of, number_in, run_of, size_in, text_in
from bannette.console.inbox_reader import Reader, is_id
from bannette.console.inbox_visits import INBOX, INBOXES, Inbox, in_inbox, open_again
from bannette.console.visits import Download, Reply, Visit
from bannette.resources import BINDERS, RunResult, Trigger

STATES: Final = ("inbox", "done", "all")
TYPES: Final = ("pdf", "image", "office", "mail", "text")
_ON_A_PAGE: Final = 50
_LONGEST_WORDS: Final = 400
_LONGEST_CURSOR: Final = 1000
# What a browser shows without running any of it; everything else is only ever saved.
_SHOWN: Final = frozenset({"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"})
_SAFE_ROLES: Final[Mapping[str, str]] = {"pdf": "application/pdf", "thumbnail": "image/webp"}
_NOTHING_RUNS: Final = "sandbox; default-src 'none'"
# A browser's reader of PDFs doesn't work in a sandbox; it runs nothing of the page's origin.
_OF_PDF: Final = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_KEPT_SECONDS: Final = 600


def show_inboxes(visit: Visit) -> Reply:
    """Show the binders of the channels that the person may see."""
    cluster, catalogue = visit.cluster, visit.office.catalogue
    if not catalogue.is_read:
        raise Stopped(Fault.UNAVAILABLE)
    found = sorted({(one.namespace, one.binder) for one in catalogue.channels(catalogue.visible_to(cluster))})
    words = visit.query.get("q", "").strip()[:_LONGEST_WORDS]
    shown = [pair for pair in found if all(word in f"{pair[0]} {pair[1]}" for word in words.casefold().split())]
    return Reply("inboxes", {"binders": shown[:500], "found": len(shown), "words": words, "inboxes": INBOXES})


def show_inbox(visit: Visit, inbox: Inbox) -> Reply:
    """Show a page of documents."""
    asked = _asked(visit)
    page = inbox.reader.documents(_question(asked, inbox.zone))
    facts: dict[str, object] = {
        "documents": [document_of(one) for one in bodies_in(page, "documents")],
        "waiting": number_in(page, "waiting"),
        "indexed": number_in(page, "indexed"),
        "total": number_in(page, "total"),
        "cursor": text_in(page, "cursor"),
        "asked": asked,
        "states": STATES,
        "types": TYPES,
        "channels": inbox.reader.channels(),
        "kept": urlencode({key: value for key, value in asked.items() if value and key != "cursor"}),
        "here": urlencode({key: value for key, value in asked.items() if value}),
        "marked": _marked(visit),
        "is_filtered": any(asked[key] for key in ("q", "channel", "type", "from", "to")),
        "size": lambda number: size_in(number, visit.language),
    }
    return Reply("inbox", inbox.facts | facts)


def show_document(visit: Visit, inbox: Inbox) -> Reply:
    """Show one document: its picture, its text, what is known of it, and the way to its neighbours on the page."""
    body = inbox.reader.document(visit.place["id"])
    document, asked = document_of(body), _asked(visit)
    before, after = _neighbours(inbox.reader, asked, inbox.zone, document.id)
    facts: dict[str, object] = {
        "document": document,
        "text_read": text_in(body, "text"),
        "text_cut": bool(body.get("textCut")),
        "shows_original": document.media_type in _SHOWN - {"application/pdf"},
        "pdf": "pdf" if "pdf" in document.files else "original" if document.media_type == "application/pdf" else "",
        "before": before,
        "after": after,
        "here": urlencode({key: value for key, value in asked.items() if value}),
        "marked": "" if _marked(visit) == document.id else _marked(visit),
        "size": lambda number: size_in(number, visit.language),
    }
    return Reply("document", inbox.facts | facts)


def serve_file(visit: Visit, inbox: Inbox) -> Reply:
    """Serve a file: to be saved, unless it is of a kind that runs nothing and is to be shown."""
    role = visit.place["role"]
    file = inbox.reader.file(visit.place["id"], role, visit.conditions, known_only=visit.known_only)
    kind = _SAFE_ROLES.get(role, file.media_type if role == "original" else "")
    shown = "show" in visit.query and kind in _SHOWN
    name = file.disposition if file.disposition.startswith("attachment;") else "attachment"
    headers = {
        **file.headers,
        "Content-Type": kind if shown else "application/octet-stream",
        "Content-Disposition": name.replace("attachment", "inline", 1) if shown else name,
        "Content-Security-Policy": _OF_PDF if shown and kind == "application/pdf" else _NOTHING_RUNS,
        **({"Cache-Control": f"private, max-age={_KEPT_SECONDS}"} if role == "thumbnail" else {}),
    }
    return Reply(download=Download(headers, file.pieces), status=file.status)


def mark_done(visit: Visit, inbox: Inbox) -> Reply:
    """Take a document out of the inbox, and go on to the next one."""
    document = _mark(visit, inbox, done=True)
    following = visit.fields.get("next", "")
    here = visit.fields.get("here", "")[:_LONGEST_CURSOR]
    place = f"{inbox.path}/documents/{following}" if is_id(following) else inbox.path
    asked = dict(_pairs(here)) | {"marked": document}
    return Reply(location=f"{place}?{urlencode(asked)}")


def put_back(visit: Visit, inbox: Inbox) -> Reply:
    """Put a document back into the inbox, and show it."""
    document = _mark(visit, inbox, done=False)
    asked = dict(_pairs(visit.fields.get("here", "")[:_LONGEST_CURSOR]))
    return Reply(location=f"{inbox.path}/documents/{document}?{urlencode(asked)}")


def show_runs(visit: Visit, inbox: Inbox) -> Reply:
    """Show the reports of all runs into the binder, filtered."""
    wanted = filter_of(visit.query, zone=inbox.zone)
    channel = visit.query.get("channel", "")[:253]
    channels = inbox.reader.channels()
    question = {
        "channel": channel if channel in channels else "",
        "result": wanted.result.value if wanted.result else "",
        "trigger": wanted.trigger.value if wanted.trigger else "",
        **_days(wanted.first, wanted.last, inbox.zone),
        "limit": str(_ON_A_PAGE),
        "cursor": visit.query.get("cursor", "")[:_LONGEST_CURSOR],
    }
    page = inbox.reader.runs({key: value for key, value in question.items() if value})
    found = [(run, run_of(run)) for run in bodies_in(page, "runs")]
    kept = {key: visit.query.get(key, "") for key in ("channel", "result", "trigger", "from", "to")}
    facts: dict[str, object] = {
        "runs": [(entry, took(entry), str(run.get("channel", ""))) for run, entry in found if entry is not None],
        "wanted": wanted,
        "channel_wanted": channel,
        "channels": channels,
        "results": list(RunResult),
        "triggers": list(Trigger),
        "cursor": text_in(page, "cursor"),
        "kept": urlencode({key: value for key, value in kept.items() if value}),
    }
    return Reply("inbox_runs", inbox.facts | facts)


def _mark(visit: Visit, inbox: Inbox, *, done: bool) -> str:
    if not visit.cluster.may("update", BINDERS, inbox.namespace, name=inbox.name, subresource=INBOX, fresh=True):
        who = visit.cluster.person.name
        raise Stopped(Fault.FORBIDDEN, f'{who} may not update binders/inbox "{inbox.name}".')
    document = visit.place["id"]
    inbox.reader.mark(document, done=done)
    return document


def _asked(visit: Visit) -> dict[str, str]:
    """Return what the address asks for; what in it can't be is as good as absent."""
    query = visit.query
    state, kind = query.get("state", ""), query.get("type", "")
    return {
        "state": state if state in STATES[1:] else "",
        "q": query.get("q", "").strip()[:_LONGEST_WORDS],
        "channel": query.get("channel", "")[:253],
        "type": kind if kind in TYPES else "",
        "from": _day_text(query.get("from", "")),
        "to": _day_text(query.get("to", "")),
        "cursor": query.get("cursor", "")[:_LONGEST_CURSOR],
    }


def _question(asked: Mapping[str, str], zone: str) -> dict[str, str]:
    """Return what the reader is asked."""
    words = asked["q"] if any(character.isalnum() for character in asked["q"]) else ""
    question = {
        "state": asked["state"] or STATES[0],
        "q": words,
        "channel": asked["channel"],
        "type": asked["type"],
        **_days(_day(asked["from"]), _day(asked["to"]), zone),
        "limit": str(_ON_A_PAGE),
        "cursor": asked["cursor"],
    }
    return {key: value for key, value in question.items() if value}


def _neighbours(reader: Reader, asked: Mapping[str, str], zone: str, document: str) -> tuple[str, str]:
    """Return the ids of the documents before and after one on its page, the next page's first included."""
    page = reader.documents(_question(asked, zone))
    ids = [text_in(one, "id") for one in bodies_in(page, "documents")]
    if document not in ids:
        return "", ids[0] if ids else ""
    at = ids.index(document)
    cursor = text_in(page, "cursor")
    if at + 1 == len(ids) and cursor:
        following = reader.documents(_question({**asked, "cursor": cursor}, zone) | {"limit": "1"})
        ids += [text_in(one, "id") for one in bodies_in(following, "documents")]
    return ids[at - 1] if at else "", ids[at + 1] if at + 1 < len(ids) else ""


def _days(first: date | None, last: date | None, zone: str) -> dict[str, str]:
    """Return the moments between which days of *zone* lie."""
    return {
        **({"since": _midnight(first, zone)} if first else {}),
        **({"until": _midnight(last + timedelta(days=1), zone)} if last and last < date.max else {}),
    }


def _midnight(day: date, zone: str) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).isoformat()


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _day_text(text: str) -> str:
    try:
        return text if text and date(1900, 1, 1) < date.fromisoformat(text) < date(2999, 1, 1) else ""
    except ValueError:
        return ""


def _marked(visit: Visit) -> str:
    """Return the document that was just marked as done, which led here; empty: none."""
    marked = visit.query.get("marked", "")
    return marked if is_id(marked) else ""


def _pairs(query: str) -> list[tuple[str, str]]:
    known = {"state", "q", "channel", "type", "from", "to", "cursor"}
    try:
        return [(key, value) for key, value in parse_qsl(query, max_num_fields=20) if key in known]
    except ValueError:
        return []


PAGES: Final = (
    ("GET", "/inboxes", show_inboxes),
    ("GET", "/inboxes/{namespace}/{name}", in_inbox(show_inbox)),
    ("POST", "/inboxes/{namespace}/{name}/open", open_again),
    ("GET", "/inboxes/{namespace}/{name}/runs", in_inbox(show_runs)),
    ("GET", "/inboxes/{namespace}/{name}/documents/{id}", in_inbox(show_document)),
    ("GET", "/inboxes/{namespace}/{name}/documents/{id}/files/{role}", in_inbox(serve_file)),
    ("POST", "/inboxes/{namespace}/{name}/documents/{id}/done", in_inbox(mark_done)),
    ("POST", "/inboxes/{namespace}/{name}/documents/{id}/undone", in_inbox(put_back)),
)
