"""A commit that is stopped at any step, and repeated, ends as if it had never been stopped."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress
from datetime import timedelta

import child
import pytest
from binder_documents import DAY, CuttingStore, PowerCut, open_binder

from bannette.binder import CommitOutcome, Record
from bannette.binder.verification import Terms, Verification

NEXT_DAY = DAY + timedelta(days=1)
# More than any commit takes; a step after the last means that the commit went through.
STEPS = range(40)
DERIVED = {"pdf": b"%PDF searchable", "text": b"Facture"}


def check_one_delivery(folder, content: bytes, *, ids: set[str]) -> None:
    """Every id has a record whose files are there; the inbox has the bytes exactly once."""
    binder = open_binder(CuttingStore(folder))
    records = [Record.parse(path.read_bytes()) for path in folder.glob("records/*/*.json")]
    assert {record.id for record in records} == ids
    assert len(records) == len(ids)
    for record in records:
        assert (folder / record.files["original"]).read_bytes() == content
        assert all((folder / key).stat().st_size for key in record.files.values())
    entries = list(binder.inbox())
    assert len(entries) == 1
    assert not entries[0].record.withheld
    assert {name.name for name in folder.glob("inbox/*")} == {f"{entries[0].key.removeprefix('inbox/')}"}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("copies", [False, True], ids=["linked", "copied"])
def test_a_commit_cut_off_at_any_step_is_repeated_to_one_record(folder, document, step, copies):
    store = CuttingStore(_made(folder), copies=copies)
    binder = open_binder(store)
    store.arm(step)
    try:
        binder.commit(document(derived=DERIVED))
        cut = False
    except PowerCut:
        cut = True
    store.arm(None)
    # Another version of the recogniser, another day.
    again = document(derived={"text": b"Facture, lue autrement"}, collected_at=NEXT_DAY)
    outcome = binder.commit(again).outcome
    assert cut or outcome is CommitOutcome.ALREADY_SEEN
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={again.id})


@pytest.mark.parametrize("step", STEPS)
def test_the_same_bytes_under_another_item_take_over_from_a_commit_that_was_cut_off(folder, document, step):
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    store.arm(step)
    first = document("item-1", derived=DERIVED)
    with suppress(PowerCut):
        binder.commit(first)
    store.arm(None)
    second = binder.commit(document("item-2", collected_at=NEXT_DAY)).record
    binder.commit(document("item-1", collected_at=NEXT_DAY))
    third = binder.commit(document("item-3", collected_at=NEXT_DAY))
    assert third.outcome is CommitOutcome.DUPLICATE
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={first.id, second.id, third.record.id})


@pytest.mark.parametrize("step", range(8))
def test_a_duplicate_cut_off_at_any_step_is_repeated_to_one_record(folder, document, step):
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    first = binder.commit(document("item-1")).record
    store.arm(step)
    with suppress(PowerCut):
        binder.commit(document("item-2"))
    store.arm(None)
    second = binder.commit(document("item-2", collected_at=NEXT_DAY)).record
    assert second.duplicate_of == first.id
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={first.id, second.id})


@pytest.mark.parametrize("step", [0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
def test_a_process_killed_at_any_step_leaves_what_a_repeat_completes(folder, document, tmp_path, step):
    code = """
