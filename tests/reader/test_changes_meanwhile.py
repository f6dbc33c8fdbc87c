"""What happens while a reader looks at its binder, which can take long: no answer says what isn't so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bannette.binder import Binder
from bannette.binder.folder_store import FolderStore
from bannette.binder.text_index import TextIndex
from bannette.reader.catalogue import Catalogue
from bannette.reader.questions import about_documents
from tests.collector.local_channel import wait_until

INBOX = about_documents({})
WORDS = about_documents({"q": "net"})


class Gate:
    """Holds whoever comes to it while it is shut, and tells that somebody has come."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self.reached = threading.Event()

    def shut(self) -> None:
        self.reached.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def pass_by(self) -> None:
        if not self._open.is_set():
            self.reached.set()
            self._open.wait(120)


class Gated(FolderStore):
    """A binder in which the listing of the records, and each record, may be held up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.listing, self.reading = Gate(), Gate()

    def keys(self, folder: str) -> Iterator[str]:
        if folder == "records":
            self.listing.pass_by()
        yield from super().keys(folder)

    def get(self, key: str) -> bytes:
        if key.startswith("records/") and threading.current_thread().name != "MainThread":
            self.reading.pass_by()
        return super().get(key)


@pytest.fixture
def store(folder: Path) -> Gated:
    return Gated(folder)


@pytest.fixture
def catalogue(binder: Binder, store: Gated, tmp_path: Path) -> Iterator[Catalogue]:
    (tmp_path / "index").mkdir()
    made = Catalogue(store, uid=binder.uid, folder=tmp_path / "index")
    yield made
    store.listing.open()
    store.reading.open()
    made.close()


def names(catalogue: Catalogue) -> list[str]:
    return [hit.record.name for hit in catalogue.page(INBOX).hits]


def test_what_is_done_while_the_index_is_updated_does_not_come_back(catalogue, store, add):
    document = add("a.pdf")
    wait_until(lambda: catalogue.page(INBOX).indexed == 1, "the document to be indexed")
    # A look that has seen what waits, and then finds a new document, which takes long to read.
    store.listing.shut()
    store.reading.shut()
    add("b.pdf")
    wait_until(lambda: names(catalogue) and store.listing.reached.is_set(), "another look")
    catalogue.mark(document, waiting=False)
    assert names(catalogue) == []
    store.listing.open()
    wait_until(store.reading.reached.is_set, "the new document to be read")
    assert names(catalogue) == []
    store.reading.open()
    wait_until(lambda: names(catalogue) == ["b.pdf"], "the new document to be indexed")


def test_a_search_from_before_the_index_was_complete_does_not_say_that_it_was(catalogue, store, add, monkeypatch):
    store.reading.shut()
    add("a.pdf", derived={"text": b"net"})
    looked_up = TextIndex.page

    def overtaken(index, *arguments, **options):
        hits = looked_up(index, *arguments, **options)
        store.reading.open()
        wait_until(lambda: catalogue._progress == (1, 1), "the index to be complete")
        return hits

    wait_until(lambda: catalogue.page(WORDS) and store.reading.reached.is_set(), "the document to be read")
    monkeypatch.setattr(TextIndex, "page", overtaken)
    before = catalogue.page(WORDS)
    assert (before.hits, before.indexed) == ([], 0)
    monkeypatch.undo()
    after = catalogue.page(WORDS)
    assert ([hit.record.name for hit in after.hits], after.indexed, after.total) == (["a.pdf"], 1, 1)
