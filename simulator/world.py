"""Everything that the simulator holds, and how it is filled."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from simulator.accounts import CLIENT_ID, CONSUMERS, SECRET, TENANT, USER, Application, Person, Platform
from simulator.counters import Counters
from simulator.delta import Feed
from simulator.drive import Drive
from simulator.faults import Faults
from simulator.identifiers import Flavour, drive_id
from simulator.signin import SignIn


class LinkStyle(StrEnum):
    """How the feed's links carry their token; all are opaque to clients."""

    QUERY = "query"
    FUNCTION = "function"
    """``delta(token='…')`` and 4 kB of padding with escapes that must be sent back as they are."""
    NAMED = "named"
    """``drives('…')/items('…')/microsoft.graph.delta(token='…')``"""


@dataclass(slots=True)
class Settings:
    """What can be changed while it runs.

    Attributes:
        page_size: items of a page of delta or children that names no ``$top``.
        token_seconds: life of an access token. refresh_seconds: after how many a client should renew it; 0: it isn't
            told. url_seconds: life of a download URL.
        odd_escapes: download URLs have an escape in lower case, which urllib3 would write in upper case.
        expired_status: what an expired download URL answers.
        delta: False answers 501 to delta, as the clouds without it do.
        person_says: at the sign-in page: "yes", "no", "admin" (an administrator must consent), or "ask": pages ask
            whoever visits them which account it is, and whether they agree.
        bare_scopes: name permissions without their resource in the token's answer, as is seen with personal accounts.
        device_interval: seconds that must lie between two questions about a device code.
        person: who signs in there, whatever the login hint; "": as hinted.
        drive_case: how personal ids spell the drive: "mixed" (drive ids lower, item ids upper), "lower", "upper", or
            "short" (lower, without the leading zero).
    """

    page_size: int = 200
    token_seconds: int = 3599
    refresh_seconds: int = 0
    url_seconds: int = 3600
    odd_escapes: bool = False
    expired_status: int = 401
    link_style: LinkStyle = LinkStyle.QUERY
    delta: bool = True
    drive_case: str = "mixed"
    person_says: str = "yes"
    person: str = ""
    bare_scopes: bool = False
    device_interval: int = 5


class Populate(Protocol):
    """Fills a drive with its first items."""

    def __call__(self, drive: Drive, *, at: float) -> None: ...


def leave_empty(drive: Drive, *, at: float) -> None:
    """Fill nothing."""


@dataclass
class World:
    """Drives, people, applications, faults, counters, mails.

    ``public_url`` and ``download_url`` are origins: what links are built from.
    """

    public_url: str
    download_url: str
    flavour: Flavour = Flavour.WORK
    populate: Populate = leave_empty
    tenant_id: str = TENANT
    user: str = USER
    client_id: str = CLIENT_ID
    secret: str = SECRET
    certificates: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    """PLATFORM=URI"""
    settings: Settings = field(default_factory=Settings)
    faults: Faults = field(default_factory=Faults)
    counters: Counters = field(default_factory=Counters)
    clock_offset: float = 0.0
    mails: list[dict[str, object]] = field(init=False, default_factory=list)
    drives: dict[str, Drive] = field(init=False, default_factory=dict)
    feeds: dict[str, Feed] = field(init=False, default_factory=dict)
    applications: dict[str, Application] = field(init=False, default_factory=dict)
    people: dict[str, Person] = field(init=False, default_factory=dict)
    sign_in: SignIn = field(init=False)
    url_key: bytes = field(init=False, default=b"")

    def __post_init__(self) -> None:
        self.reset()

    def now(self) -> float:
        """Seconds since 1970 of the simulator's clock, which can be set forward."""
        return time.time() + self.clock_offset

    def reset(self) -> None:
        """Go back to the state at the start: content, people, applications, settings; no faults, no counts."""
        self.settings = Settings()
        self.faults.remove()
        # Requests that still wait count where they arrived.
        self.counters = Counters()
        self.clock_offset = 0.0
        self.mails.clear()
        self.drives.clear()
        self.feeds.clear()
        self.people.clear()
        self.applications.clear()
        self.url_key = secrets.token_bytes(32)
        application = Application(self.client_id, secrets={self.secret})
        application.redirect_uris["http://localhost"] = Platform.PUBLIC
        for pem in self.certificates:
            application.add_certificate(pem)
        for entry in self.redirect_uris:
            platform, _, uri = entry.partition("=")
            application.redirect_uris[uri] = Platform(platform)
        self.applications[self.client_id] = application
        self.sign_in = SignIn(
            tenant_id=self.tenant_id, applications=self.applications, people=self.people, now=self.now
        )
        self.populate(self.add_person(self.user, flavour=self.flavour), at=self.now())

    def expire_urls(self) -> None:
        """Make every download URL given so far invalid."""
        self.url_key = secrets.token_bytes(32)

    def add_person(self, upn: str, *, flavour: Flavour) -> Drive:
        """Add an account with an empty drive, and return the drive."""
        drive = self.add_drive(drive_id(flavour, upn.lower()), flavour)
        tenant = CONSUMERS if flavour is Flavour.PERSONAL else self.tenant_id
        self._know(Person.of(upn, tenant_id=tenant, drive_id=drive.id))
        return drive

    def add_person_without_drive(self, upn: str) -> None:
        self._know(Person.of(upn, tenant_id=self.tenant_id, drive_id=None))

    def add_drive(self, identifier: str, flavour: Flavour) -> Drive:
        drive = Drive(identifier, flavour, at=self.now())
        self.drives[drive_key(identifier)] = drive
        self.feeds[drive.id] = Feed(drive)
        return drive

    def drive(self, identifier: str | None) -> Drive | None:
        """Return the drive of this id: personal ids in any spelling, work ids by case. None: the first user's."""
        if identifier is None:
            return next(iter(self.drives.values()))
        return self.drives.get(drive_key(identifier))

    def _know(self, person: Person) -> None:
        self.people[person.upn.lower()] = person
        self.people[person.oid] = person


def drive_key(identifier: str) -> str:
    """Return one spelling for all those of a drive's id."""
    return identifier if identifier.startswith("b!") else identifier.lower().rjust(16, "0")
