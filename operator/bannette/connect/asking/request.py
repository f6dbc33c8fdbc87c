"""One more mail, because its owner asks for it at the channel's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bannette.connect.asking.register import version_of
from bannette.kube import ClusterApi, contended
from bannette.resources import RECIPIENTS, Channel, MailedChannel, Recipient
from bannette.resources.recipient_status import MOST_CHANNELS


def request_mail(api: ClusterApi, channel: Channel, *, now: datetime) -> Recipient:
    """Have the recipient of *channel* sent the link once more, and return the recipient.

    Whether and when the mail goes is decided by the pace of all mails; asking again before that changes nothing. An
    account that is connected is not asked for.

    Raises:
        PersonNeeded: there is no such recipient, or it isn't acceptable, or may not be written to.
        Transient: the API server can't be reached, or the recipient changes all the time.
    """
    api = api.within(channel.namespace)
    what = f'Recipient "{channel.recipient}" of namespace "{channel.namespace}"'
    return contended(lambda: _requested(api, channel, now), what=what)


def _requested(api: ClusterApi, channel: Channel, now: datetime) -> Recipient:
    body = api.get(RECIPIENTS, channel.recipient)
    recipient = Recipient.parse(body)
    told = {one.uid: one for one in recipient.status.channels}
    one = told.get(channel.uid) or MailedChannel(name=channel.name, uid=channel.uid)
    if not _waits(one, channel) and (channel.uid in told or len(told) < MOST_CHANNELS):
        told[channel.uid] = replace(one, requested_at=now)
        status = {"channels": [known.to_dict() for known in told.values()]}
        api.patch_status(RECIPIENTS, recipient.name, {"status": status}, resource_version=version_of(body))
    return recipient


def _waits(told: MailedChannel, channel: Channel) -> bool:
    """Tell whether a mail was asked for that wasn't sent yet, and not before the account stood as it does now."""
    if told.requested_at is None or (told.asked is not None and told.requested_at <= told.asked.last):
        return False
    said, pages = channel.status.condition("Connected"), channel.status.pages
    times = (said.last_transition_time if said else None, pages.changed_at if pages else None)
    return all(time is None or told.requested_at >= time.replace(microsecond=0) for time in times)
