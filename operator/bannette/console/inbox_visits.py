"""A visit to a binder's inbox: who may come in, and having it opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bannette.console.cluster import service_annotates, service_reads
from bannette.console.faults import Fault, Stopped
from bannette.console.inbox_opening import opening_of
from bannette.console.inbox_reader import NobodyThere, Reader, digest_of, token_of
from bannette.console.visits import ROOT, Reply, Visit
from bannette.resources import BINDERS, INBOX_OPENED, INBOX_READER
from bannette.resources.rules import REFERENCE, time_zone

INBOX: Final = "inbox"
INBOXES: Final = f"{ROOT}/inboxes"
_REFRESH_SECONDS: Final = 2


@dataclass(frozen=True)
class Inbox:
    """A binder's inbox that somebody may read, and its reader.

    Attributes:
        zone: the time zone of a channel that collects into it.
    """

    namespace: str
    name: str
    company: str
    may_mark: bool
    zone: str
    reader: Reader

    @property
    def path(self) -> str:
        return inbox_path(self.namespace, self.name)

    @property
    def facts(self) -> dict[str, object]:
        """What all pages of the inbox show."""
        return {
            "namespace": self.namespace,
            "binder": self.name,
            "company": self.company,
            "path": self.path,
            "may_mark": self.may_mark,
            "zone": self.zone,
        }


def inbox_path(namespace: str, name: str) -> str:
    return f"{INBOXES}/{namespace}/{name}"


def may_read(visit: Visit, namespace: str, name: str) -> bool:
    return visit.cluster.may("get", BINDERS, namespace, name=name, subresource=INBOX)


def in_inbox(page: Callable[[Visit, Inbox], Reply]) -> Callable[[Visit], Reply]:
    """Let *page* answer within the inbox of the address, or say how far its opening is.

    The service opens it with rights of its own, once it knows that the person may read the documents.
    """

    def answer(visit: Visit) -> Reply:
        body = _binder(visit)
        inbox = _opened(visit, body)
        if isinstance(inbox, Reply):
            return inbox
        try:
            return page(visit, inbox)
        except NobodyThere:
            return _opening(visit, _binder(visit), lost=True)

    return answer


def open_again(visit: Visit) -> Reply:
    """Open an inbox that closed with a complaint."""
    body = _binder(visit)
    _opening(visit, body, again=True)
    return Reply(location=inbox_path(visit.place["namespace"], visit.place["name"]))


def _binder(visit: Visit) -> dict[str, Any]:
    """Return the Binder of the address, for somebody who may read its documents.

    Raises: SignedOut, Stopped.
    """
    namespace, name = visit.place["namespace"], visit.place["name"]
    served = visit.office.settings.namespaces
    if not (REFERENCE.accepts(namespace) and REFERENCE.accepts(name)) or (served and namespace not in served):
        raise Stopped(Fault.NOT_FOUND)
    if not may_read(visit, namespace, name):
        who = visit.cluster.person.name
        raise Stopped(Fault.FORBIDDEN, f'{who} may not get binders/inbox "{name}" in the namespace "{namespace}".')
    return dict(service_reads(visit.office.api, BINDERS, namespace, name))


def _opened(visit: Visit, body: dict[str, Any]) -> Inbox | Reply:
    token = _token(visit, body)
    opening = opening_of(body, digest_of(token), port=visit.office.settings.inbox_port, now=visit.office.now())
    if not opening.address:
        return _opening(visit, body)
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    return Inbox(
        namespace,
        name,
        company=str(body["spec"].get("company", "")),
        may_mark=visit.cluster.may("update", BINDERS, namespace, name=name, subresource=INBOX),
        zone=zone_of(visit, namespace, name),
        reader=Reader(opening.address, token),
    )


def _opening(visit: Visit, body: dict[str, Any], *, again: bool = False, lost: bool = False) -> Reply:
    """Have the inbox opened if need be, and say how far that is."""
    digest = digest_of(_token(visit, body))
    now = visit.office.now()
    opening = opening_of(body, digest, port=visit.office.settings.inbox_port, now=now, again=again, lost=lost)
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    if opening.asks:
        annotations = {INBOX_READER: digest, INBOX_OPENED: now.isoformat(timespec="milliseconds")}
        service_annotates(visit.office.api, BINDERS, namespace, name, annotations)
    facts: dict[str, object] = {
        "namespace": namespace,
        "binder": name,
        "company": str(body["spec"].get("company", "")),
        "path": inbox_path(namespace, name),
        "stage": opening.stage,
        "message": opening.message,
        "refreshes": opening.goes_on,
        "seconds": _REFRESH_SECONDS,
    }
    return Reply("inbox_opening", facts, 200)


def _token(visit: Visit, body: dict[str, Any]) -> str:
    asked = (body["metadata"].get("annotations") or {}).get(INBOX_READER, "")
    return token_of(visit.keys, body["metadata"]["uid"], reader=asked)


def zone_of(visit: Visit, namespace: str, binder: str) -> str:
    """Return the time zone of the first channel that collects into a binder; UTC without one."""
    zones = (one.zone for one in visit.office.catalogue.channels([namespace]) if one.binder == binder)
    return next((zone for zone in zones if time_zone(zone)), "UTC")