store = CuttingStore(folder, kill=True)
binder = open_binder(store)
store.arm(int(arguments[1]))
binder.commit(make_document(Path(arguments[0]), "item-1", b"%PDF-1.7 invoice", derived={"pdf": b"%PDF", "text": b"x"}))
print(*store.steps, sep="\\n")
"""
    process = child.start(code, _made(folder), str(tmp_path / "child"), str(step))
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    again = document(derived=DERIVED, collected_at=NEXT_DAY)
    open_binder(CuttingStore(folder)).commit(again)
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={again.id})


def test_the_steps_above_cover_a_whole_commit(folder, document):
    store = CuttingStore(_made(folder), copies=True)
    binder = open_binder(store)
    store.arm(None)
    binder.commit(document(derived=DERIVED))
    assert len(store.steps) < len(STEPS)
    assert any(step.startswith("after put_new_durable records/") for step in store.steps)


def test_the_record_is_written_after_everything_that_it_names_is_durable(folder, document):
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    store.arm(None)
    record = binder.commit(document(derived=DERIVED)).record
    durable = store.steps.index("make_durable")
    commit = store.steps.index(f"put_new_durable {record.key}")
    order = [store.steps.index(f"put_new {key}") for key in record.files.values()]
    entry = store.steps.index(f"put {record.inbox_key}")
    claim = store.steps.index(f"put_new contents/{record.sha256[:2]}/{record.sha256}")
    assert store.steps.index(f"put_new {record.files['original']}") == min(order)
    assert max(order) < claim < entry < durable < commit


def test_files_that_a_power_failure_left_empty_are_written_again(folder, document):
    """The names reached the disk, the bytes did not."""
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    store.arm(None)
    with pytest.raises(PowerCut):
        _commit_up_to_the_record(store, binder, document(derived=DERIVED))
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "binder.json":
            path.write_bytes(b"")
    store.arm(None)
    again = document(derived=DERIVED)
    assert binder.commit(again).outcome is CommitOutcome.COLLECTED
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={again.id})
    assert binder.text(again.id) == "Facture"


@pytest.mark.parametrize("role", ["original", "text"])
def test_old_files_of_a_killed_writer_are_never_named_since_they_may_be_swept_at_any_moment(folder, document, role):
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    with pytest.raises(PowerCut):
        _commit_up_to_the_record(store, binder, document())
    (old,) = (
        path for path in folder.rglob("*") if path.name == {"original": "original.pdf", "text": "document.txt"}[role]
    )
    os.utime(old, (DAY.timestamp(), DAY.timestamp()))
    record = binder.commit(document()).record
    old.unlink()
    assert (folder / record.files[role]).is_file()
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={record.id})


@pytest.mark.parametrize("what", ["documents", "inbox"])
def test_a_commit_that_slept_while_its_files_were_swept_puts_them_again(folder, document, monkeypatch, what):
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    monkeypatch.setattr("bannette.binder.commit._YOUNG", timedelta(0))
    make_durable = store.make_durable

    def sleep(keys):
        make_durable(keys)
        store.make_durable = make_durable
        for path in (folder / what).rglob("*.*"):
            path.unlink()

    store.make_durable = sleep
    record = binder.commit(document()).record
    check_one_delivery(folder, b"%PDF-1.7 invoice", ids={record.id})


def test_files_that_an_interrupted_run_put_a_moment_ago_are_used(folder, document):
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    with pytest.raises(PowerCut):
        _commit_up_to_the_record(store, binder, document())
    before = set(folder.rglob("documents/*/*/*"))
    binder.commit(document())
    assert set(folder.rglob("documents/*/*/*")) == before


def test_files_of_another_run_at_the_same_document_are_not_replaced(folder, document):
    """Its record may name them by now."""
    store = CuttingStore(_made(folder))
    binder = open_binder(store)
    with pytest.raises(PowerCut):
        _commit_up_to_the_record(store, binder, document(derived={"text": b"read by one"}))
    record = binder.commit(document(derived={"text": b"read by another"})).record
    texts = {path.read_bytes() for path in folder.rglob("document.txt")}
    assert texts == {b"read by one", b"read by another"}
    assert binder.text(record.id) == "read by another"


def _commit_up_to_the_record(store, binder, new):
    original = store.put_new_durable

    def cut(key, data):
        raise PowerCut(key)

    store.put_new_durable = cut
    try:
        binder.commit(new)
    finally:
        store.put_new_durable = original


def _made(folder):
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.kill
def test_a_run_killed_again_and_again_at_any_moment_collects_everything_once(folder, tmp_path):
    """Every third document repeats the bytes of the one before it."""
    code = """
print("ready", flush=True)
binder = open_binder(CuttingStore(folder), patience=0.0)
for n in range(300):
    if not binder.has(document_id(f"item-{n}")):
        binder.commit(make_document(Path(arguments[0]), f"item-{n}", b"%d" % (n - (n % 3 == 2)), run=str(os.getpid())))
"""
    moment = random.Random(20261124)
    kills = 0
    while True:
        process = child.start(code, _made(folder), str(tmp_path / "scratch"))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        try:
            # Longer each time: a machine on which little is done in that time comes to an end, too.
            _, errors = process.communicate(timeout=moment.uniform(0.01, 0.15 + 0.02 * kills))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, errors
        break
    assert kills > 3
    binder = open_binder(CuttingStore(folder))
    assert len(binder.known_ids()) == 300
    shown = [entry.record for entry in binder.inbox()]
    assert sorted(int((folder / record.files["original"]).read_bytes()) for record in shown) == [
        n for n in range(300) if n % 3 != 2
    ]
    # Nothing but what is shown has an entry, and nothing has two; names with a # were being written by a killed run.
    assert len([path for path in folder.glob("inbox/*") if "#" not in path.name]) == len(shown)
    findings = Verification(CuttingStore(folder), Terms(content=True)).run()
    assert not findings.damage
    assert findings.waiting == len(shown)
