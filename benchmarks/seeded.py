"""Fills a binder with the records of a generated drive, as if all of it had been collected.

``python -m benchmarks.seeded BINDER DRIVE FILES PER_FOLDER``: a process of its own, so that the measuring one stays
small. Each record has the name that its document's would have; what is in it is shared by many, for a walk asks for
names alone, and a million files cost minutes to make and to remove.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

_ID = "0" * 32
# ext4 lets a file have 65,000.
_NAMES_OF_A_FILE = 50_000


def seed(binder: Path, *, drive: str, files: int, per_folder: int) -> None:
    """Fill *binder* with the records of the drive that ``generate:FILESx…/PER_FOLDER`` makes."""
    command: list[str | Path] = [sys.executable, "-m", "benchmarks.seeded", binder, drive, str(files), str(per_folder)]
    subprocess.run(command, check=True)


def _write(binder: Path, drive: str, files: int, per_folder: int) -> None:
    from bannette.onedrive import Drive, document_id
    from bannette.onedrive.identity import DriveKind
    from simulator.identifiers import Flavour, ItemIds

    ids, where = ItemIds(Flavour.WORK, drive), Drive(drive, DriveKind.BUSINESS)
    records, data = binder / "records", _record(drive)
    for first in range(256):
        (records / f"{first:02x}").mkdir(parents=True, exist_ok=True)
    source = ""
    for number in range(files):
        # In a generated drive a folder comes before its files, and the root before all.
        document = document_id(where, ids.of(1 + number + number // per_folder + 1))
        path = f"{records}/{document[:2]}/{document}.json"
        if number % _NAMES_OF_A_FILE == 0:
            source = path
            Path(source).write_bytes(data)
        else:
            os.link(source, path)


def _record(drive: str) -> bytes:
    """A record as a commit writes it."""
    from bannette.binder import ChannelRef, OcrFacts, OcrOutcome, Record
    from bannette.binder.fields import json_bytes

    record = Record(
        id=_ID,
        drive=drive,
        item="01AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        name="document-0000000.bin",
        folder="/folder-00000",
        size=200,
        sha256="0" * 63 + "1",
        verified=True,
        media_type="application/octet-stream",
        modified_at=datetime(2026, 1, 1, tzinfo=UTC),
        collected_at=datetime(2026, 1, 2, tzinfo=UTC),
        channel=ChannelRef(namespace="acme", name="acme-onedrive", uid="66cd3a9e-5b8c-5b63-8b7b-0a9a3c1d8a11"),
        run="3fb9f6a5-1ad5-4e6f-9f4e-5f0f2b0a1c77",
        recipient="marie",
        company="Acme Conseil SAS",
        binder="purchases",
        files={"original": f"documents/00/{_ID}/0000000000000001/original.bin"},
        ocr=OcrFacts(outcome=OcrOutcome.SKIPPED, reason="Disabled"),
    )
    return json_bytes(record.to_dict())


if __name__ == "__main__":
    _write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    os._exit(0)
