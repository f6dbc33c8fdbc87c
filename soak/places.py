"""Where a campaign's binder lies: in a folder, or in a bucket of an S3 service that runs on this machine."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bannette.binder import Binder, Location, Outbox, Record, S3Location, Store, StorePath, open_store
from bannette.binder.layout import record_key

#: Name of the Secret with the credentials of a bucket.
SECRET = "storage"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A binder's storage.

    Attributes:
        storage: as ``spec.storage`` says it. secret: members of the Secret that it names, empty without one.
    """

    location: Location
    storage: dict[str, object]
    secret: dict[str, str] = field(default_factory=dict)

    def reader(self) -> Reader:
        return Reader(open_store(self.location))


@contextmanager
def places(store: str, folder: Path) -> Iterator[Callable[[int], Place]]:
    """Yield what gives the place of each worker: local or s3, below *folder*."""
    if store == "local":
        yield lambda worker: in_folder(folder / f"binder-{worker}")
        return
    # Built from its Go module at first use.
    services = importlib.import_module("tests.stores.services")
    with services.s3_gateway(folder / "buckets") as address:
        yield lambda worker: in_bucket(services.s3_location(address, prefix=f"binder-{worker}"))


def in_folder(folder: Path) -> Place:
    return Place(location=StorePath(folder), storage={"path": str(folder)})


def in_bucket(location: S3Location) -> Place:
    s3 = {
        "bucket": location.bucket,
        "prefix": location.prefix,
        "endpoint": location.endpoint,
        "region": location.region,
        "credentialsSecret": {"name": SECRET},
    }
    return Place(
        location=location,
        storage={"s3": s3},
        secret={"accessKeyId": location.access_key_id or "", "secretAccessKey": location.secret_access_key or ""},
    )


class Reader:
    """What a binder holds, read beside the runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def has(self, document: str) -> bool:
        """Whether a document is collected."""
        return self._store.head(record_key(document)) is not None

    def untold(self) -> int:
        """How many documents the sink of events is still to be told of, at most."""
        return Outbox(self._store).count()

    def record_keys(self) -> set[str]:
        return {found.key for found in self._store.list("records") if found.key.endswith(".json")}

    def records(self) -> list[Record]:
        return [Record.parse(data) for data in self._read(sorted(self.record_keys()))]

    def originals(self, records: list[Record]) -> Iterator[tuple[Record, str]]:
        """Yield each record with the hash of its original as it is in the store."""
        originals = self._read([record.files["original"] for record in records])
        for record, data in zip(records, originals, strict=True):
            yield record, hashlib.sha256(data).hexdigest()

    def inbox(self) -> list[str]:
        """Ids of the documents that wait for data entry, as the inbox lists them."""
        return [entry.record.id for entry in Binder.existing(self._store).inbox()]

    def _read(self, keys: list[str]) -> Iterator[bytes]:
        with ThreadPoolExecutor(8) as pool:
            yield from pool.map(self._store.get, keys)
