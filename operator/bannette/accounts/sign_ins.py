"""How a channel's account signs in: as an application, or as the person who connected it."""

from __future__ import annotations

from collections.abc import Mapping

from bannette.accounts.clients import client_of, credentials_in
from bannette.errors import PersonNeeded
from bannette.onedrive import (
    ApplicationCredentials,
    Connection,
    DelegatedSignIn,
    Endpoints,
    SignIn,
    Tokens,
    TokenStore,
)
from bannette.resources import ApplicationAccount, Channel, DelegatedAccount


def sign_in(
    channel: Channel,
    endpoints: Endpoints,
    *,
    secret: Mapping[str, str],
    connections: TokenStore,
    environ: Mapping[str, str],
) -> Tokens:
    """Return what gives tokens for the channel's account.

    Args:
        secret: the members of the account's credentials Secret; empty without one.
        connections: where the connection of an account that a person connects is kept.

    Raises:
        PersonNeeded: NotConnected, or the credentials aren't what the account needs.
        Transient: the connection can't be read now.
    """
    account = channel.onedrive.account
    if isinstance(account, ApplicationAccount):
        return SignIn(endpoints, application_credentials(channel, account, secret))
    client = client_of(channel, account, secret, environ)
    return DelegatedSignIn(endpoints, client, connections, connected(channel, account, connections))


def connected(channel: Channel, account: DelegatedAccount, connections: TokenStore) -> Connection:
    """Return the connection of the channel's account.

    Raises:
        PersonNeeded: there is none, or it is another account's.
        Transient: it can't be read now.
    """
    connection = connections.load()
    if connection is None:
        raise PersonNeeded(
            f'No account is connected to channel "{channel.name}" of namespace "{channel.namespace}": '
            f"{connections.advice}.",
            reason="NotConnected",
        )
    if connection.account.casefold() != account.login_hint.casefold():
        raise PersonNeeded(
            f'The account that is connected to channel "{channel.name}" of namespace "{channel.namespace}" isn\'t the '
            f"one that account.delegated.loginHint names. To connect that one, {connections.advice}.",
            reason="NotConnected",
        )
    return connection


def application_credentials(
    channel: Channel, account: ApplicationAccount, secret: Mapping[str, str]
) -> ApplicationCredentials:
    """Return the credentials that the members of a Secret make for *account*.

    Raises:
        PersonNeeded: they don't.
    """
    shared, certificate = credentials_in(channel, account.credentials_secret, secret)
    return ApplicationCredentials(
        tenant_id=account.tenant_id, client_id=account.client_id, secret=shared, certificate=certificate
    )
