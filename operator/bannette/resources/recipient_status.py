"""What is known about a recipient: which mails they were sent, and what about, so that nobody is asked twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from bannette.resources.fields import InvalidResource, Section
from bannette.resources.rules import REFERENCE, UID
from bannette.resources.status import Condition, find_condition
from bannette.resources.times import format_time

# As many as the CustomResourceDefinition lets in.
MOST_MAILS: Final = 24
MOST_CHANNELS: Final = 2000


class Standing(StrEnum):
    """How an account is connected."""

    NEVER = "Never"
    CONNECTED = "Connected"
    LOST = "Lost"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was written about a channel: kept until the next look.

    Attributes:
        standing, occasion: what it was for: the channel's standing, and since when it stood so.
        first, last: when.
        times: how often.
    """

    standing: Standing
    occasion: datetime
    first: datetime
    last: datetime
    times: int

    def to_dict(self) -> dict[str, object]:
        return {
            "standing": self.standing.value,
            "occasion": format_time(self.occasion),
            "first": format_time(self.first),
            "last": format_time(self.last),
            "times": self.times,
        }

    @classmethod
    def read(cls, asked: Section) -> Asked:
        return cls(
            standing=asked.choice("standing", Standing),
            occasion=asked.time("occasion"),
            first=asked.time("first"),
            last=asked.time("last"),
            times=asked.number("times", default=1, least=1),
        )


@dataclass(frozen=True, kw_only=True)
class MailedChannel:
    """What a recipient was told of one channel.

    Attributes:
        uid: so that a channel that is made again is another one.
        account: that they were asked for; another one is asked for anew.
        requested_at: when somebody asked at the channel's page for one more mail.
        first_collection_at, failure_at: when they were told that the first collection is done, or that runs fail.
    """

    name: str
    uid: str
    account: str | None = None
    asked: Asked | None = None
    requested_at: datetime | None = None
    first_collection_at: datetime | None = None
    failure_at: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        return _present(
            name=self.name,
            uid=self.uid,
            account=self.account,
            asked=self.asked and self.asked.to_dict(),
            requestedAt=_formatted(self.requested_at),
            firstCollectionAt=_formatted(self.first_collection_at),
            failureAt=_formatted(self.failure_at),
        )

    @classmethod
    def read(cls, channel: Section) -> MailedChannel:
        return cls(
            name=channel.text("name", REFERENCE),
            uid=channel.text("uid", UID),
            account=channel.optional_text("account"),
            asked=channel.optional("asked", Asked.read),
            requested_at=channel.optional_time("requestedAt"),
            first_collection_at=channel.optional_time("firstCollectionAt"),
            failure_at=channel.optional_time("failureAt"),
        )


@dataclass(frozen=True, kw_only=True)
class SentMail:
    """A mail that the server took over: when, of which kind, about how many channels, because somebody asked or not."""

    at: datetime
    kind: str
    channels: int
    requested: bool = False

    def to_dict(self) -> dict[str, object]:
        said = {"at": format_time(self.at), "kind": self.kind, "channels": self.channels}
        return said | {"requested": True} if self.requested else said

    @classmethod
    def read(cls, mail: Section) -> SentMail:
        return cls(
            at=mail.time("at"),
            kind=mail.text("kind"),
            channels=mail.number("channels", default=1),
            requested=mail.flag("requested", default=False),
        )


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A mail that isn't sent yet: claimed by one process that is about to hand it over, or refused before.

    Attributes:
        id: what stands before the @ of its Message-ID: the same for as long as it is the same mail.
        claimed_at, claimed_by: of the process that hands it over now; None while nobody does.
        failures: how often it was refused.
        retry_at: when it is tried again.
    """

    id: str
    claimed_at: datetime | None = None
    claimed_by: str | None = None
    failures: int = 0
    retry_at: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        """Return all members, null those that are absent: a merge patch would keep the ones before."""
        return {
            "id": self.id,
            "claimedAt": _formatted(self.claimed_at),
            "claimedBy": self.claimed_by,
            "failures": self.failures,
            "retryAt": _formatted(self.retry_at),
        }

    @classmethod
    def read(cls, attempt: Section) -> Attempt:
        return cls(
            id=attempt.text("id"),
            claimed_at=attempt.optional_time("claimedAt"),
            claimed_by=attempt.optional_text("claimedBy"),
            failures=attempt.number("failures", default=0),
            retry_at=attempt.optional_time("retryAt"),
        )


@dataclass(frozen=True, kw_only=True)
class RecipientStatus:
    """A recipient's status.

    Attributes:
        observed_generation: of the spec that the last attempt to write went by.
        email: the address that was written to; what was sent to another one counts as not sent.
        mails: the last ones, newest first.
        digest_day: the last day that they were sent a digest of.
    """

    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    email: str | None = None
    mails: tuple[SentMail, ...] = ()
    channels: tuple[MailedChannel, ...] = ()
    digest_day: date | None = None
    attempt: Attempt | None = None

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of that type, if it's there."""
        return find_condition(self.conditions, kind)

    def to_dict(self) -> dict[str, object]:
        """Return the status for a merge patch: null removes what is absent."""
        return {
            "observedGeneration": self.observed_generation,
            "conditions": [one.to_dict() for one in self.conditions] or None,
            "email": self.email,
            "lastMail": format_time(self.mails[0].at) if self.mails else None,
            "mails": [one.to_dict() for one in self.mails] or None,
            "channels": [one.to_dict() for one in self.channels] or None,
            "digestDay": self.digest_day and self.digest_day.isoformat(),
            "attempt": self.attempt and self.attempt.to_dict(),
        }

    @classmethod
    def salvage(cls, body: Mapping[str, object]) -> RecipientStatus:
        """Return what of *body* can be read; the rest is as good as absent: a status may be lost at any time."""
        return cls.read(Section(dict(_readable(body)), owner="Status"))

    @classmethod
    def read(cls, status: Section) -> RecipientStatus:
        day = status.optional_text("digestDay")
        try:
            digest_day = date.fromisoformat(day) if day else None
        except ValueError:
            raise status.invalid("digestDay", 'must be a day such as "2026-11-24"') from None
        return cls(
            observed_generation=status.number("observedGeneration", default=0) or None,
            conditions=status.every("conditions", Condition.read),
            email=status.optional_text("email"),
            mails=status.every("mails", SentMail.read),
            channels=status.every("channels", MailedChannel.read),
            digest_day=digest_day,
            attempt=status.optional("attempt", Attempt.read),
        )


def _readable(body: Mapping[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in body.items():
        if isinstance(value, list):
            found.append((name, [item for item in value if _reads({name: [item]})]))
        elif _reads({name: value}):
            found.append((name, value))
    return found


def _reads(body: Mapping[str, object]) -> bool:
    try:
        RecipientStatus.read(Section(body, owner="Status"))
    except InvalidResource:
        return False
    return True


def _present(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _formatted(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)
