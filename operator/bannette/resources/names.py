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
ADOPT: Final = f"{GROUP}/adopt"


def uid_of_channel(namespace: str, name: str) -> str:
    """Return the identity of a channel that has no uid of its own, since it comes from a file."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bannette:{namespace}/{name}"))


def uid_of_binder(namespace: str, name: str) -> str:
    """Return the identity of a binder that has no uid of its own, since it comes from a file."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bannette:binder/{namespace}/{name}"))
