"""With 100,000 documents in an inbox a page of it costs what a page of a few costs, whatever is asked for."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bannette.binder import ChannelRef, OcrFacts, OcrOutcome, Record
from bannette.binder.text_index import TextIndex, Wanted
from tests.binder.binder_documents import DAY

pytestmark = pytest.mark.timeout(900)

DOCUMENTS = 100_000
# Of SQLite's machine, for a page of 50, which takes about a thousand; to look through all takes half a million.
MOST_STEPS = 10_000


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextIndex]:
    """Documents a minute apart, by two channels, a picture among ten; every other one is done."""
    made = TextIndex(tmp_path_factory.mktemp("index") / "documents.sqlite", beside_writer=True)
    with made._transaction():
        for number in range(DOCUMENTS):
            made._add(record(number), f"facture {number}", amendment=0, waiting=number % 2 == 0)
    assert len(made) == DOCUMENTS
    yield made
    made.close()


def record(number: int) -> Record:
    return Record(
        id=hashlib.sha256(str(number).encode()).hexdigest()[:32],
        drive="b!drive",
        item=str(number),
        name=f"Facture {number}.pdf",
        folder="/Factures",
        size=48_000,
        sha256="0" * 64,
        verified=True,
        media_type="image/png" if number % 10 == 0 else "application/pdf",
        modified_at=None,
        collected_at=DAY + timedelta(minutes=number),
        channel=ChannelRef(namespace="acme", name=f"c{number % 4 // 2}", uid="u"),
        run="r",
        recipient="marie",
        company="Acme",
        binder="purchases",
        files={},
        ocr=OcrFacts(outcome=OcrOutcome.TEXT),
    )


def steps_of(index: TextIndex, wanted: Wanted, *, below: int | None = None) -> tuple[int, list[str]]:
    """Return how many steps a page takes, to a thousand, and the names on it."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1000
        return 0

    file: sqlite3.Connection = index._file
    file.set_progress_handler(count, 1000)
    try:
        names = [hit.record.name for hit in index.page(wanted, below=below, limit=50)]
    finally:
        file.set_progress_handler(None, 0)
    return taken, names


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"waiting": True}, range(99_998, 0, -2)),
        ({"waiting": False}, range(99_999, 0, -2)),
        ({"waiting": True, "channel": "c0"}, range(99_996, 0, -4)),
        ({"waiting": True, "types": ["image/"]}, range(99_990, 0, -10)),
        ({"waiting": True, "until": DAY + timedelta(minutes=50_000)}, range(49_998, 0, -2)),
        ({"waiting": True, "since": DAY + timedelta(minutes=99_990)}, range(99_998, 99_989, -2)),
        ({"waiting": True, "terms": ["facture"]}, range(99_998, 0, -2)),
        ({"terms": ["77"]}, range(77, 76, -1)),
        ({"terms": ["nobody"]}, range(0)),
    ],
    ids=str,
)
def test_a_page_costs_little_whatever_is_asked_for(index, wanted, expected):
    steps, names = steps_of(index, Wanted(**wanted))
    assert names == [f"Facture {number}.pdf" for number in expected[:50]]
    assert steps < MOST_STEPS


def test_the_thousandth_page_costs_what_the_first_one_does(index):
    (before,) = index.page(Wanted(waiting=True, until=DAY + timedelta(minutes=50_001)), limit=1)
    steps, names = steps_of(index, Wanted(waiting=True), below=before.number)
    assert (names[0], len(names)) == ("Facture 49998.pdf", 50)
    assert steps < MOST_STEPS
