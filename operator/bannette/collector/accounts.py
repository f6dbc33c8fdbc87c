"""How a channel's account signs in: as an application, or as the person who connected it."""

from __future__ import annotations

from collections.abc import Mapping

from bannette.errors import PersonNeeded
from bannette.onedrive import (
    ApplicationCredentials,
    Certificate,
    Client,
    Connection,
    DelegatedSignIn,
    Endpoints,
    SignIn,
    Tokens,
    TokenStore,
)
from bannette.resources import ApplicationAccount, Channel, DelegatedAccount

# Names the installation's own application, for channels without account.delegated.clientId.
CLIENT_ID_VARIABLE = "BANNETTE_CLIENT_ID"


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


def client_of(
    channel: Channel, account: DelegatedAccount, secret: Mapping[str, str], environ: Mapping[str, str]
) -> Client:
    """Return the application under which people connect the channel's account.

    Raises:
        PersonNeeded: none is named, or its Secret has no credentials.
    """
    client_id = account.client_id or environ.get(CLIENT_ID_VARIABLE, "").strip()
    if not client_id:
        raise PersonNeeded(
            f'Channel "{channel.name}" of namespace "{channel.namespace}" names no application to sign in with: set '
            f"account.delegated.clientId, or {CLIENT_ID_VARIABLE} for the whole installation.",
            reason="ClientIdMissing",
        )
    if account.credentials_secret is None:
        return Client(client_id)
    shared, certificate = _credentials(channel, account.credentials_secret, secret)
    return Client(client_id, secret=shared, certificate=certificate)


def application_credentials(
    channel: Channel, account: ApplicationAccount, secret: Mapping[str, str]
) -> ApplicationCredentials:
    """Return the credentials that the members of a Secret make for *account*.

    Raises:
        PersonNeeded: they don't.
    """
    shared, certificate = _credentials(channel, account.credentials_secret, secret)
    return ApplicationCredentials(
        tenant_id=account.tenant_id, client_id=account.client_id, secret=shared, certificate=certificate
    )


def _credentials(channel: Channel, name: str, secret: Mapping[str, str]) -> tuple[str | None, Certificate | None]:
    # Editors and `kubectl create secret --from-file` leave a newline at the end.
    shared = secret.get("clientSecret", "").strip()
    pem, key = secret.get("tls.crt", ""), secret.get("tls.key", "")
    certificate = Certificate(pem=pem, key=key) if pem.strip() and key.strip() else None
    if not shared and certificate is None:
        raise PersonNeeded(
            f'Secret "{name}" of namespace "{channel.namespace}" has neither clientSecret nor tls.crt and tls.key: '
            "add one of them.",
            reason="CredentialsMissing",
        )
    return None if certificate else shared, certificate
