"""Whether a recipient is written to now, and about which channels. Pure: what is known goes in, one mail comes out.

Nobody is forgotten: what is due stays due until a mail about it was sent. Nobody is flooded: mails to one recipient
keep a distance and a number a day, and a channel is asked for once, and then as often as there are reminders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bannette.resources import UNUSED_ENDS, Asked, Standing


class Kind(StrEnum):
    """What a mail asks for or tells, the more urgent first; see `messages`."""

    LOST = "Lost"
    CONNECT = "Connect"
    REMINDER = "Reminder"
    LAPSING = "Lapsing"
    FAILURE = "Failure"
    FIRST = "FirstCollection"
    DIGEST = "Digest"


@dataclass(frozen=True, kw_only=True)
class KnownChannel:
    """A channel whose account its owner connects.

    Attributes:
        key: tells it from the recipient's others.
        since: when it was made (Never), lost (Lost), or its connection last used (Connected).
        suspended: nothing is collected, so nobody is asked for what isn't wanted now.
        left: somebody had signed in, and somebody removed that: it is asked for once, a while later.
        asked: what was written about it last.
        requested: when its owner asked for one more mail.
    """

    key: str
    standing: Standing
    since: datetime
    suspended: bool = False
    left: bool = False
    asked: Asked | None = None
    requested: datetime | None = None

    @property
    def is_asked(self) -> bool:
        """Whether what was written about it last was for how it stands now."""
        return self.asked is not None and (self.asked.standing, self.asked.occasion) == (self.standing, self.since)

    @property
    def wanted(self) -> datetime | None:
        """When its owner asked for a mail that they weren't sent yet; nobody does for an account that is connected."""
        # What was asked for before that is about a connection that came, and has gone since.
        if self.requested is None or self.standing is Standing.CONNECTED or self.requested < self.since:
            return None
        return self.requested if self.asked is None or self.requested > self.asked.last else None


