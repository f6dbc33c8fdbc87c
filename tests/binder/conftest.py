"""A binder in a folder of its own, and documents to put into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from binder_documents import make_document, open_binder

from bannette.binder import Binder, NewDocument, Store, StorePath, open_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "binder"


@pytest.fixture
def store(folder: Path) -> Store:
    return open_store(StorePath(folder))


@pytest.fixture
def binder(store: Store) -> Binder:
    return open_binder(store)


@pytest.fixture
def document(tmp_path: Path) -> Callable[..., NewDocument]:
    """Makes a downloaded document; see make_document."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def make(item: str = "item-1", content: bytes = b"%PDF-1.7 invoice", **changes: object) -> NewDocument:
        return make_document(scratch, item, content, **changes)

    return make
