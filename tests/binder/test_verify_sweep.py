"""A sweep removes what killed writers left, nothing else, and nothing that a run beside it may need."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import child
import pytest
from binder_documents import DAY, CuttingStore, PowerCut, document_id, files_below, make_document, open_binder
from obstore.store import MemoryStore

from bannette.binder import CommitOutcome, Record, State, Store, StorePath, open_store
from bannette.binder.findings import Damage, Leftover
from bannette.binder.layout import PROBE, SWEEP, file_key, inbox_key
from bannette.binder.object_store import ObjectStore
from bannette.binder.sweep import Sweep
from bannette.binder.verification import Terms, Verification
from bannette.errors import Transient

OLD = timedelta(days=3)
LONG_AGO = DAY - timedelta(days=30)
DERIVED = {"pdf": b"%PDF searchable", "text": b"Facture"}


def age(folder: Path, by: timedelta = OLD) -> None:
    """Let all that is in the binder have happened *by* ago."""
    when = (datetime.now(UTC) - by).timestamp()
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (when, when))


def sweep(store: Store, *, older_than: timedelta = timedelta(hours=24)):
    verification = Verification(store, Terms(older_than=older_than))
    findings = verification.run()
    assert not findings.damage
    swept = Sweep(store, older_than=older_than)
    swept.run(verification.leftovers)
    return swept.swept


def cut_off_at_the_record(store: CuttingStore, new) -> None:
    """Commit all of *new* but its record."""
    kept = store.put_new_durable

    def cut(key, data):
        raise PowerCut(key)

    store.put_new_durable = cut
    try:
        with suppress(PowerCut):
            open_binder(store).commit(new)
    finally:
        store.put_new_durable = kept


@pytest.fixture
def cutting(folder) -> CuttingStore:
    folder.mkdir()
    store = CuttingStore(folder)
    open_binder(store)
    return store


@pytest.mark.parametrize("step", range(0, 24, 2))
@pytest.mark.parametrize("copies", [False, True], ids=["linked", "copied"])
def test_what_a_commit_leaves_that_was_killed_at_any_step_is_swept_and_all_else_stays(
    folder, document, tmp_path, step, copies
):
    store = open_store(StorePath(folder))
    binder = open_binder(store)
    for n in range(3):
        binder.commit(document(f"kept-{n}", b"kept %d" % n, derived=DERIVED, collected_at=DAY))
    before = files_below(folder)
    code = """
store = CuttingStore(folder, kill=True, copies=arguments[2] == "True")
binder = open_binder(store)
store.arm(int(arguments[1]))
binder.commit(make_document(Path(arguments[0]), "cut", b"%PDF-1.7 cut", derived={"pdf": b"%PDF", "text": b"x"},
    collected_at=datetime.fromisoformat(arguments[3])))
