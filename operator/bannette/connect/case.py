"""One channel as its page shows it: who asks, for what, and whether the account is connected."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from bannette.accounts import client_of, connection_in
from bannette.connect.faults import Fault, Stopped, not_ready
from bannette.errors import PersonNeeded
from bannette.kube import ClusterApi, contended
from bannette.onedrive import Client, Connection, Endpoints, endpoints_for
from bannette.resources import (
    BINDERS,
    CHANNELS,
    RECIPIENTS,
    Binder,
    Channel,
    ConditionStatus,
    DelegatedAccount,
    InvalidResource,
    Locale,
    Recipient,
    token_secret_name,
)
from bannette.resources.rules import CHANNEL_NAME, REFERENCE

# Of somebody who waits for a page: what they brought from Microsoft is good once, and lost if it can't be kept.
_PATIENCE: Final = 8.0
Body = Mapping[str, object]
Result = TypeVar("Result")


@dataclass
class Case:
    """A channel whose account a person connects.

    Attributes:
        company: of the binder that the documents go to; the namespace's name while there is no binder.
        language: the recipient's; None while there is no recipient.
        secret: the body of the channel's token Secret, as it was last seen or written.
    """

    api: ClusterApi
    channel: Channel
    account: DelegatedAccount
    company: str
    language: str | None
    secret: Body

    @property
    def key(self) -> str:
        return f"{self.channel.namespace}/{self.channel.name}"

    @property
    def connection(self) -> Connection | None:
        """The connection of the account that the channel names; None if there is none."""
        found = connection_in(self.secret)
        return found if found and found.account.casefold() == self.account.login_hint.casefold() else None

    @property
    def lost(self) -> str | None:
        """The reason why the connection doesn't hold any more, as the operator has found since the last sign-in."""
        connection, status = self.connection, self.channel.status
        said = next((one for one in status.conditions if one.type == "Connected"), None)
        if connection is None or said is None or said.status is not ConditionStatus.FALSE:
            return None
        # Until the operator has seen a new sign-in, it speaks of the one before. It was away if it says that a sign-in
        # which it has seen is lost, and has never said that it held.
        is_later = said.last_transition_time is not None and said.last_transition_time > connection.connected_at
        is_seen = status.connection is not None and status.connection.connected_at == connection.connected_at
        return said.reason if is_later or is_seen else None

    @property
    def is_untold(self) -> bool:
        """Whether the operator says that the account is connected though nobody is signed in: it isn't told of that."""
        said = self.channel.status.condition("Connected")
        return connection_in(self.secret) is None and said is not None and said.status is ConditionStatus.TRUE

    def endpoints(self, environ: Mapping[str, str]) -> Endpoints:
        return endpoints_for(self.channel.onedrive.cloud.value, environ)

    def client(self, environ: Mapping[str, str]) -> Client:
        """Return the application under which the account is connected; with its credentials, if it has any.

        Raises: PersonNeeded, Transient.
        """
        name = self.account.credentials_secret
        members = secret_members(self.api.get("secrets", name)) if name else {}
        return client_of(self.channel, self.account, members, environ)

    def change_secret(self, change: Callable[[Body], tuple[Body, Result]]) -> Result:
        """Put what *change* makes of the token Secret in its place, as `change_secret` does, for somebody who waits.

        Raises:
            Stopped: the Secret is gone; or what *change* raises.
            PersonNeeded, Transient: as for ``ClusterApi.put``.
        """
        self.secret, result = change_secret(self.api, self.channel, self.secret, change, patience=_PATIENCE)
        return result


def is_place(namespace: str, name: str) -> bool:
    """Tell whether a channel may have that namespace and name."""
    return REFERENCE.accepts(namespace) and CHANNEL_NAME.accepts(name)


