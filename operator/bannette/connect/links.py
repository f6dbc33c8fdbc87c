"""The link that a recipient is sent: it opens the page of one channel until it expires. Pure."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, Protocol

from bannette.web.sealing import Keys

LIFETIME: Final = timedelta(days=14)
_PURPOSE: Final = "link"


class LinkFault(Enum):
    """Why a link opens nothing."""

    FORGED = "forged"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Ticket:
    """What a link says.

    Attributes:
        channel: uid of the channel, so that a link doesn't open another one that was made later under its name.
    """

    channel: str
    expires: datetime


class Named(Protocol):
    """What a link needs of a channel."""

    @property
    def namespace(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def uid(self) -> str: ...


def make_link(public_url: str, channel: Named, keys: Keys, *, expires: datetime) -> str:
    """Return the address of the page of *channel*, good until *expires*."""
    return f"{public_url}/c/{channel.namespace}/{channel.name}?t={make_token(channel.uid, keys, expires=expires)}"


def make_token(channel_uid: str, keys: Keys, *, expires: datetime) -> str:
    """Return what makes an address a link."""
    seconds = int(expires.timestamp())
    return keys.seal(_PURPOSE, {"channel": channel_uid, "expires": seconds, "nonce": secrets.token_urlsafe(12)})


def read_token(token: str, keys: Keys, *, now: datetime) -> Ticket | LinkFault:
    """Return what *token* says, or why it opens nothing."""
    members = keys.open(_PURPOSE, token)
    if members is None:
        return LinkFault.FORGED
    expires = datetime.fromtimestamp(int(str(members["expires"])), UTC)
    return Ticket(str(members["channel"]), expires) if now < expires else LinkFault.EXPIRED
