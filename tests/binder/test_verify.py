"""A verification finds each kind of damage, says nothing of a whole binder, and mends what can be mended."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from binder_documents import DAY, document_id, files_below, open_binder
from obstore.store import MemoryStore

from bannette.binder import Binder, CommitOutcome, OnDuplicate, Record, State
from bannette.binder.findings import Damage, Findings
from bannette.binder.object_store import ObjectStore
from bannette.binder.verification import Terms, Verification
from bannette.errors import PersonNeeded


def verify(store, **terms) -> Findings:
    return Verification(store, Terms(**terms)).run()


@dataclass(frozen=True)
class Full:
    """A binder with a document that waits, a withheld duplicate of it, one delivered twice, and one processed."""

    folder: Path
    first: Record
    withheld: Record
    delivered: Record
    processed: Record

    def path(self, record: Record, role: str = "original") -> Path:
        return self.folder / record.files[role]


@pytest.fixture
def full(folder, binder, document) -> Full:
    made = fill(binder, document)
    return Full(folder, *made)


def fill(binder: Binder, document) -> list[Record]:
    first = binder.commit(document("first", derived={"pdf": b"%PDF text", "text": b"Facture"})).record
    withheld = binder.commit(document("withheld")).record
    delivered = binder.commit(document("delivered"), on_duplicate=OnDuplicate.DELIVER).record
    processed = binder.commit(document("processed", b"another")).record
    binder.mark_done(processed.id)
    for revision in range(1, 6):
        binder.save_state("c-uid", State(revision=revision, position={"cursor": "x"}, committed_at=DAY))
    report(binder, "run-1", collected=0)
    return [first, withheld, delivered, processed]


def report(binder: Binder, run: str, *, collected: int, completed: str = "2026-11-20T05:31:00Z") -> None:
    times = {"startedAt": "2026-11-20T05:30:00Z", "completedAt": completed}
    binder.save_report("acme", "acme-onedrive", {"id": run, **times, "collected": collected, "duplicates": 1})


def change(path: Path, **members: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def record_path(full: Full, record: Record) -> Path:
    return full.folder / record.key


@dataclass(frozen=True)
class Case:
    name: str
    damage: Damage
    do: Callable[[Full], object]
    of: Callable[[Full], str]
    terms: dict[str, bool] | None = None


def garble(path: Path) -> None:
    path.write_bytes(b"{")


CASES = [
    Case("marker gone", Damage.MARKER_MISSING, lambda f: (f.folder / "binder.json").unlink(), lambda f: "binder.json"),
    Case(
        "marker garbled", Damage.MARKER_UNREADABLE, lambda f: garble(f.folder / "binder.json"), lambda f: "binder.json"
    ),
    Case("record garbled", Damage.RECORD_UNREADABLE, lambda f: garble(record_path(f, f.first)), lambda f: f.first.id),
    Case(
        "record of another item",
        Damage.RECORD_MISPLACED,
        lambda f: change(record_path(f, f.first), item="other"),
        lambda f: f.first.id,
    ),
    Case(
        "record under another key",
        Damage.RECORD_MISPLACED,
        lambda f: shutil.copy(record_path(f, f.first), record_path(f, f.processed)),
        lambda f: f.processed.id,
    ),
    Case(
        "record with files of another",
        Damage.RECORD_MISPLACED,
        lambda f: change(record_path(f, f.processed), files=dict(f.first.files)),
        lambda f: f.processed.id,
    ),
    Case(
        "processed without record",
        Damage.RECORD_MISSING,
        lambda f: record_path(f, f.processed).unlink(),
        lambda f: f.processed.id,
    ),
    Case("first gone", Damage.FIRST_MISSING, lambda f: record_path(f, f.first).unlink(), lambda f: f.withheld.id),
    Case("original gone", Damage.FILE_MISSING, lambda f: f.path(f.delivered).unlink(), lambda f: f.delivered.id),
    Case("derived gone", Damage.FILE_MISSING, lambda f: f.path(f.delivered, "text").unlink(), lambda f: f.delivered.id),
    Case(
        "withheld names what isn't there",
        Damage.FILE_MISSING,
        lambda f: change(
            record_path(f, f.withheld), files={"original": f.first.files["original"].replace("original", "other")}
        ),
        lambda f: f.withheld.id,
    ),
    Case("original cut", Damage.FILE_WRONG_SIZE, lambda f: f.path(f.first).write_bytes(b"%PDF"), lambda f: f.first.id),
    Case(
        "derived empty", Damage.FILE_WRONG_SIZE, lambda f: f.path(f.first, "pdf").write_bytes(b""), lambda f: f.first.id
    ),
    Case(
        "original with other bytes",
        Damage.FILE_CHANGED,
        lambda f: f.path(f.first).write_bytes(b"%" * f.first.size),
        lambda f: f.first.id,
        {"content": True},
    ),
    Case(
        "inbox entry gone",
        Damage.INBOX_ENTRY_MISSING,
        lambda f: (f.folder / f.first.inbox_key).unlink(),
        lambda f: f.first.id,
    ),
    Case(
        "claim gone",
        Damage.CLAIM_MISSING,
        lambda f: shutil.rmtree(f.folder / "contents" / f.first.sha256[:2]),
        lambda f: f.first.id,
    ),
    Case(
        "claim empty",
        Damage.CLAIM_MISSING,
        lambda f: (f.folder / "contents" / f.first.sha256[:2] / f.first.sha256).write_bytes(b""),
        lambda f: f.first.id,
    ),
    Case(
        "claim of another",
        Damage.CLAIM_MISSING,
        lambda f: (f.folder / "contents" / f.first.sha256[:2] / f.first.sha256).write_text("0" * 32),
        lambda f: f.first.id,
        {"content": True},
    ),
    Case(
        "state garbled",
        Damage.STATE_UNREADABLE,
        lambda f: garble(f.folder / "state/c-uid/5.json"),
        lambda f: "state/c-uid/5.json",
    ),
    Case(
        "state gone", Damage.REVISION_MISSING, lambda f: (f.folder / "state/c-uid/4.json").unlink(), lambda f: "c-uid"
    ),
    Case(
        "report garbled",
        Damage.REPORT_UNREADABLE,
        lambda f: garble(f.folder / "runs/acme/acme-onedrive/20261124T053000Z-run-1.json"),
        lambda f: "runs/acme/acme-onedrive/20261124T053000Z-run-1.json",
    ),
]


@pytest.mark.parametrize("content", [False, True], ids=["sizes", "content"])
def test_a_whole_binder_is_found_whole(full, store, content):
    before = files_below(full.folder)
    findings = verify(store, content=content)
    assert not findings.damage
    assert not findings.leftovers
    assert (findings.records, findings.waiting, findings.files, findings.recent) == (4, 2, 7, 0)
    assert files_below(full.folder) == before


def test_a_whole_binder_in_an_object_store_is_found_whole(document):
    store = ObjectStore(MemoryStore())
    fill(open_binder(store), document)
    findings = verify(store, content=True)
    assert not findings.damage
    assert not findings.leftovers
    assert (findings.records, findings.waiting, findings.files) == (4, 2, 7)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_damage_is_found_with_whom_it_concerns(full, store, case):
    case.do(full)
    findings = verify(store, **(case.terms or {}))
    assert case.of(full) in findings.damage[case.damage].ids


def test_other_bytes_of_the_same_size_are_found_only_by_reading_them(full, store):
    full.path(full.first).write_bytes(b"%" * full.first.size)
    assert not verify(store).damage
    assert verify(store, content=True).damage


def test_a_processed_document_needs_no_entry_and_one_in_the_inbox_needs_it(full, store):
    for entry in (full.folder / "inbox").iterdir():
        entry.unlink()
    assert set(verify(store).damage[Damage.INBOX_ENTRY_MISSING].ids) == {full.first.id, full.delivered.id}


def test_an_entry_that_went_missing_is_put_back(full, store, binder):
    (full.folder / full.first.inbox_key).unlink()
    assert full.first.id not in {entry.record.id for entry in binder.inbox()}
    findings = verify(store, repair=True)
    assert not findings.damage
    assert findings.repaired[Damage.INBOX_ENTRY_MISSING].ids == [full.first.id]
    assert full.first.id in {entry.record.id for entry in binder.inbox()}
    assert not verify(store).damage


def test_a_claim_that_went_missing_is_put_back_so_the_same_bytes_are_withheld_again(full, store, binder, document):
    shutil.rmtree(full.folder / "contents" / full.first.sha256[:2])
    findings = verify(store, repair=True)
    assert findings.repaired[Damage.CLAIM_MISSING].ids == [full.first.id]
    assert not verify(store, content=True).damage
    assert binder.commit(document("once more")).outcome is CommitOutcome.DUPLICATE


def test_files_that_retention_removed_are_no_damage(full, store):
    for record in (full.first, full.processed):
        full.path(record).unlink()
    assert verify(store).damage[Damage.FILE_MISSING].count == 3
    findings = verify(store, files_since=DAY + timedelta(days=1))
    assert not findings.damage
    assert findings.removed == 3
    assert verify(store, files_since=DAY - timedelta(days=1)).damage


def test_of_a_repeated_document_retention_counts_from_the_first(full, store):
    change(record_path(full, full.first), collectedAt="2015-01-01T00:00:00Z")
    for key in full.first.files.values():
        (full.folder / key).unlink()
    findings = verify(store, files_since=DAY - timedelta(days=1))
    assert Damage.FILE_MISSING not in findings.damage
    assert findings.removed == 6


def test_parts_of_a_mail_and_personal_items_have_ids_of_their_own_making(full, store, binder, document):
    change(record_path(full, full.first), parent=full.processed.id, item="anything")
    assert not verify(store).damage
    binder.commit(document("A1!1A2B", b"photo", id=document_id("1a2b")))
    assert not verify(store).damage


def test_a_verification_beside_a_run_that_is_about_to_commit_finds_no_damage(full, store, binder, document):
    """What a commit puts before its record is there, and recent."""
    cut = document("cut off", b"unfinished")
    original = store.put_new_durable
    store.put_new_durable = lambda key, data: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        binder.commit(cut)
    store.put_new_durable = original
    findings = verify(store, content=True)
    assert not findings.damage
    assert not findings.leftovers
    assert findings.recent == 4


def test_only_the_ids_of_the_first_twenty_are_kept(binder, store, folder, document):
    records = [binder.commit(document(f"item-{n}", b"%d" % n)).record for n in range(25)]
    for record in records:
        (folder / record.files["original"]).unlink()
    tally = verify(store).damage[Damage.FILE_MISSING]
    assert tally.count == 25
    assert len(tally.ids) == 20


def test_an_empty_folder_is_no_binder(store):
    with pytest.raises(PersonNeeded) as raised:
        verify(store)
    assert raised.value.reason == "BinderNotFound"


def test_names_that_are_not_ours_are_passed_over(full, store):
    for name in (
        "records/ab/readme.txt",
        "contents/ab/notes",
        "inbox/x.json",
        "processed/y",
        "attempts/z",
        "state/q/r",
    ):
        path = full.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("?")
        os.utime(path, (0, 0))
    (full.folder / "documents/ab").mkdir(exist_ok=True)
    (full.folder / "documents/ab/scan.pdf").write_text("?")
    os.utime(full.folder / "documents/ab/scan.pdf", (0, 0))
    findings = verify(store)
    assert not findings.damage
    assert not findings.leftovers


def test_the_old_and_the_recent_are_told_apart(full, store):
    (full.folder / ".staging").mkdir(exist_ok=True)
    for name, age in (("old", 25), ("young", 23)):
        path = full.folder / ".staging" / name
        path.write_bytes(b"12345")
        when = (datetime.now(UTC) - timedelta(hours=age)).timestamp()
        os.utime(path, (when, when))
    findings = verify(store)
    assert findings.recent == 1
    assert [tally.ids for tally in findings.leftovers.values()] == [[".staging/old"]]


def test_records_that_are_gone_without_a_trace_are_noticed_by_what_runs_reported(full, binder):
    report(binder, "run-2", collected=2)
    assert Damage.RECORDS_LOST not in verify(binder._store).damage
    record_path(full, full.delivered).unlink()
    findings = verify(binder._store)
    assert findings.damage[Damage.RECORDS_LOST].ids == ["1 of 4"]
    assert findings.records_in_doubt


def test_a_run_that_has_just_ended_may_have_recorded_more_than_was_listed(full, binder):
    report(binder, "run-2", collected=50, completed=datetime.now(UTC).isoformat())
    assert Damage.RECORDS_LOST not in verify(binder._store).damage
