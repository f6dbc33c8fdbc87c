"""A copy has everything that the source has, also what came since an earlier pass or comes meanwhile."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from binder_documents import DAY, CuttingStore, files_below, open_binder, report_of_a_run
from copies import check_copied, contents, copy, objects
from copies import full as full  # the fixtures
from copies import there as there
from obstore.store import MemoryStore

from bannette.binder import Binder, CommitOutcome, State, StorePath, open_store
from bannette.binder.object_store import ObjectStore
from bannette.binder.verification import Terms, Verification


def test_a_copy_has_all_that_the_source_has(full, store, there, tmp_path):
    before = contents(full)
    copied = copy(store, open_store(StorePath(there)), tmp_path / "s")
    assert (copied.finished, copied.records, copied.total, copied.damage) == (True, 7, 7, {})
    check_copied(full, there)
    assert contents(full) == before
    assert open_binder(open_store(StorePath(there)), expected=True).load_state("c-uid").revision == 5


def test_a_copy_goes_to_an_object_store_and_back(full, store, there, tmp_path):
    bucket = ObjectStore(MemoryStore(), large=1000)
    copy(store, bucket, tmp_path / "s")
    assert objects(bucket) == contents(full)
    copy(bucket, open_store(StorePath(there)), tmp_path / "s")
    check_copied(full, there)


def test_large_files_are_copied_through_the_scratch_folder(folder, store, there, tmp_path, document):
    content = os.urandom(9 * 1024 * 1024)
    record = open_binder(store).commit(document(content=content)).record
    copied = copy(store, open_store(StorePath(there)), tmp_path / "s")
    assert copied.size == len(content) + len(b"Facture")
    assert hashlib.sha256((there / record.files["original"]).read_bytes()).hexdigest() == record.sha256
    assert not list((tmp_path / "s").iterdir())
    check_copied(folder, there)


def test_what_killed_runs_left_stays_behind(full, store, there, tmp_path):
    for name in (f"documents/ab/{'ab' * 16}/{'0' * 16}/original.pdf", f"inbox/20261124-{'ab' * 16}.json", ".staging/x"):
        (full / name).parent.mkdir(parents=True, exist_ok=True)
        (full / name).write_bytes(b"left")
    copy(store, open_store(StorePath(there)), tmp_path / "s")
    assert not {name for name in files_below(there) if "ab" * 16 in name and not name.startswith("attempts/")}
    assert (there / "attempts" / ("ab" * 16)).read_bytes() == b"1"


def test_nothing_is_collected_twice_into_a_copy(full, store, there, tmp_path, document):
    copy(store, open_store(StorePath(there)), tmp_path / "s")
    binder = open_binder(open_store(StorePath(there)), expected=True)
    assert binder.commit(document("item-1", b"%PDF 1, edited")).outcome is CommitOutcome.ALREADY_SEEN
    assert binder.commit(document("new", b"%PDF 1")).outcome is CommitOutcome.DUPLICATE
    assert binder.commit(document("newer", b"%PDF new")).outcome is CommitOutcome.COLLECTED


def test_a_second_pass_takes_over_what_came_since(full, store, there, tmp_path, document):
    destination = open_store(StorePath(there))
    copy(store, destination, tmp_path / "s")
    binder = open_binder(store)
    new = binder.commit(document("new", b"new", collected_at=DAY + timedelta(days=1))).record
    done = next(iter(binder.inbox())).record
    binder.mark_done(done.id)
    for revision in range(6, 9):
        binder.save_state("c-uid", State(revision=revision, position={"cursor": revision}, committed_at=DAY))
    binder.save_report("acme", "acme-onedrive", report_of_a_run(collected=5))
    copied = copy(store, destination, tmp_path / "s")
    assert (copied.finished, copied.records, copied.files) == (True, 1, 2)
    check_copied(full, there)
    shown = {entry.record.id for entry in Binder.existing(destination).inbox()}
    assert new.id in shown
    assert done.id not in shown


def test_a_pass_without_anything_new_copies_nothing(full, store, there, tmp_path):
    destination = open_store(StorePath(there))
    copy(store, destination, tmp_path / "s")
    copied = copy(store, destination, tmp_path / "s")
    assert (copied.finished, copied.records, copied.files, copied.size, copied.total) == (True, 0, 0, 0, 7)


class Growing(CuttingStore):
    """A source at which a run goes on while it is copied."""

    def __init__(self, folder: Path, step: str, do) -> None:
        super().__init__(folder)
        self._when, self._do = step, do

    def _step(self, name: str) -> None:
        if self._do is not None and name.startswith(self._when):
            do, self._do = self._do, None
            do()

    def keys(self, folder):
        self._step(f"keys {folder}")
        yield from super().keys(folder)


@pytest.mark.parametrize(
    "step",
    ["keys state", "get state/", "list records/", "get records/", "keys contents", "keys inbox", "keys processed"],
)
def test_a_source_that_is_collected_into_meanwhile_gives_a_copy_whose_state_is_not_ahead(
    full, store, there, tmp_path, document, step
):
    """The copy either has the new document, or a state from which its run finds it."""
    binder = open_binder(store)

    def collect() -> None:
        binder.commit(document("meanwhile", b"meanwhile"))
        binder.mark_done(next(iter(binder.inbox())).record.id)
        for revision in (6, 7, 8):
            binder.save_state("c-uid", State(revision=revision, position={"cursor": revision}, committed_at=DAY))

    destination = open_store(StorePath(there))
    assert copy(Growing(full, step, collect), destination, tmp_path / "s").finished
    copied = open_binder(destination, expected=True)
    records = {path.name for path in there.glob("records/*/*.json")}
    if copied.load_state("c-uid").position["cursor"] > 5:
        assert records == {path.name for path in full.glob("records/*/*.json")}
    findings = Verification(destination, Terms(content=True)).run()
    assert not findings.damage
    assert copy(store, destination, tmp_path / "s").finished
    check_copied(full, there)


def test_files_that_retention_removed_do_not_hold_a_copy_up(full, store, there, tmp_path):
    for entry in open_binder(store).inbox():
        (full / entry.record.files["original"]).unlink()
    copied = copy(store, open_store(StorePath(there)), tmp_path / "s", files_since=DAY + timedelta(days=1))
    assert copied.finished
    assert copied.removed == 5
    assert contents(there) == contents(full)
