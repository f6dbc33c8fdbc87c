"""The mail that was decided upon, in words. Pure, but for the links, which are made for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bannette.connect.asking.facts import ChannelFacts, Connection, Run
from bannette.connect.asking.person import Person
from bannette.notify import messages
from bannette.notify.plan import Kind, Mail, Pace
from bannette.notify.rendering import Message
from bannette.notify.subjects import Ask, Collected, Failure, Lapse, Loss
from bannette.resources import Standing
from bannette.web.rendering import on_clocks

# Why an account isn't let in until an administrator has agreed, on a page of Microsoft's.
_OF_ADMINISTRATORS: Final = "AdminConsentNeeded"


@dataclass(frozen=True)
class Links:
    """What makes the addresses in a mail.

    Attributes:
        page: makes that of a channel's page, which opens it until the time beside it.
        consent: makes that of the page where an administrator allows the application that reads the account.
    """

    page: Callable[[ChannelFacts], tuple[str, datetime]]
    consent: Callable[[ChannelFacts], str]


def compose(person: Person, mail: Mail, *, now: datetime, pace: Pace, links: Links) -> Message:
    """Return the mail."""
    recipient, channels = person.recipient, person.about(mail)
    match mail.kind:
        case Kind.CONNECT:
            return messages.connect_request(recipient, [_ask(person, one, links) for one in channels])
        case Kind.REMINDER:
            return messages.reminder(recipient, [_reminded(person, one, links) for one in channels])
        case Kind.LOST:
            losses = [_loss(person, one, lost, links) for one in channels if (lost := one.connection)]
            return messages.connection_lost(recipient, losses)
        case Kind.LAPSING:
            lapses = [_lapse(person, one, unused, pace, links) for one in channels if (unused := one.connection)]
            return messages.connection_lapsing(recipient, lapses)
        case Kind.FAILURE:
            failures = [
                Failure(
                    **_source(person, one),
                    since=_local(failing.since, one),
                    reason=failing.reason,
                    application=one.application,
                )
                for one in channels
                if (failing := one.failing)
            ]
            return messages.failure_notice(recipient, failures)
        case Kind.FIRST:
            collections = [_collected(person, one, [first]) for one in channels if (first := one.first)]
            return messages.first_collection(recipient, collections)
        case Kind.DIGEST:
            day = person.day_before(now)
            collections = [_collected(person, one, person.runs_of(one, day)) for one in channels]
            return messages.daily_digest(recipient, day, collections)


def _source(person: Person, channel: ChannelFacts) -> dict[str, str]:
    company = person.companies[channel.binder]
    return {"company": company, "channel": channel.name, "folder": channel.folder, "account": channel.account}


def _ask(person: Person, channel: ChannelFacts, links: Links) -> Ask:
    address, expires = links.page(channel)
    return Ask(**_source(person, channel), link=address, expires=_local(expires, channel))


def _reminded(person: Person, channel: ChannelFacts, links: Links) -> Ask:
    connection = channel.connection
    if connection is None or connection.standing is not Standing.LOST:
        return _ask(person, channel, links)
    return _loss(person, channel, connection, links)


def _loss(person: Person, channel: ChannelFacts, lost: Connection, links: Links) -> Loss:
    return Loss(
        **vars(_ask(person, channel, links)),
        since=_local(lost.since, channel),
        reason=lost.reason,
        application=channel.application,
        consent_link=links.consent(channel) if lost.reason == _OF_ADMINISTRATORS else "",
    )


def _lapse(person: Person, channel: ChannelFacts, unused: Connection, pace: Pace, links: Links) -> Lapse:
    return Lapse(**vars(_ask(person, channel, links)), lapses=_local(unused.since + pace.unused, channel))


def _collected(person: Person, channel: ChannelFacts, runs: list[Run]) -> Collected:
    """Return what some runs of a channel brought, the last one first; it says what is still put off or refused."""
    last = runs[0]
    return Collected(
        **_source(person, channel),
        collected=sum(run.collected for run in runs),
        duplicates=sum(run.duplicates for run in runs),
        deferred=last.deferred,
        rejected=last.rejected,
        failed=last.failed,
    )


def _local(time: datetime, channel: ChannelFacts) -> datetime:
    return on_clocks(time, channel.zone)
