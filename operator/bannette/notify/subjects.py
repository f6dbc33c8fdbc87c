"""What a mail is about: the channels of one recipient, and what is to be said of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where documents come from, in the words of the person whose they are.

    Attributes:
        company: who collects them, as the Binder says.
        channel: the channel's name, to be quoted when somebody asks.
        folder: path from the top of the drive; "/" is the whole drive.
        account: the account whose OneDrive it is.
    """

    company: str
    channel: str
    folder: str
    account: str


@dataclass(frozen=True, kw_only=True)
class Ask(Source):
    """An account that its owner is asked to connect.

    Attributes:
        link: https address of the channel's page; signed, so it is a secret of the mail.
        expires: until when the link can be opened; its day is said in the time zone that it has.

    Raises: ValueError: the link isn't https.
    """

    link: str
    expires: datetime

    def __post_init__(self) -> None:
        if not self.link.startswith("https://"):
            raise ValueError("a link in a mail must be https")


@dataclass(frozen=True, kw_only=True)
class Loss(Ask):
    """A connection that was lost: *since* when, and the ``reason`` of the channel's condition Connected.

    Attributes:
        application: the id of the one that Microsoft doesn't let in, or empty.
        consent_link: where the administrator of the account's tenant allows it; empty if that isn't what lacks.
    """

    since: datetime
    reason: str | None = None
    application: str = ""
    consent_link: str = ""


@dataclass(frozen=True, kw_only=True)
class Lapse(Ask):
    """A connection that Microsoft will end at *lapses*, since nobody uses it."""

    lapses: datetime


@dataclass(frozen=True, kw_only=True)
class Collected(Source):
    """What one run, or the runs of one day, came to.

    Attributes:
        failed: the last of them failed.
    """

    collected: int
    duplicates: int = 0
    deferred: int = 0
    rejected: int = 0
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Failure(Source):
    """A channel whose runs fail: *since* when, the ``reason`` of the last one, and the application's id."""

    since: datetime
    reason: str
    application: str = ""
