"""The search of the inbox: how long it takes, and how large its index is, with many documents."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bannette.binder import Binder, ChannelRef, OcrFacts, OcrOutcome, Record, StorePath, open_store
from bannette.binder.fields import json_bytes
from bannette.binder.marker import Marker
from bannette.binder.records import inbox_entry
from benchmarks import paper
from benchmarks.plan import Plan, say
from benchmarks.processes import run
from benchmarks.report import Area, spread

_DOCUMENTS = 10_000
_NOW = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)


def measure(plan: Plan) -> list[Area]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        size = fill(place / "binder", _DOCUMENTS)
        say(f"search: {_DOCUMENTS:,} documents with {size / 1e6:.0f} MB of text")
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "bannette.cli.main",
            "inbox",
            "search",
            "--binder",
            place / "binder",
            "--all",
        ]
        command += ["--index", place / "index", "-o", "json", "--limit", "20", "lefevre", "chene"]
        environment = {**os.environ, "PYTHONPATH": "operator"}
        _, first = run(command, environment=environment)
        later = [run(command, environment=environment)[1] for _ in range(plan.pairs)]
        (index,) = (place / "index").iterdir()
        growth = index.stat().st_size / size
    return [
        Area(
            key="search",
            command="--only search",
            title=f"`bannette inbox search` among {_DOCUMENTS:,} documents with {size / 1e6:.0f} MB of text",
            header=["first search, s", "later, wall s", "later, CPU s", "memory MB", "index to text"],
            rows=[
                [
                    f"{first.wall:.1f}",
                    spread([one.wall for one in later]),
                    spread([one.cpu for one in later]),
                    f"{max(one.megabytes for one in (first, *later)):.0f}",
                    f"{growth:.1f} x",
                ]
            ],
        )
    ]


def fill(folder: Path, documents: int, *, inbox: bool = False) -> int:
    """Write a binder as runs would have, without waiting for the disk; return the bytes of its texts.

    Args:
        inbox: all of them wait for data entry; a minute lies between each two.
    """
    folder.mkdir()
    store = open_store(StorePath(folder))
    marker = Marker(uid="0b8a8a52-7d7c-5a3c-9d6d-1f0f5f3a9c11", namespace="acme", company="Acme")
    store.put("binder.json", marker.to_json())
    texts = [" ".join(paper.page(number).words) for number in range(100)]
    size = 0
    for number in range(documents):
        document = hashlib.sha256(f"b!drive\n{number}".encode()).hexdigest()[:32]
        key = f"documents/{document[:2]}/{document}/0123456789abcdef/document.txt"
        record = Record(
            id=document,
            drive="b!drive",
            item=str(number),
            name=f"Facture {number}.pdf",
            folder="/Factures",
            size=48_000,
            sha256="0" * 64,
            verified=True,
            media_type="application/pdf",
            modified_at=None,
            collected_at=_NOW - timedelta(minutes=number) if inbox else _NOW,
            channel=ChannelRef(namespace="acme", name="acme-onedrive", uid="u"),
            run="r",
            recipient="marie",
            company="Acme",
            binder="purchases",
            files={"original": key.replace("document.txt", "original.pdf"), "text": key},
            ocr=OcrFacts(outcome=OcrOutcome.TEXT),
        )
        text = f"{number} {texts[number % len(texts)]}".encode()
        size += len(text)
        _write(folder / key, text)
        _write(folder / record.key, json_bytes(record.to_dict()))
        if inbox:
            _write(folder / record.inbox_key, inbox_entry(document))
    assert Binder.existing(store).uid == marker.uid
    return size


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
