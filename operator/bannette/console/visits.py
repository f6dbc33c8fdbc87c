"""One request for a page of the console, and its reply. No HTTP here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from bannette.connect import Keys, Settings
from bannette.console.catalogue import Catalogue
from bannette.console.cluster import Cluster, Reviews
from bannette.console.faults import SignedOut
from bannette.console.people import Person
from bannette.console.sessions import Session
from bannette.console.settings import ConsoleSettings
from bannette.kube import ClusterApi
from bannette.resources import parse_time
from bannette.resources.channel import MAX_REQUEST_LENGTH

ROOT: Final = "/console"
HOME: Final = f"{ROOT}/channels"
_FORM: Final = "console-form"
_LONGEST_ADDRESS: Final = 2000
# Within which the operator acts, and a check comes to its end.
_SOON: Final = timedelta(seconds=90)
_REQUEST: Final = re.compile(r"[0-9T:.+-]+")


@dataclass(frozen=True)
class Download:
    """A file on its way to the browser; *headers* say all about it, its Content-Security-Policy too."""

    headers: Mapping[str, str]
    pieces: Iterator[bytes]


@dataclass
class Reply:
    """What the browser gets.

    Attributes:
        page: name of the template; empty for a redirect.
        facts: what the template shows, besides what all pages do.
        location: where a redirect leads.
        session: a new sign-in to be kept; `ends_session`: it is to be forgotten.
        language: a choice to be kept.
        download: a file in place of a page.
        directives: of the Content-Security-Policy, besides those of all pages.
    """

    page: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    status: int = 200
    location: str = ""
    session: Session | None = None
    ends_session: bool = False
    language: str = ""
    download: Download | None = None
    directives: dict[str, str] = field(default_factory=dict)
    retry_after: int | None = None


@dataclass(frozen=True)
class Office:
    """What the pages work with: one for the process.

    Attributes:
        api: as the service itself may use it.
    """

    settings: ConsoleSettings
    connect: Settings
    keys: Callable[[], Keys]
    api: ClusterApi
    catalogue: Catalogue
    reviews: Reviews = field(default_factory=Reviews)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Visit:
    """A request.

    Attributes:
        place: members of the path. query, fields: of the address, and of the form that was sent.
        address: the path and query, for whoever leads back here.
        conditions: headers that ask for a part of a file, or for nothing if it is known.
        known_only: what is said of the answer is enough, without its body.
        visitor: tells one browser from another.
    """

    office: Office
    keys: Keys
    person: Person | None
    place: Mapping[str, str]
    query: Mapping[str, str]
    fields: Mapping[str, str]
    address: str
    language: str
    visitor: str = field(repr=False)
    conditions: Mapping[str, str] = field(default_factory=dict)
    known_only: bool = False

    @property
    def cluster(self) -> Cluster:
        """The API server as the person may use it. Raises: SignedOut."""
        if self.person is None:
            raise SignedOut
        return Cluster(self.office.api, self.person, self.office.reviews)

    @property
    def form(self) -> str:
        """What the page's forms hold, so that no other page can send them."""
        return self.keys.seal(_FORM, self._bound_to())

    @property
    def is_own_form(self) -> bool:
        """Whether the form was sent from a page that this person was shown in this browser."""
        held = self.keys.open(_FORM, self.fields.get("form", "")) or {}
        return all(held.get(name) == value for name, value in self._bound_to().items())

    def _bound_to(self) -> dict[str, object]:
        name = self.person.name if self.person else ""
        return {
            "visitor": hashlib.sha256(self.visitor.encode()).hexdigest(),
            "person": hashlib.sha256(name.encode()).hexdigest(),
        }


Page = Callable[[Visit], Reply]


def new_request(visit: Visit) -> str:
    """Return what asks for something once: a form holds it, so that whoever sends it again asks for the same."""
    return visit.office.now().isoformat()


def request_in(visit: Visit) -> str:
    """Return the request of the form that was sent, or a new one if it holds none."""
    held = visit.fields.get("request", "")
    return held if 0 < len(held) <= MAX_REQUEST_LENGTH and _REQUEST.fullmatch(held) else new_request(visit)


def query_after(visit: Visit, **members: str) -> str:
    """Return the query of a page that tells what came of what is sent now."""
    return urlencode({**members, "sent": visit.office.now().isoformat(timespec="seconds")})


def is_late(visit: Visit) -> bool:
    """Whether something should have come by now of what was sent, on the page that tells of it."""
    try:
        return visit.office.now() - parse_time(visit.query.get("sent", "")) > _SOON
    except ValueError:
        return False


def own_address(text: str) -> str:
    """Return *text* if it is an address of the console, else where the console begins."""
    is_own = text == ROOT or text.startswith(f"{ROOT}/")
    fine = is_own and len(text) <= _LONGEST_ADDRESS and text.isascii() and text.isprintable() and "\\" not in text
    return text if fine else HOME