"""
    process = child.start(code, folder, str(tmp_path / "child"), str(step), str(copies), LONG_AGO.isoformat())
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    left = files_below(folder) - before
    committed = any(name.startswith("records/") for name in left)
    age(folder)
    sweep(store)
    remaining = files_below(folder) - before
    assert before <= files_below(folder)
    if committed:
        assert remaining == {name for name in left if not name.startswith(".staging/")}
    else:
        assert {name.partition("/")[0] for name in remaining} <= {"contents"}
    assert not Verification(store, Terms(content=True)).run().damage
    outcome = binder.commit(document("cut", b"%PDF-1.7 cut", derived=DERIVED)).outcome
    assert outcome is (CommitOutcome.ALREADY_SEEN if committed else CommitOutcome.COLLECTED)
    assert len([entry for entry in binder.inbox() if entry.record.id == document_id("cut")]) == 1


def test_what_is_younger_stays(cutting, folder, document):
    cut_off_at_the_record(cutting, document())
    age(folder, by=timedelta(hours=23))
    before = files_below(folder)
    assert not sweep(cutting)
    assert files_below(folder) == before


def test_a_sweep_that_could_meet_a_run_is_refused(store):
    with pytest.raises(ValueError, match="run under way"):
        Sweep(store, older_than=timedelta(hours=11))


def test_each_kind_of_leftover_is_swept(cutting, folder, document):
    binder = open_binder(cutting)
    kept = binder.commit(document("kept")).record
    for revision in range(1, 6):
        binder.save_state("c-uid", State(revision=revision, position=None, committed_at=DAY))
    (folder / "state/c-uid/1.json").write_bytes((folder / "state/c-uid/3.json").read_bytes())
    before = files_below(folder) - {"state/c-uid/1.json"}
    cut_off_at_the_record(cutting, document("cut", b"cut", collected_at=LONG_AGO))
    binder.begin_attempt(kept.id)
    cutting.put(inbox_key(kept.id, LONG_AGO), b"")
    for name in (".staging/1", ".probe/1", "documents/ab/x#1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")
    age(folder)
    swept = sweep(cutting)
    assert {kind: tally.count for kind, tally in swept.items()} == {
        Leftover.FILES: 2,
        Leftover.INBOX_ENTRIES: 2,
        Leftover.ATTEMPTS: 1,
        Leftover.STATES: 1,
        Leftover.UNFINISHED: 3,
    }
    assert {name for name in files_below(folder) - before if not name.startswith("contents/")} == set()
    assert before <= files_below(folder)


def test_an_entry_of_a_processed_document_is_swept(cutting, folder, document):
    binder = open_binder(cutting)
    record = binder.commit(document()).record
    entry = (folder / record.inbox_key).read_bytes()
    binder.mark_done(record.id)
    (folder / record.inbox_key).write_bytes(entry)
    age(folder)
    assert sweep(cutting)[Leftover.INBOX_ENTRIES].count == 1
    assert not (folder / record.inbox_key).exists()


def test_an_entry_whose_day_a_commit_under_way_may_still_use_stays(cutting, folder, document):
    """The clock of the store may be wrong; the day in the key isn't put again from the day after tomorrow on."""
    # Yesterday, but for the last hour of a day: then not yet, and yesterday if the day ends meanwhile.
    yesterday = datetime.now(UTC) - timedelta(hours=23)
    cut_off_at_the_record(cutting, document(collected_at=yesterday))
    age(folder)
    assert Leftover.INBOX_ENTRIES not in sweep(cutting)


def test_an_attempt_without_a_record_protects_for_a_month(cutting, folder):
    binder = open_binder(cutting)
    binder.begin_attempt(document_id("poison"))
    age(folder, by=timedelta(days=29))
    assert not sweep(cutting)
    age(folder, by=timedelta(days=31))
    assert sweep(cutting)[Leftover.ATTEMPTS].count == 1


def test_claims_stay_so_that_whoever_took_over_is_found(cutting, folder, document):
    cut_off_at_the_record(cutting, document("killed"))
    age(folder)
    binder = open_binder(cutting)
    binder.commit(document("took over"))
    age(folder)
    sweep(cutting)
    assert binder.commit(document("third")).outcome is CommitOutcome.DUPLICATE


class Aged(ObjectStore):
    """An object store in which everything happened three days ago, but for what measures its clock."""

    def head(self, key):
        found = super().head(key)
        return found if found is None or key.startswith(PROBE) else replace(found, modified_at=found.modified_at - OLD)

    def list(self, folder, *, offset=None):
        for found in super().list(folder, offset=offset):
            yield replace(found, modified_at=found.modified_at - OLD)


def test_leftovers_in_an_object_store_are_swept(tmp_path):
    store = Aged(MemoryStore())
    binder = open_binder(store)
    kept = binder.commit(make_document(tmp_path, "kept", b"kept")).record
    before = set(store.keys(""))
    cut = make_document(tmp_path, "cut", b"cut", collected_at=LONG_AGO)
    store.put_new(file_key(cut.id, cut.sha256, "original", extension="pdf"), b"cut")
    store.put(inbox_key(cut.id, LONG_AGO), b"")
    store.put(".staging/x", b"")
    assert {kind: tally.count for kind, tally in sweep(store).items()} == {
        Leftover.FILES: 1,
        Leftover.INBOX_ENTRIES: 1,
        Leftover.UNFINISHED: 1,
    }
    assert set(store.keys("")) == before
    assert binder.has(kept.id)


# Beside a run


class Meanwhile(CuttingStore):
    """Does something once, between two steps of a sweep."""

    def __init__(self, folder: Path, step: str, do) -> None:
        super().__init__(folder)
        self._when, self._do = step, do

    def _step(self, name: str) -> None:
        if self._do is not None and name.startswith(self._when):
            do, self._do = self._do, None
            do()


