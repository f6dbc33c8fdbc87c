"""The names that the resources have in Kubernetes, and the identity of those that live in a file."""

from __future__ import annotations

import uuid
from typing import Final

GROUP: Final = "bannette.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

CHANNELS: Final = "collectionchannels"
BINDERS: Final = "binders"
RECIPIENTS: Final = "recipients"

REQUESTED_AT: Final = f"{GROUP}/requestedAt"
CHECK_CONNECTION: Final = f"{GROUP}/check-connection"
DISCONNECT: Final = f"{GROUP}/disconnect"
ADOPT: Final = f"{GROUP}/adopt"
# Of a Binder: whoever has the token with this SHA-256 is to be served its inbox; and when that was asked for.
INBOX_READER: Final = f"{GROUP}/inbox-reader"
INBOX_OPENED: Final = f"{GROUP}/inbox-opened"

# Of the Secret that holds an account's connection: the key of its tokens, and who signed in when, and by which sign-in.
TOKEN_KEY: Final = "token-cache"  # noqa: S105 - a key's name
CONNECTION_ID_ANNOTATION: Final = f"{GROUP}/connection-id"
ACCOUNT_ANNOTATION: Final = f"{GROUP}/account"
CONNECTED_AT_ANNOTATION: Final = f"{GROUP}/connected-at"
# The request to disconnect that was acted upon.
DISCONNECTED_ANNOTATION: Final = f"{GROUP}/disconnected"
# Tells the last disconnection from those before: a sign-in that began before it isn't kept.
DISCONNECTION_ANNOTATION: Final = f"{GROUP}/disconnection"


def token_secret_name(channel: str) -> str:
    """Return the name of the Secret that holds the connection of the channel's account."""
    return f"{channel}-onedrive"


def uid_of_channel(namespace: str, name: str) -> str:
    """Return the identity of a channel that has no uid of its own, since it comes from a file."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bannette:{namespace}/{name}"))


def uid_of_binder(namespace: str, name: str) -> str:
    """Return the identity of a binder that has no uid of its own, since it comes from a file."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bannette:binder/{namespace}/{name}"))
