"""One good resource of each kind, and how a test makes a variant of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from bannette.resources import Binder, Channel, Recipient

REMOVED: Final = object()
"""The value of a field that the variant doesn't have."""

CHANNEL: Final[Mapping[str, Any]] = {
    "apiVersion": "bannette.io/v1alpha1",
    "kind": "CollectionChannel",
    "metadata": {"name": "acme-onedrive", "namespace": "acme"},
    "spec": {
        "type": "OneDrive",
        "recipient": {"name": "marie"},
        "destination": {"binder": "purchases"},
        "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
        "onedrive": {
            "folder": "/Factures",
            "include": ["*.pdf", "*.jpg"],
            "account": {
                "application": {
                    "tenantId": "11111111-2222-3333-4444-555555555555",
                    "user": "compta@acme.example",
                    "clientId": "bannette-collector",
                    "credentialsSecret": {"name": "acme-app"},
                }
            },
        },
    },
}

BINDER: Final[Mapping[str, Any]] = {
    "apiVersion": "bannette.io/v1alpha1",
    "kind": "Binder",
    "metadata": {"name": "purchases", "namespace": "acme"},
    "spec": {"company": "Acme SARL", "storage": {"persistentVolumeClaim": {"claimName": "purchases"}}},
}

RECIPIENT: Final[Mapping[str, Any]] = {
    "apiVersion": "bannette.io/v1alpha1",
    "kind": "Recipient",
    "metadata": {"name": "marie", "namespace": "acme"},
    "spec": {"displayName": "Marie Dupont", "email": "marie@acme.example"},
}


def parse(body: Mapping[str, Any], *, strict: bool = False) -> Channel | Binder | Recipient:
    """Return the typed object that *body* describes, whatever its kind."""
    kinds: dict[str, type[Channel | Binder | Recipient]] = {
        "CollectionChannel": Channel,
        "Binder": Binder,
        "Recipient": Recipient,
    }
    return kinds[body["kind"]].parse(body, strict=strict)


def variant(resource: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy of *resource* with *changes*: a value, or `REMOVED`, for each dotted path."""
    changed: dict[str, Any] = copy.deepcopy(dict(resource))
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = changed
        for parent in parents:
            section = section.setdefault(parent, {})
        if value is REMOVED:
            del section[last]
        else:
            section[last] = value
    return changed