@pytest.mark.parametrize(
    "step", ["list documents/", "get records/", "delete documents/", "delete inbox/", "head inbox/", "put_new .sweep/"]
)
def test_a_document_that_is_committed_at_any_moment_of_a_sweep_has_its_files_and_its_entry(
    cutting, folder, document, step
):
    cut_off_at_the_record(cutting, document(derived=DERIVED, collected_at=LONG_AGO))
    age(folder)
    committed: list[Record] = []
    new = document(derived=DERIVED, collected_at=datetime.now(UTC))
    other = open_binder(open_store(StorePath(folder)))
    verification = Verification(cutting, Terms())
    verification.run()
    meanwhile = Meanwhile(folder, step, lambda: committed.append(other.commit(new).record))
    Sweep(meanwhile, older_than=timedelta(hours=24)).run(verification.leftovers)
    (record,) = committed
    assert all((folder / key).is_file() for key in record.files.values())
    assert [entry.record for entry in other.inbox()] == [record]
    assert not Verification(cutting, Terms(content=True)).run().damage


def test_runs_and_sweeps_at_once_lose_nothing(cutting, folder, tmp_path):
    """Every document has old files of a killed run, which sweeps remove while it is committed."""
    names = [f"item-{n}" for n in range(60)]
    for name in names:
        cut_off_at_the_record(cutting, make_document(tmp_path / "one", name, name.encode(), collected_at=LONG_AGO))
    age(folder)
    now = datetime.now(UTC)
    new = [make_document(tmp_path / "two", name, name.encode(), collected_at=now) for name in names]
    binder = open_binder(open_store(StorePath(folder)))

    def sweep_and_be_refused() -> None:
        store = open_store(StorePath(folder))
        verification = Verification(store, Terms())
        verification.run()
        with suppress(Transient):
            Sweep(store, older_than=timedelta(hours=24)).run(verification.leftovers)

    with ThreadPoolExecutor(6) as pool:
        sweeps = [pool.submit(sweep_and_be_refused) for _ in range(2)]
        records = list(pool.map(lambda one: binder.commit(one).record, new))
        for one in sweeps:
            one.result()
    assert all((folder / key).is_file() for record in records for key in record.files.values())
    findings = Verification(cutting, Terms(content=True)).run()
    assert not findings.damage
    assert findings.waiting == len(names)


# One at a time


def test_a_second_sweep_is_refused_while_one_is_under_way(cutting, folder, document):
    cut_off_at_the_record(cutting, document())
    age(folder)
    refused: list[Transient] = []

    def second() -> None:
        with pytest.raises(Transient) as raised:
            sweep(open_store(StorePath(folder)))
        refused.append(raised.value)

    verification = Verification(cutting, Terms())
    verification.run()
    Sweep(Meanwhile(folder, "delete documents/", second), older_than=timedelta(hours=24)).run(verification.leftovers)
    assert [error.reason for error in refused] == ["SweepUnderWay"]
    assert not list(cutting.keys(SWEEP))


def test_a_sweep_that_was_killed_is_taken_over_after_an_hour(cutting, folder, document):
    cut_off_at_the_record(cutting, document())
    age(folder)
    verification = Verification(cutting, Terms())
    verification.run()

    def killed() -> None:
        raise PowerCut

    dying = Meanwhile(folder, "delete documents/", killed)
    dying.get = lambda key: b"another's" if key.startswith(SWEEP) else CuttingStore.get(dying, key)
    with pytest.raises(PowerCut):
        Sweep(dying, older_than=timedelta(hours=24)).run(verification.leftovers)
    assert list(cutting.keys(SWEEP)) == [f"{SWEEP}/1"]
    with pytest.raises(Transient):
        sweep(cutting)
    age(folder, by=timedelta(hours=25))
    assert sweep(cutting)[Leftover.FILES].count == 2
    assert not list(cutting.keys(SWEEP))


def test_files_of_a_document_whose_record_is_damaged_are_no_leftovers(cutting, folder, document):
    record = open_binder(cutting).commit(document()).record
    (folder / record.key).write_bytes(b"{")
    age(folder)
    verification = Verification(cutting, Terms())
    findings = verification.run()
    assert set(findings.damage) == {Damage.RECORD_UNREADABLE}
    assert findings.records_in_doubt
    assert not findings.leftovers.get(Leftover.FILES)
    Sweep(cutting, older_than=timedelta(hours=24)).run(verification.leftovers)
    assert all((folder / key).is_file() for key in record.files.values())
