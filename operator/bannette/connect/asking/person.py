"""A recipient and the channels that name them: what is known when it is decided whether they are written to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from bannette.connect.asking.facts import ChannelFacts, Run
from bannette.notify.plan import KnownChannel, Mail
from bannette.resources import MailedChannel, Recipient


@dataclass(frozen=True)
class Person:
    """A recipient, with the channels that name them.

    Attributes:
        version: the Recipient's resourceVersion.
        channels: in the order of their names.
        companies: by the names of binders that exist.
    """

    recipient: Recipient
    version: str
    channels: tuple[ChannelFacts, ...]
    companies: Mapping[str, str]

    @cached_property
    def _told(self) -> Mapping[str, MailedChannel]:
        status = self.recipient.status
        # What went to an address of before didn't reach the person.
        if status.email not in (None, self.recipient.email):
            return {}
        return {one.uid: one for one in status.channels}

    def told(self, channel: ChannelFacts) -> MailedChannel:
        """Return what they were told of a channel."""
        return self._told.get(channel.uid) or MailedChannel(name=channel.name, uid=channel.uid)

    @property
    def askable(self) -> list[ChannelFacts]:
        """The channels that a mail can speak of: those whose binder, and with it the company, is there."""
        return [one for one in self.channels if one.binder in self.companies]

    def about(self, mail: Mail) -> list[ChannelFacts]:
        """Return the channels that a mail is about, in the order of their companies and names."""
        keys = frozenset(mail.keys)
        found = [one for one in self.channels if one.uid in keys]
        return sorted(found, key=lambda one: (self.companies.get(one.binder, ""), one.name))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of their days: that of their first channel."""
        return ZoneInfo(self.channels[0].zone if self.channels else "UTC")

    def day_before(self, now: datetime) -> date:
        return now.astimezone(self.zone).date() - timedelta(days=1)

    def runs_of(self, channel: ChannelFacts, day: date) -> list[Run]:
        """Return the runs of a channel that ended on *day*, the last one first."""
        return [run for run in channel.runs if run.at.astimezone(self.zone).date() == day]

    def known(self, channel: ChannelFacts) -> KnownChannel | None:
        """Return a channel as mails are planned by; None if nobody can be asked for its account."""
        connection, told = channel.connection, self.told(channel)
        if connection is None:
            return None
        # What they were asked about another account counts for nothing.
        another = told.account is not None and told.account.casefold() != channel.account.casefold()
        return KnownChannel(
            key=channel.uid,
            standing=connection.standing,
            since=connection.since,
            suspended=channel.suspended,
            left=connection.left,
            asked=None if another else told.asked,
            requested=told.requested_at,
        )
