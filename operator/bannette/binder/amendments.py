"""What was read of a document later: an object beside its record, which itself never changes.

An amendment is put only if it is absent, after the files that it names are durable, under the next number; readers take
the highest. Its files lie beside the old ones, in a folder of their own, so a reader of the record alone isn't misled.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from bannette.binder.fields import Fields, json_bytes, time_text
from bannette.binder.layout import (
    AMENDMENTS,
    amendment_folder,
    amendment_key,
    amendment_number,
    document_of_amendment,
    file_key,
)
from bannette.binder.records import Invoice, OcrFacts, Record
from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists, NotFound

AMENDMENT_SCHEMA = "bannette.io/amendment/v1"


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What takes the place of the same members of a record.

    Attributes:
        files: role to key; the original is that of the record.
    """

    id: str
    number: int
    amended_at: datetime
    files: Mapping[str, str]
    ocr: OcrFacts
    invoice: Invoice | None = None

    @property
    def key(self) -> str:
        return amendment_key(self.id, self.number)

    def to_dict(self) -> dict[str, object]:
        return {
            "schema": AMENDMENT_SCHEMA,
            "id": self.id,
            "number": self.number,
            "amendedAt": time_text(self.amended_at),
            "files": dict(self.files),
            "ocr": self.ocr.to_dict(),
            "invoice": None if self.invoice is None else asdict(self.invoice),
        }

    @classmethod
    def parse(cls, data: bytes) -> Amendment:
        """Raises: Unreadable (a PersonNeeded): not an amendment of a version that is known here."""
        fields = Fields.of_json(data, "An amendment")
        fields.schema(AMENDMENT_SCHEMA)
        return cls(
            id=fields.text("id"),
            number=fields.integer("number"),
            amended_at=fields.time("amendedAt"),
            files=fields.text_mapping("files"),
            ocr=OcrFacts.parse(fields.inside("ocr")),
            invoice=None if fields.optional_mapping("invoice") is None else Invoice.parse(fields.inside("invoice")),
        )

    def applied_to(self, record: Record) -> Record:
        """Return *record* as it is with this amendment."""
        return replace(record, files=self.files, ocr=self.ocr, invoice=self.invoice)


def amendments_of(store: Store, document: str) -> list[Amendment]:
    """Return the amendments of *document*, oldest first.

    Raises: Unreadable: one is damaged. PersonNeeded, Transient: as the store's operations do.
    """
    found = []
    for key in store.keys(amendment_folder(document)):
        if amendment_number(key) is not None:
            try:
                found.append(Amendment.parse(store.get(key)))
            except NotFound:
                continue
    return sorted(found, key=lambda amendment: amendment.number)


def later_files(store: Store, document: str) -> list[tuple[str, str]]:
    """Return role and key of all files that amendments of *document* name, apart from its original.

    Raises: as ``amendments_of`` does.
    """
    amendments = amendments_of(store, document)
    return [pair for amendment in amendments for pair in amendment.files.items() if pair[0] != "original"]


def latest_numbers(store: Store) -> dict[str, int]:
    """Return the number of the latest amendment of each document that has one, by one listing."""
    latest: dict[str, int] = {}
    for key in store.keys(AMENDMENTS):
        document, number = document_of_amendment(key), amendment_number(key)
        if document is not None and number is not None:
            latest[document] = max(number, latest.get(document, 0))
    return latest


def put_amendment(
    store: Store,
    record: Record,
    *,
    files: Mapping[str, Path],
    ocr: OcrFacts,
    invoice: Invoice | None,
    at: datetime,
) -> Amendment:
    """Put derived *files* (role to local file) and the amendment that names them.

    Raises: PersonNeeded, Transient: as the store's operations do; nothing is visible then.
    """
    attempt, keys = uuid.uuid4().hex[:8], {"original": record.files["original"]}
    for role, path in files.items():
        keys[role] = file_key(record.id, record.sha256, role, extension=path.suffix, attempt=attempt)
        store.put_new(keys[role], path)
    store.make_durable([key for role, key in keys.items() if role != "original"])
    while True:
        number = next_number(store.keys(amendment_folder(record.id)))
        amendment = Amendment(id=record.id, number=number, amended_at=at, files=keys, ocr=ocr, invoice=invoice)
        data = json_bytes(amendment.to_dict())
        try:
            store.put_new_durable(amendment.key, data)
        except AlreadyExists:
            # An object store may have kept what it didn't confirm; else another one was faster.
            if store.get(amendment.key) != data:
                continue
        return amendment


def next_number(keys: Iterable[str]) -> int:
    """Return the number after those of *keys*."""
    return max((amendment_number(key) or 0 for key in keys), default=0) + 1
