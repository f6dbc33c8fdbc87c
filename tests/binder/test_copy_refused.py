"""What isn't copied: into a place that is in use, from what is no binder, and originals that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from binder_documents import DAY, files_below, open_binder
from copies import check_copied, contents, copy
from copies import full as full  # the fixtures
from copies import there as there

from bannette.binder import Binder, State, Store, StorePath, open_store
from bannette.binder.findings import Damage
from bannette.errors import PersonNeeded


def refusal(source: Store, destination: Store, scratch: Path) -> str:
    with pytest.raises(PersonNeeded) as raised:
        copy(source, destination, scratch)
    return raised.value.reason


def test_a_destination_that_is_not_empty_is_refused_and_left_alone(full, store, there, tmp_path):
    destination = open_store(StorePath(there))
    destination.put("records/ab/x.json", b"{}")
    assert refusal(store, destination, tmp_path / "s") == "DestinationNotEmpty"
    assert files_below(there) == {"records/ab/x.json"}


def test_another_binder_is_refused_and_left_alone(full, store, there, tmp_path):
    destination = open_store(StorePath(there))
    Binder.open(destination, uid="another", namespace="acme", company="ACME", expected=False)
    before = contents(there)
    assert refusal(store, destination, tmp_path / "s") == "DestinationOfAnother"
    assert contents(there) == before


def test_the_binder_itself_is_refused(full, store, tmp_path):
    before = contents(full)
    assert refusal(store, open_store(StorePath(full)), tmp_path / "s") == "SameBinder"
    assert contents(full) == before


@pytest.mark.parametrize("use", ["state", "report", "processed", "record"])
def test_a_copy_that_was_used_is_refused_and_stays_usable(full, store, there, tmp_path, document, use):
    destination = open_store(StorePath(there))
    copy(store, destination, tmp_path / "s")
    binder = open_binder(destination, expected=True)
    match use:
        case "state":
            binder.save_state("c-uid", State(revision=6, position=None, committed_at=DAY))
        case "report":
            binder.save_report("acme", "acme-onedrive", {"id": "run-2", "startedAt": "2026-11-25T05:30:00Z"})
        case "processed":
            binder.mark_done(next(iter(binder.inbox())).record.id)
        case "record":
            binder.commit(document("new", b"new"))
    before = contents(there)
    assert refusal(store, destination, tmp_path / "s") == "DestinationInUse"
    assert contents(there) == before
    open_binder(destination, expected=True)


def test_an_unfinished_copy_of_another_state_of_things_is_refused(full, store, there, tmp_path, document):
    """Two binders with one uid: restored from a backup, say."""
    other = open_store(StorePath(tmp_path / "other"))
    open_binder(other).commit(document("only there", b"only there"))
    destination = open_store(StorePath(there))
    copy(other, destination, tmp_path / "s")
    (there / "binder.json").write_text((there / "binder.json").read_text().replace("/binder/", "/binder-copy/"))
    assert refusal(store, destination, tmp_path / "s") == "DestinationDiffers"


def test_what_is_no_binder_or_unfinished_itself_is_no_source(store, there, tmp_path, full):
    empty = open_store(StorePath(tmp_path / "empty"))
    assert refusal(empty, open_store(StorePath(there)), tmp_path / "s") == "BinderNotFound"
    (full / "binder.json").write_text((full / "binder.json").read_text().replace("/binder/", "/binder-copy/"))
    assert refusal(store, open_store(StorePath(there)), tmp_path / "s") == "BinderCopyUnfinished"
    assert not files_below(there)


@pytest.mark.parametrize(
    ("damage", "change"),
    [
        (Damage.FILE_MISSING, lambda path: path.unlink()),
        (Damage.FILE_WRONG_SIZE, lambda path: path.write_bytes(b"%PD")),
        (Damage.FILE_CHANGED, lambda path: path.write_bytes(b"%PDX 1")),
    ],
    ids=lambda value: value.value if isinstance(value, Damage) else "",
)
def test_a_damaged_original_is_not_copied_and_the_copy_not_finished(full, store, there, tmp_path, damage, change):
    (record,) = (
        entry.record
        for entry in open_binder(store).inbox()
        if (full / entry.record.files["original"]).read_bytes() == b"%PDF 1"
    )
    original = full / record.files["original"]
    change(original)
    destination = open_store(StorePath(there))
    copied = copy(store, destination, tmp_path / "s")
    assert not copied.finished
    assert {kind: tally.ids for kind, tally in copied.damage.items()} == {damage: [record.id]}
    assert not (there / record.files["original"]).exists()
    assert copy(store, destination, tmp_path / "s", leave_damaged=True).finished
    assert open_binder(destination, expected=True).has(record.id)
    original.write_bytes(b"%PDF 1")
    copied = copy(store, destination, tmp_path / "s")
    assert (copied.finished, copied.files, copied.damage) == (True, 1, {})
    check_copied(full, there)
