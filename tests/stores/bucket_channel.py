"""A channel in a file whose binder lies in a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from bannette.binder import AzureLocation, Binder, Record, S3Location, Store, open_store
from simulator.testing import Simulator
from tests.collector.local_channel import LocalChannel


class BucketChannel(LocalChannel):
    """The channel of LocalChannel with its binder at *location*; what came of it is read there.

    Attributes:
        reached_at: the location as the run is told it, for example through a proxy.
    """

    def __init__(self, folder: Path, simulator: Simulator, location: S3Location | AzureLocation) -> None:
        self.location = location
        self.reached_at = location
        super().__init__(folder, simulator)

    def reach(self, **changes: str) -> None:
        """Tell the run another address, bucket or secret."""
        self.reached_at = replace(self.location, **changes)
        self.write()

    def write(self, *, binder: Mapping[str, object] | None = None, **changes: Mapping[str, object]) -> None:  # type: ignore[override]
        super().write(binder={"storage": self._storage(), **(binder or {})}, **changes)  # type: ignore[arg-type]
        secret = {"kind": "Secret", "metadata": {"name": "store", "namespace": "acme"}, "stringData": self._secret()}
        with self.file.open("a", encoding="utf-8") as file:
            yaml.safe_dump_all([secret], file, explicit_start=True)

    def _storage(self) -> dict[str, object]:
        at, named = self.reached_at, {"credentialsSecret": {"name": "store"}}
        if isinstance(at, S3Location):
            place = {"bucket": at.bucket, "prefix": at.prefix, "endpoint": at.endpoint, "region": at.region}
            return {"s3": {**place, **named}}
        place = {"account": at.account, "container": at.container, "prefix": at.prefix, "endpoint": at.endpoint}
        return {"azureBlob": {**place, **named}}

    def _secret(self) -> dict[str, str | None]:
        at = self.reached_at
        if isinstance(at, S3Location):
            return {"accessKeyId": at.access_key_id, "secretAccessKey": at.secret_access_key}
        return {"accountKey": at.account_key}

    def store(self) -> Store:
        return open_store(self.location)

    def binder(self) -> Binder:
        return Binder.existing(self.store())

    def records(self) -> list[Record]:
        store = self.store()
        found = (Record.parse(store.get(key)) for key in store.keys("records"))
        return sorted(found, key=lambda record: record.name)

    def original(self, record: Record) -> bytes:
        return self.store().get(record.files["original"])

    def revisions(self) -> list[str]:
        """The keys of the saved states."""
        return sorted(self.store().keys("state"))

    def holds_exactly(self, contents: Mapping[str, str]) -> None:
        """Assert that each document is there once, whole, and waits for data entry."""
        records = self.records()
        assert [record.name for record in records] == sorted(contents)
        for record in records:
            assert self.original(record) == contents[record.name].encode()
        assert self.inbox() == sorted(contents)
        assert len(list(self.store().keys("inbox"))) == len(contents)
