"""Changes of good resources that must be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.resources.bad_binders import STORAGE
from tests.resources.bad_channels import ACCOUNT
from tests.resources.samples import BINDER, CHANNEL


@dataclass(frozen=True)
class BadChange:
    """A good resource that exists, and a change of it that isn't allowed."""

    name: str
    resource: Mapping[str, Any]
    patch: Mapping[str, Any]
    field: str
    says: str


BAD_CHANGES = [
    BadChange(
        "another binder",
        CHANNEL,
        {"spec": {"destination": {"binder": "sales"}}},
        "spec.destination",
        "Invalid value: destination can't be changed, since what was collected stays in its binder: make another "
        "channel",
    ),
    BadChange(
        "another kind of account",
        CHANNEL,
        {"spec": {"onedrive": {"account": {"application": None, "delegated": {"loginHint": "compta@acme.example"}}}}},
        ACCOUNT,
        "Invalid value: the kind of account can't be changed, since the client agreed to this one: make another "
        "channel",
    ),
    BadChange(
        "another claim",
        BINDER,
        {"spec": {"storage": {"persistentVolumeClaim": {"claimName": "sales"}}}},
        STORAGE,
        "Invalid value: storage can't be changed, since the documents are where they are: make another Binder, and a "
        "channel that names it",
    ),
    BadChange(
        "another folder of the claim",
        BINDER,
        {"spec": {"storage": {"persistentVolumeClaim": {"subPath": "purchases"}}}},
        STORAGE,
        "Invalid value: storage can't be changed, since the documents are where they are: make another Binder, and a "
        "channel that names it",
    ),
    BadChange(
        "another kind of storage",
        BINDER,
        {"spec": {"storage": {"persistentVolumeClaim": None, "s3": {"bucket": "acme"}}}},
        STORAGE,
        "Invalid value: storage can't be changed, since the documents are where they are: make another Binder, and a "
        "channel that names it",
    ),
]
