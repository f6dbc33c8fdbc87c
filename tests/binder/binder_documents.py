"""What the tests of the binder put into it, and stores that fail or die at a chosen step. Also imported by children."""

from __future__ import annotations

import hashlib
import os
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bannette.binder import Binder, ChannelRef, Meta, NewDocument, OcrFacts, OcrOutcome, Store
from bannette.binder.folder_store import FolderStore

UID = "0b8a8a52-7d7c-5a3c-9d6d-1f0f5f3a9c11"
DAY = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)


def document_id(item: str) -> str:
    return hashlib.sha256(f"b!drive\n{item}".encode()).hexdigest()[:32]


def make_document(
    scratch: Path, item: str, content: bytes, *, derived: Mapping[str, bytes] | None = None, **changes: object
) -> NewDocument:
    """Write *content* and *derived* (role to bytes) below *scratch* as a run would, and describe them."""
    place = scratch / uuid.uuid4().hex
    place.mkdir(parents=True)
    files = {"original": content, **({"text": b"Facture"} if derived is None else derived)}
    for role, data in files.items():
        (place / role).write_bytes(data)
    new = NewDocument(
        id=document_id(item),
        drive="b!drive",
        item=item,
        name="Facture été.pdf",
        folder="/Factures",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        verified=True,
        media_type="application/pdf",
        extension="pdf",
        modified_at=DAY,
        collected_at=DAY,
        channel=ChannelRef(namespace="acme", name="acme-onedrive", uid="c-uid"),
        run="run-1",
        recipient="marie",
        binder="purchases",
        ocr=OcrFacts(outcome=OcrOutcome.TEXT, engine="pypdfium2", languages=("fra", "eng"), pages=1, seconds=0.01),
        files={role: place / role for role in files},
    )
    return replace(new, **changes)  # type: ignore[arg-type]


def report_of_a_run(*, collected: int) -> dict[str, object]:
    started, completed = "2026-11-24T05:30:00Z", "2026-11-24T05:31:00Z"
    return {"id": "run-1", "startedAt": started, "completedAt": completed, "collected": collected, "duplicates": 0}


def open_binder(store: Store, *, patience: float = 0.0, expected: bool = False, adopt: str | None = None) -> Binder:
    return Binder.open(
        store, uid=UID, namespace="acme", company="ACME", expected=expected, adopt=adopt, patience=patience
    )


class PowerCut(BaseException):
    """Raised where a killed process would have stopped: no handler may answer it."""


class CuttingStore(FolderStore):
    """A store that stops before its n-th operation, counted from when it is armed: by PowerCut, or by SIGKILL.

    *copies*: it takes files by copying them, as from another file system.
    """

    def __init__(self, folder: Path, *, kill: bool = False, copies: bool = False) -> None:
        super().__init__(folder)
        self._copies = copies
        self._kill = kill
        self._left: int | None = None
        self.steps: list[str] = []

    def arm(self, step: int | None) -> None:
        """Stop before operation number *step* (0: the next); None: never, only count."""
        self._left = step
        self.steps = []

    def _step(self, name: str) -> None:
        if self._left is not None and len(self.steps) == self._left:
            if self._kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise PowerCut(name)
        self.steps.append(name)

    def get(self, key: str) -> bytes:
        self._step(f"get {key}")
        return super().get(key)

    def head(self, key: str) -> Meta | None:
        self._step(f"head {key}")
        return super().head(key)

    def put_new(self, key: str, data: bytes | Path) -> None:
        self._step(f"put_new {key}")
        super().put_new(key, data)

    def put_new_durable(self, key: str, data: bytes) -> None:
        self._step(f"put_new_durable {key}")
        super().put_new_durable(key, data)
        self._step(f"after put_new_durable {key}")

    def put(self, key: str, data: bytes | Path) -> None:
        self._step(f"put {key}")
        super().put(key, data)

    def delete(self, key: str) -> None:
        self._step(f"delete {key}")
        super().delete(key)

    def list(self, folder: str, *, offset: str | None = None) -> Iterator[Meta]:
        self._step(f"list {folder}")
        yield from super().list(folder, offset=offset)

    def make_durable(self, keys: Sequence[str]) -> None:
        self._step("make_durable")
        super().make_durable(keys)

    def _take_over(self, key: str, file: Path) -> bool:
        return not self._copies and super()._take_over(key, file)

    def _write(self, path: str, data: bytes | Path, *, durable: bool) -> None:
        self._step("write")
        super()._write(path, data, durable=durable)
        self._step("written")

    def _name(self, key: str, give: Callable[[str], None]) -> None:
        self._step(f"name {key}")
        super()._name(key, give)
        self._step(f"named {key}")


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
