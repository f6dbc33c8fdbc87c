"""A binder that has of everything, and what a copy of it must be: fixtures and helpers."""

from __future__ import annotations

from pathlib import Path

import pytest
from binder_documents import DAY, files_below, make_document, open_binder, report_of_a_run

from bannette.binder import Binder, OnDuplicate, State, Store, StorePath, open_store
from bannette.binder.copying import Copied, Copy
from bannette.binder.verification import Terms, Verification

UNCOPIED = {".staging", ".probe", ".sweep", "attempts"}


def copy(source: Store, destination: Store, scratch: Path, **options) -> Copied:
    scratch.mkdir(parents=True, exist_ok=True)
    return Copy(source, destination, scratch=scratch, **options).run()


def contents(folder: Path) -> dict[str, bytes]:
    """All that a reader of a binder may look at."""
    names = (name for name in files_below(folder) if name.partition("/")[0] not in UNCOPIED)
    return {name: (folder / name).read_bytes() for name in names}


def objects(store: Store) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.keys("") if key.partition("/")[0] not in UNCOPIED}


def fill(store: Store, scratch: Path, *, documents: int = 4) -> Binder:
    """Documents, a duplicate withheld and one delivered, one processed, what a killed run left, states and reports."""
    binder = open_binder(store)
    for n in range(documents):
        binder.commit(make_document(scratch, f"item-{n}", b"%%PDF %d" % n, derived={"pdf": b"%PDF", "text": b"x"}))
    binder.commit(make_document(scratch, "withheld", b"%PDF 0"))
    binder.commit(make_document(scratch, "delivered", b"%PDF 0"), on_duplicate=OnDuplicate.DELIVER)
    done = binder.commit(make_document(scratch, "processed", b"done")).record
    binder.mark_done(done.id)
    binder.begin_attempt("ab" * 16)
    for revision in range(1, 6):
        binder.save_state("c-uid", State(revision=revision, position={"cursor": revision}, committed_at=DAY))
    binder.save_report("acme", "acme-onedrive", report_of_a_run(collected=4))
    return binder


@pytest.fixture
def full(folder, store, tmp_path) -> Path:
    fill(store, tmp_path / "downloads")
    return folder


@pytest.fixture
def there(tmp_path) -> Path:
    return tmp_path / "copy"


def check_copied(source: Path, destination: Path) -> None:
    assert contents(destination) == contents(source)
    assert not Verification(open_store(StorePath(destination)), Terms(content=True)).run().damage
    assert not list((destination / ".staging").glob("*"))