@dataclass(frozen=True)
class News:
    """What is to be told of a channel, once, from *when* on."""

    key: str
    kind: Kind
    when: datetime


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often people are written to.

    Attributes:
        settle: how long a channel waits for others that were made, or lost, together with it.
        between_mails: at least, to one recipient.
        mails_a_day: at most, to one recipient, in any 24 hours.
        same_channel: at least, between a mail about a channel and one about another occasion: connections that are
            lost again and again are told of once in this time.
        on_request: at least, between a mail about a channel and one that is asked for at its page; then between that
            and the next one that is asked for, at the page of any of the recipient's channels, and so on. As many
            pauses, as many such mails in any 24 hours: whoever knows a channel's name may ask.
        reminders: after the first mail; ascending.
        unused: after this time without use, Microsoft ends a connection.
        warned: so long before.
    """

    settle: timedelta = timedelta(minutes=1)
    between_mails: timedelta = timedelta(minutes=10)
    mails_a_day: int = 6
    same_channel: timedelta = timedelta(days=1)
    on_request: tuple[timedelta, ...] = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=9))
    reminders: tuple[timedelta, ...] = (timedelta(days=3), timedelta(days=7))
    unused: timedelta = UNUSED_ENDS
    warned: timedelta = timedelta(days=14)

    def __post_init__(self) -> None:
        if any(step <= timedelta(0) for step in self.steps) or self.mails_a_day < 1:
            raise ValueError("reminders must ascend, and there must be a mail a day")

    @property
    def steps(self) -> tuple[timedelta, ...]:
        """The time from each mail to the next one."""
        return tuple(
            later - earlier for earlier, later in zip((timedelta(0), *self.reminders), self.reminders, strict=False)
        )


@dataclass(frozen=True)
class Mail:
    """One mail of *kind*, about the channels with these keys; *requested*: it goes because somebody asked for it."""

    kind: Kind
    keys: tuple[str, ...]
    requested: bool = False


@dataclass(frozen=True)
class Plan:
    """What to send now, if anything; and when to look again, unless something changes before: None is never."""

    mail: Mail | None
    look_again: datetime | None


@dataclass(frozen=True)
class _Due:
    """A channel is due at *when*; from *early* on it comes along with another of its kind."""

    key: str
    kind: Kind
    when: datetime
    early: datetime
    requested: bool = False


# Times that lie so far ahead were written by a wrong clock; a little ahead is another replica's clock.
_WRONG_CLOCK: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_KINDS: Final = list(Kind)


def plan(
    channels: Sequence[KnownChannel],
    mailed: Sequence[datetime],
    *,
    now: datetime,
    pace: Pace,
    news: Sequence[News] = (),
    requests: Sequence[datetime] = (),
) -> Plan:
    """Return what one recipient is to be sent now.

    Args:
        channels: all of the recipient's.
        mailed: when mails were sent to them, in order; the last ``pace.mails_a_day`` are enough.
        news: what they weren't told yet.
        requests: when mails were sent to them because somebody asked, in order.
    """
    told = [_Due(one.key, one.kind, one.when, one.when) for one in news]
    dues = sorted([*_dues(channels, requests, now, pace), *told], key=lambda due: (due.when, _KINDS.index(due.kind)))
    if not dues:
        return Plan(None, None)
    first = dues[0]
    allowed = _allowed(mailed, now, pace)
    if max(first.when, allowed) > now:
        return Plan(None, max(first.when, allowed))
    # The kind that waits longest, so that none waits for ever behind another.
    along = [due for due in dues if due.kind is first.kind and due.early <= now]
    mail = Mail(first.kind, tuple(sorted(due.key for due in along)), requested=first.requested)
    return Plan(mail, now + pace.between_mails)


def written(channel: KnownChannel, *, now: datetime) -> Asked:
    """Return what is to be remembered of a channel after a mail about it was sent."""
    before = channel.asked
    if before is None or not channel.is_asked:
        return Asked(standing=channel.standing, occasion=channel.since, first=now, last=now, times=1)
    # What people ask for themselves takes no reminder away.
    return replace(before, last=now, times=before.times + (0 if channel.wanted else 1))


def _dues(channels: Sequence[KnownChannel], requests: Sequence[datetime], now: datetime, pace: Pace) -> Iterator[_Due]:
    due: _Due | None
    allowed = _allowed_on_request([when for when in requests if not _is_ahead(when, now)], pace)
    for channel in channels:
        if channel.standing is Standing.CONNECTED:
            due = _lapse(channel, now, pace)
        elif channel.suspended:
            due = None
        elif channel.asked is not None and channel.is_asked:
            due = None if channel.left else _reminder(channel.key, channel.asked, now, pace)
        else:
            due = _first(channel, now, pace)
        if channel.wanted is not None:
            requested = _requested(channel, max([min(channel.wanted, now), *allowed]), now, pace)
            # What strangers ask for doesn't keep back what goes by itself.
            due = requested if due is None or requested.when < due.when else due
        if due is not None:
            yield due


def _requested(channel: KnownChannel, when: datetime, now: datetime, pace: Pace) -> _Due:
    if channel.asked is not None and not _is_ahead(channel.asked.last, now):
        when = max(when, channel.asked.last + pace.on_request[0])
    kind = Kind.REMINDER if channel.is_asked else _kind_of(channel)
    return _Due(channel.key, kind, when, when, requested=True)


def _allowed_on_request(requests: Sequence[datetime], pace: Pace) -> list[datetime]:
    """Return the times that a mail must wait for, after those that somebody asked for before."""
    times = []
    # After so many in 24 hours, so long a pause.
    for number, pause in enumerate(pace.on_request[1:], start=1):
        if number <= len(requests):
            times.append(min(requests[-1] + pause, requests[-number] + _DAY))
    if len(requests) >= len(pace.on_request):
        times.append(requests[-len(pace.on_request)] + _DAY)
    return times


def _kind_of(channel: KnownChannel) -> Kind:
    return Kind.CONNECT if channel.standing is Standing.NEVER else Kind.LOST


def _first(channel: KnownChannel, now: datetime, pace: Pace) -> _Due:
    settle = pace.same_channel if channel.left else pace.settle
    when = channel.since + settle if channel.since <= now else now
    early = min(when, now)
    if channel.asked is not None and not _is_ahead(channel.asked.last, now):
        when = max(when, channel.asked.last + pace.same_channel)
        early = max(early, channel.asked.last + pace.same_channel)
    return _Due(channel.key, _kind_of(channel), when, early)


def _reminder(key: str, asked: Asked, now: datetime, pace: Pace) -> _Due | None:
    number = asked.times - 1
    if number >= len(pace.reminders):
        return None
    step = pace.steps[number]
    when = now if _is_ahead(asked.last, now) else max(asked.first + pace.reminders[number], asked.last + step)
    return _Due(key, Kind.REMINDER, when, when - min(_DAY / 2, step / 4))


def _lapse(channel: KnownChannel, now: datetime, pace: Pace) -> _Due | None:
    # What was used last by a clock that was wrong was used by now.
    ends = min(channel.since, now) + pace.unused
    # What has ended can't be warned of; the next run, or the next check, finds it lost.
    if channel.is_asked or ends <= now:
        return None
    return _Due(channel.key, Kind.LAPSING, ends - pace.warned, ends - pace.warned * 1.5)


def _allowed(mailed: Sequence[datetime], now: datetime, pace: Pace) -> datetime:
    sent = [when for when in mailed if not _is_ahead(when, now)]
    times = [now]
    if sent:
        times.append(sent[-1] + pace.between_mails)
    if len(sent) >= pace.mails_a_day:
        times.append(sent[-pace.mails_a_day] + _DAY)
    return max(times)


def _is_ahead(when: datetime, now: datetime) -> bool:
    return when > now + _WRONG_CLOCK
