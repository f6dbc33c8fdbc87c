"""Under which application people sign in, and the credentials that a Secret has for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bannette.errors import PersonNeeded
from bannette.onedrive import Certificate, Client
from bannette.resources import Channel, DelegatedAccount

# Names the installation's own application, for channels without account.delegated.clientId.
CLIENT_ID_VARIABLE: Final = "BANNETTE_CLIENT_ID"


def application_of(account: DelegatedAccount, environ: Mapping[str, str]) -> str | None:
    """Return the id of the application under which people connect an account; None if none is named."""
    return account.client_id or environ.get(CLIENT_ID_VARIABLE, "").strip() or None


def client_of(
    channel: Channel, account: DelegatedAccount, secret: Mapping[str, str], environ: Mapping[str, str]
) -> Client:
    """Return the application under which people connect the channel's account.

    Raises:
        PersonNeeded: none is named, or its Secret has no credentials.
    """
    client_id = application_of(account, environ)
    if client_id is None:
        raise PersonNeeded(
            f'Channel "{channel.name}" of namespace "{channel.namespace}" names no application to sign in with: set '
            f"account.delegated.clientId, or {CLIENT_ID_VARIABLE} for the whole installation.",
            reason="ClientIdMissing",
        )
    if account.credentials_secret is None:
        return Client(client_id)
    shared, certificate = credentials_in(channel, account.credentials_secret, secret)
    return Client(client_id, secret=shared, certificate=certificate)


def credentials_in(channel: Channel, name: str, secret: Mapping[str, str]) -> tuple[str | None, Certificate | None]:
    """Return the client secret or the certificate that the members of Secret *name* are.

    Raises:
        PersonNeeded: they are neither.
    """
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
