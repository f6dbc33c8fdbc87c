"""One more mail, because its owner asks for it at the channel's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from bannette.connect.asking.register import version_of
from bannette.errors import Transient
from bannette.kube import ClusterApi, Conflict
from bannette.resources import RECIPIENTS, Channel, MailedChannel, Recipient
from bannette.resources.recipient_status import MOST_CHANNELS

_ATTEMPTS: Final = 10


def request_mail(api: ClusterApi, channel: Channel, *, now: datetime) -> Recipient:
    """Have the recipient of *channel* sent the link once more, and return the recipient.

    Whether and when the mail goes is decided by the pace of all mails; asking again before that changes nothing. An
    account that is connected is not asked for.

    Raises:
        PersonNeeded: there is no such recipient, or it isn't acceptable, or may not be written to.
        Transient: the API server can't be reached, or the recipient changes all the time.
    """
    api = api.within(channel.namespace)
    for _ in range(_ATTEMPTS):
        body = api.get(RECIPIENTS, channel.recipient)
        recipient = Recipient.parse(body)
        told = {one.uid: one for one in recipient.status.channels}
        one = told.get(channel.uid) or MailedChannel(name=channel.name, uid=channel.uid)
        waits = one.requested_at is not None and (one.asked is None or one.requested_at > one.asked.last)
        if waits or (channel.uid not in told and len(told) >= MOST_CHANNELS):
            return recipient
        told[channel.uid] = replace(one, requested_at=now)
        status = {"channels": [known.to_dict() for known in told.values()]}
        try:
            api.patch_status(RECIPIENTS, recipient.name, {"status": status}, resource_version=version_of(body))
        except Conflict:
            continue
        return recipient
    raise Transient(
        f'Recipient "{channel.recipient}" of namespace "{channel.namespace}" changes all the time.',
        reason="ApiUnavailable",
    )
