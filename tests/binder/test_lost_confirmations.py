"""A store that does what it is asked and whose answer is lost: the client's repeat is told that the object exists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from binder_documents import DAY, open_binder

from bannette.binder import AlreadyExists, Binder, CommitOutcome, State
from bannette.binder.copying import Copy
from bannette.binder.findings import Leftovers
from bannette.binder.folder_store import FolderStore
from bannette.binder.sweep import Sweep


class Unconfirming(FolderStore):
    """Every object that is put if absent is there, and said to have been there before."""

    def put_new(self, key, data):
        super().put_new(key, data)
        raise AlreadyExists(key)

    def put_new_durable(self, key, data):
        super().put_new_durable(key, data)
        raise AlreadyExists(key)


@pytest.fixture
def store(folder):
    folder.mkdir()
    return Unconfirming(folder)


@pytest.fixture
def binder(store):
    return open_binder(store, patience=1.0)


@pytest.mark.timeout(120)
def test_a_document_is_collected_once_and_its_repeat_is_a_duplicate(binder, document):
    assert binder.commit(document("item-1")).outcome is CommitOutcome.COLLECTED
    assert binder.commit(document("item-2")).outcome is CommitOutcome.DUPLICATE
    assert binder.commit(document("item-1")).outcome is CommitOutcome.ALREADY_SEEN
    (entry,) = binder.inbox()
    assert entry.record.item == "item-1"
    binder.mark_done(entry.record.id)
    assert list(binder.inbox()) == []


def test_the_state_is_this_runs(binder):
    for revision in (1, 2):
        binder.save_state("c-uid", State(revision=revision, position=None, committed_at=DAY))
    assert binder.load_state("c-uid").revision == 2


def test_a_sweep_holds_its_own_lock(store, binder):
    Sweep(store, older_than=timedelta(days=1)).run(Leftovers())
    assert list(store.keys(".sweep")) == []
    assert list(store.keys(".probe")) == []


def test_a_binder_is_copied_into_it(store, document, tmp_path):
    source = FolderStore(tmp_path / "source")
    (tmp_path / "source").mkdir()
    record = open_binder(source).commit(document("item-1")).record
    assert Copy(source, store, scratch=tmp_path).run().finished
    assert [entry.record for entry in Binder.existing(store).inbox()] == [record]
    assert list(store.keys(".probe")) == []