def load_case(api: ClusterApi, namespace: str, name: str, *, uid: str) -> Case:
    """Return the channel *name* of *namespace*, if it has that *uid*.

    Raises:
        Stopped: it isn't there, nobody has to connect it, or its Secret isn't made yet.
        PersonNeeded: the channel isn't acceptable, or may not be read.
        Transient: the API server can't be reached, or answers with errors.
    """
    if not is_place(namespace, name):
        raise Stopped(Fault.CHANNEL_GONE)
    api = api.within(namespace)
    body = _found(api, CHANNELS, name)
    if body is None:
        raise Stopped(Fault.CHANNEL_GONE)
    channel = Channel.parse(body)
    # Another channel's link, or one that was made again: whether a name exists is nobody's business.
    if channel.uid != uid or channel.deleting:
        raise Stopped(Fault.CHANNEL_GONE)
    account = channel.onedrive.account
    if not isinstance(account, DelegatedAccount):
        raise Stopped(Fault.NOTHING_TO_CONNECT)
    return Case(
        api, channel, account, _company(api, channel), _language(api, channel), secret=token_secret(api, channel)
    )


def token_secret(api: ClusterApi, channel: Channel) -> Body:
    """Return the token Secret of *channel*.

    Raises:
        Stopped: it isn't there, or is still that of an earlier channel of this name.
        PersonNeeded, Transient: as for ``ClusterApi.get``.
    """
    found = _found(api, "secrets", token_secret_name(channel.name))
    metadata = found.get("metadata") if found else None
    owners = metadata.get("ownerReferences") if isinstance(metadata, Mapping) else None
    uids = {owner.get("uid") for owner in owners if isinstance(owner, Mapping)} if isinstance(owners, list) else set()
    if found is None or (uids and channel.uid not in uids):
        raise not_ready()
    return found


def change_secret(
    api: ClusterApi,
    channel: Channel,
    secret: Body,
    change: Callable[[Body], tuple[Body, Result]],
    *,
    patience: float = 0.0,
) -> tuple[Body, Result]:
    """Put what *change* makes of the token Secret of *channel* in its place, as often as somebody else was faster.

    Return the Secret of then, with what *change* says. Nothing is written if it stays as it is. An answer of the API
    server may be lost: *change* may find its own work.

    Args:
        secret: as it was last seen.
        patience: seconds for which an API server that is away is waited for, besides its own attempts.

    Raises:
        Stopped: the Secret is gone; or what *change* raises.
        PersonNeeded, Transient: as for ``ClusterApi.put``.
    """
    name, seen = token_secret_name(channel.name), [secret]

    def attempt() -> tuple[Body, Result]:
        before = seen.pop() if seen else token_secret(api, channel)
        changed, result = change(before)
        return (api.put("secrets", name, changed) if changed != before else before), result

    try:
        return contended(attempt, what=f'Secret "{name}" of namespace "{api.namespace}"', patience=patience)
    except PersonNeeded as error:
        raise not_ready() if error.reason == "NotFound" else error from None


def secret_members(body: Body) -> dict[str, str]:
    """Return what a Secret holds, by its keys; what is no text is left out."""
    data = body.get("data")
    members: dict[str, str] = {}
    for key, value in data.items() if isinstance(data, Mapping) else ():
        try:
            members[str(key)] = base64.b64decode(str(value), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return members


def _company(api: ClusterApi, channel: Channel) -> str:
    body = _found(api, BINDERS, channel.binder)
    try:
        return Binder.parse(body).company if body else channel.namespace
    except InvalidResource:
        return channel.namespace


def _language(api: ClusterApi, channel: Channel) -> str | None:
    body = _found(api, RECIPIENTS, channel.recipient)
    try:
        locale: Locale | None = Recipient.parse(body).locale if body else None
    except InvalidResource:
        return None
    return locale.value if locale else None


def _found(api: ClusterApi, plural: str, name: str) -> dict[str, object] | None:
    try:
        return api.get(plural, name)
    except PersonNeeded as error:
        if error.reason == "NotFound":
            return None
        raise
