"""What one recipient is written now, and what is remembered of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

from bannette.connect.asking.facts import ChannelFacts, Run
from bannette.connect.asking.person import Person
from bannette.connect.asking.settings import AskingSettings
from bannette.errors import BannetteError
from bannette.notify.plan import Kind, Mail, News, Plan, plan, written
from bannette.resources import (
    Attempt,
    Condition,
    ConditionStatus,
    MailedChannel,
    Recipient,
    RecipientStatus,
    SentMail,
    Standing,
    set_condition,
)
from bannette.resources.recipient_status import MOST_MAILS

NOTIFIED: Final = "Notified"
# What is older is no news: mails may have been switched on long after it happened.
_NEWS: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)


class Wait(Enum):
    """How it stands with a recipient some of whose accounts aren't connected.

    Asked: for each of them. Unasked: of one at least nothing was written yet.
    """

    ASKED = "asked"
    UNASKED = "unasked"


def wait_of(person: Person) -> Wait | None:
    """Return whether a recipient is waited for; None if all that they can connect is connected, or isn't wanted now."""
    known = [person.known(channel) for channel in person.askable]
    wanted = [one for one in known if one is not None and one.standing is not Standing.CONNECTED and not one.suspended]
    if not wanted:
        return None
    return Wait.ASKED if all(one.is_asked for one in wanted) else Wait.UNASKED


def next_mail(person: Person, *, now: datetime, settings: AskingSettings) -> Plan:
    """Return what the recipient is to be sent now, and when to look again."""
    known = [person.known(channel) for channel in person.askable]
    news = [*_firsts(person, now, settings), *_failures(person, settings), *_digest(person, now, settings)]
    return plan(
        [channel for channel in known if channel is not None],
        [mail.at for mail in reversed(person.recipient.status.mails)],
        now=now,
        pace=settings.pace,
        news=news,
        requests=[mail.at for mail in reversed(person.recipient.status.mails) if mail.requested],
    )


def mail_id(person: Person, mail: Mail, *, now: datetime) -> str:
    """Return what stands before the @ of a mail's Message-ID: the same for as long as it is the same mail."""
    parts = [person.recipient.uid, person.recipient.email, mail.kind.value]
    for channel in person.about(mail):
        told, connection = person.told(channel), channel.connection
        occasion = connection and (connection.standing.value, connection.since)
        asked = told.asked and (told.asked.standing.value, told.asked.occasion, told.asked.times)
        known: dict[Kind, object] = {
            Kind.FIRST: channel.first and channel.first.at,
            Kind.FAILURE: told.failure_at,
            Kind.DIGEST: person.day_before(now),
        }
        parts += [channel.uid, repr(known.get(mail.kind, (occasion, asked, told.requested_at)))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def sent(person: Person, mail: Mail, *, day: date, now: datetime) -> RecipientStatus:
    """Return the recipient's status after a mail was sent; of channels that don't name them any more nothing stays.

    Args:
        day: that a digest is of: it was decided upon before, and a mail may take until after midnight.
    """
    keys = frozenset(mail.keys)
    told = [
        _told_now(person, channel, mail.kind, now) if channel.uid in keys else person.told(channel)
        for channel in person.channels
    ]
    before = person.recipient.status
    number = f"{len(keys)} channels" if len(keys) > 1 else "one channel"
    entry = SentMail(at=now, kind=mail.kind.value, channels=len(keys), requested=mail.requested)
    status = replace(
        before,
        email=person.recipient.email,
        mails=(entry, *before.mails)[:MOST_MAILS],
        channels=tuple(one for one in told if one != MailedChannel(name=one.name, uid=one.uid)),
        digest_day=day if mail.kind is Kind.DIGEST else before.digest_day,
        attempt=None,
    )
    condition = Condition(
        NOTIFIED,
        ConditionStatus.TRUE,
        reason="MailSent",
        message=f"The server for mails took over the last one: {mail.kind.value}, about {number}.",
    )
    return _noted(status, person.recipient, condition, now)


def refused(recipient: Recipient, error: BannetteError, *, attempt: Attempt | None, now: datetime) -> RecipientStatus:
    """Return the recipient's status after a mail couldn't be sent.

    Args:
        attempt: what is kept of it; None if others fare no better, so that it isn't the recipient's.
    """
    condition = Condition(NOTIFIED, ConditionStatus.FALSE, reason=error.reason, message=str(error))
    return _noted(replace(recipient.status, attempt=attempt), recipient, condition, now)


def _noted(status: RecipientStatus, recipient: Recipient, condition: Condition, now: datetime) -> RecipientStatus:
    dated = replace(condition, observed_generation=recipient.generation)
    return replace(
        status,
        observed_generation=recipient.generation,
        conditions=set_condition(status.conditions, dated, now),
    )


def _told_now(person: Person, channel: ChannelFacts, kind: Kind, now: datetime) -> MailedChannel:
    before, known = person.told(channel), person.known(channel)
    match kind:
        case Kind.FIRST:
            return replace(before, first_collection_at=now)
        case Kind.FAILURE:
            return replace(before, failure_at=now)
        case Kind.DIGEST:
            return before
        case _:
            return before if known is None else replace(before, account=channel.account, asked=written(known, now=now))


def _firsts(person: Person, now: datetime, settings: AskingSettings) -> Iterator[News]:
    if not person.recipient.mails.first_collection:
        return
    for channel in person.askable:
        first = channel.first
        is_news = first is not None and first.at > now - _NEWS and person.told(channel).first_collection_at is None
        if first is not None and is_news and channel.delegated:
            yield News(channel.uid, Kind.FIRST, first.at + settings.pace.settle)


def _failures(person: Person, settings: AskingSettings) -> Iterator[News]:
    if not person.recipient.mails.failure:
        return
    for channel in person.askable:
        told_at, worked_at = person.told(channel).failure_at, channel.worked_at
        told = told_at is not None and (worked_at is None or worked_at < told_at)
        # They are asked for a connection that is lost, and needn't be told that nothing comes without it.
        works = not channel.delegated or (
            channel.connection is not None and channel.connection.standing is Standing.CONNECTED
        )
        if channel.failing is not None and works and not told and not channel.suspended:
            yield News(channel.uid, Kind.FAILURE, channel.failing.since + settings.failing)


def _digest(person: Person, now: datetime, settings: AskingSettings) -> Iterator[News]:
    if not person.recipient.mails.digest:
        return
    yesterday = person.day_before(now)
    for day in (yesterday, yesterday + _DAY):
        if (person.recipient.status.digest_day or date.min) < day:
            when = datetime.combine(day + _DAY, settings.digest_time, person.zone)
            for channel in person.askable:
                if any(_is_told_of(run) for run in person.runs_of(channel, day)):
                    yield News(channel.uid, Kind.DIGEST, when)


def _is_told_of(run: Run) -> bool:
    return run.failed or run.collected + run.duplicates > 0
