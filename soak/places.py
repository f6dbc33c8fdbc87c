"""Where a campaign's binder lies: in a folder, or in a bucket of an S3 service that runs on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bannette.binder import Binder, Location, Record, Store, StorePath, open_store


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


def in_folder(folder: Path) -> Place:
    return Place(location=StorePath(folder), storage={"path": str(folder)})


class Reader:
    """What a binder holds, read beside the runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

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
