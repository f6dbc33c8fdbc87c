"""A copy has everything that the source has, whenever it was interrupted, and nobody uses it before it is complete."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import child
import pytest
from binder_documents import (
    DAY,
    CuttingStore,
    PowerCut,
    files_below,
    make_document,
    open_binder,
    report_of_a_run,
)
from obstore.store import MemoryStore

from bannette.binder import Binder, CommitOutcome, OnDuplicate, State, Store, StorePath, open_store
from bannette.binder.copying import Copied, Copy
from bannette.binder.findings import Damage
from bannette.binder.object_store import ObjectStore
from bannette.binder.verification import Terms, Verification
from bannette.errors import PersonNeeded

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


# Interrupted


def test_nobody_opens_a_copy_that_is_not_complete(full, store, there, tmp_path):
    there.mkdir()
    destination = CuttingStore(there)
    destination.arm(40)
    with pytest.raises(PowerCut):
        copy(store, destination, tmp_path / "s")
    destination.arm(None)
    for use in (lambda: open_binder(destination), lambda: Binder.existing(destination)):
        with pytest.raises(PersonNeeded) as raised:
            use()
        assert raised.value.reason == "BinderCopyUnfinished"
    with pytest.raises(PersonNeeded) as raised:
        Verification(destination, Terms()).run()
    assert raised.value.reason == "BinderCopyUnfinished"
    assert copy(store, destination, tmp_path / "s").finished
    check_copied(full, there)


def test_whatever_a_copy_has_so_far_nothing_is_listed_before_its_files_are_there(full, store, there, tmp_path):
    """After any number of steps: states tell no more than records do, and entries no more than files."""
    for step in range(20, 260, 20):
        folder = there / str(step)
        folder.mkdir(parents=True)
        destination = CuttingStore(folder)
        destination.arm(step)
        with suppress(PowerCut):
            copy(store, destination, tmp_path / "s")
        names = files_below(folder)
        if any(name.startswith("inbox/") for name in names):
            assert {name for name in names if name.startswith(("documents/", "records/", "contents/"))} == {
                name for name in files_below(full) if name.startswith(("documents/", "records/", "contents/"))
            }
        if any(name.startswith("documents/") for name in names):
            assert {name for name in names if name.startswith("records/")} == {
                name for name in files_below(full) if name.startswith("records/")
            }
        destination.arm(None)
        copy(store, destination, tmp_path / "s")
        check_copied(full, folder)


@pytest.mark.parametrize("step", range(1, 260, 13))
def test_a_copy_that_was_killed_at_any_step_is_finished_by_the_same_command(full, there, tmp_path, step):
    code = """
from bannette.binder.copying import Copy
destination = Path(arguments[0]); destination.mkdir(exist_ok=True)
store = CuttingStore(destination, kill=True)
store.arm(int(arguments[1]))
scratch = destination / ".staging"; scratch.mkdir(exist_ok=True)
Copy(open_store(StorePath(folder)), store, scratch=scratch).run()
"""
    process = child.start(code, full, str(there), str(step))
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    copied = copy(open_store(StorePath(full)), open_store(StorePath(there)), tmp_path / "s")
    assert copied.finished
    assert contents(there) == contents(full)
    assert not Verification(open_store(StorePath(there)), Terms(content=True)).run().damage


@pytest.mark.kill
def test_a_copy_killed_again_and_again_at_any_moment_is_finished_in_the_end(folder, store, there, tmp_path):
    fill(store, tmp_path / "downloads", documents=300)
    code = """
from bannette.binder.copying import Copy
print("ready", flush=True)
destination = Path(arguments[0])
scratch = destination / ".staging"; scratch.mkdir(parents=True, exist_ok=True)
Copy(open_store(StorePath(folder)), open_store(StorePath(destination)), scratch=scratch).run()
"""
    moment = random.Random(20261125)
    kills = 0
    while True:
        process = child.start(code, folder, str(there))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        try:
            _, errors = process.communicate(timeout=moment.uniform(0.02, 0.08 * (2 + kills)))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, errors
        break
    assert kills > 3
    assert contents(there) == contents(folder)
    assert not Verification(open_store(StorePath(there)), Terms(content=True)).run().damage


# Again


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


# Refused


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


# Damaged sources


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


def test_files_that_retention_removed_do_not_hold_a_copy_up(full, store, there, tmp_path):
    for entry in open_binder(store).inbox():
        (full / entry.record.files["original"]).unlink()
    copied = copy(store, open_store(StorePath(there)), tmp_path / "s", files_since=DAY + timedelta(days=1))
    assert copied.finished
    assert copied.removed == 5
    assert contents(there) == contents(full)


def test_everything_is_durable_before_the_copy_is_a_binder(full, store, there, tmp_path):
    there.mkdir()
    destination = CuttingStore(there)
    destination.arm(None)
    copy(store, destination, tmp_path / "s")
    finished = max(n for n, step in enumerate(destination.steps) if step == "put binder.json")
    written = {step.partition(" ")[2] for step in destination.steps if step.startswith(("put_new ", "put "))}
    assert {key for key in written if not key.startswith(".probe/")} <= {
        "binder.json",
        f"attempts/{'ab' * 16}",
        "runs/acme/acme-onedrive/20261124T053000Z-run-1.json",
    }
    assert "make_durable" in destination.steps[finished:]
