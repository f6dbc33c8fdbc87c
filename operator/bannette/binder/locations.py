"""Where a binder can lie, and how it is opened there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bannette.binder.durability import LocalFolders
from bannette.binder.folder_store import FolderStore
from bannette.binder.store import Store
from bannette.binder.store_errors import meaning_of_os_error
from bannette.errors import PersonNeeded


@dataclass(frozen=True)
class StorePath:
    """A binder in a folder, which is made if it doesn't exist."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class S3Location:
    """A binder in a bucket of S3, or of a service that speaks its protocol.

    Attributes:
        endpoint: the service's origin; None: Amazon's of *region*.
        virtual_hosted: the bucket is part of the host's name; else of the path. Amazon's own is always addressed so.
        access_key_id, secret_access_key, session_token: without the first two, the environment's identity is used.
    """

    bucket: str
    prefix: str | None = None
    endpoint: str | None = None
    region: str | None = None
    virtual_hosted: bool = False
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class AzureLocation:
    """A binder in a container of Azure Blob Storage.

    Attributes:
        endpoint: the service's address; None: that of the public cloud.
        account_key, sas_token, tenant_id with client_id and client_secret: one of the three, or the environment's
            identity.
    """

    account: str
    container: str
    prefix: str | None = None
    endpoint: str | None = None
    account_key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class GcsLocation:
    """A binder in a bucket of Google Cloud Storage.

    Attributes:
        service_account: a service account's key as JSON; None: the environment's identity.
    """

    bucket: str
    prefix: str | None = None
    service_account: str | None = field(default=None, repr=False)


Location = StorePath | S3Location | AzureLocation | GcsLocation


def address(location: Location, key: str) -> str:
    """Return where the object *key* of a binder is, as its storage's own tools name it."""
    match location:
        case StorePath(path=folder):
            return str(folder / key)
        case S3Location(bucket=bucket):
            parts = ["s3:/", bucket]
        case AzureLocation(account=account, container=container):
            endpoint = location.endpoint or f"https://{account}.blob.core.windows.net"
            parts = [endpoint.rstrip("/"), container]
        case GcsLocation(bucket=bucket):
            parts = ["gs:/", bucket]
    return "/".join([*parts, *([location.prefix] if location.prefix else []), key])


def open_store(location: Location) -> Store:
    """Open the store that *location* describes. A bucket isn't asked for anything yet.

    Raises: PersonNeeded or Transient, as the operations of Store do.
    """
    if not isinstance(location, StorePath):
        # Object stores' client is large: it is imported for those who have one.
        from bannette.binder.buckets import open_bucket

        return open_bucket(location)
    try:
        folder = location.path.absolute()
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            LocalFolders(str(path.parent)).make_folder_durable("")
    except FileNotFoundError as error:
        # Its parent is there: a place such as /proc takes no folders.
        raise PersonNeeded(
            f"The binder's folder can't be made there ({error.strerror}): name one below a folder that takes folders.",
            reason="StoreUnusable",
        ) from error
    except OSError as error:
        raise meaning_of_os_error(error, writing=True) from error
    return FolderStore(folder)
