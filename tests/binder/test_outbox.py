"""The outbox: no document is collected without an entry, nobody is told of one that isn't, whatever is killed when."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import child
import pytest
from binder_documents import DAY, CuttingStore, PowerCut, files_below, open_binder

from bannette.binder import OnDuplicate, StorePath, open_store
from bannette.binder.copying import Copy
from bannette.binder.findings import Leftover
from bannette.binder.sweep import Sweep
from bannette.binder.verification import Terms, Verification

NEXT_DAY = DAY + timedelta(days=1)
STEPS = range(40)


@pytest.fixture
def store(folder):
    folder.mkdir(exist_ok=True)
    return CuttingStore(folder)


def to_tell(binder):
    """The ids of the documents of which somebody is to be told."""
    records = (binder.outbox.record(entry) for entry in binder.outbox.oldest(100))
    return {record.id for record in records if record is not None}


def entries(folder):
    return {name for name in files_below(folder) if name.startswith("outbox/") and "#" not in name}


def verified(store, **terms):
    verification = Verification(store, Terms(**terms))
    return verification, verification.run()


def test_an_entry_is_durable_before_the_record(store, document):
    binder = open_binder(store)
    store.arm(None)
    record = binder.commit(document(), announced=True).record
    assert binder.outbox.oldest(10) == [record.outbox_key]
    put, durable = store.steps.index(f"put {record.outbox_key}"), store.steps.index("make_durable")
    assert put < durable < store.steps.index(f"put_new_durable {record.key}")
    assert binder.outbox.record(record.outbox_key) == record
    binder.outbox.remove(record.outbox_key)
    assert (binder.outbox.oldest(10), binder.outbox.count()) == ([], 0)


def test_a_document_that_nobody_is_told_of_has_no_entry(store, document, folder):
    open_binder(store).commit(document())
    assert entries(folder) == set()


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_a_duplicate_is_told_of_when_it_is_delivered(store, document, on_duplicate):
    binder = open_binder(store)
    first = binder.commit(document("item-1"), announced=True).record
    second = binder.commit(document("item-2"), announced=True, on_duplicate=on_duplicate).record
    delivered = {first.id, second.id} if on_duplicate is OnDuplicate.DELIVER else {first.id}
    assert to_tell(binder) == delivered


def test_the_oldest_come_first(store, document):
    binder = open_binder(store)
    days = {f"item-{number}": DAY + timedelta(days=number % 3) for number in range(6)}
    for item, day in days.items():
        binder.commit(document(item, item.encode(), collected_at=day), announced=True)
    found = binder.outbox.oldest(4)
    assert [key.removeprefix("outbox/")[:8] for key in found] == ["20261124"] * 2 + ["20261125"] * 2
    assert binder.outbox.count() == 6


@pytest.mark.parametrize("step", STEPS)
def test_a_commit_cut_off_at_any_step_is_told_of_after_its_repeat_and_not_before_its_record(folder, document, step):
    folder.mkdir(exist_ok=True)
    store = CuttingStore(folder)
    binder = open_binder(store)
    store.arm(step)
    with suppress(PowerCut):
        binder.commit(document(), announced=True)
    store.arm(None)
    recorded = set(binder.ids())
    assert to_tell(binder) == recorded
    again = document(collected_at=NEXT_DAY)
    binder.commit(again, announced=True)
    assert to_tell(binder) == {again.id}
    assert not verified(store)[1].damage


@pytest.mark.parametrize("step", range(0, 40, 3))
def test_a_process_killed_at_any_step_loses_nobody_who_is_to_be_told(folder, document, tmp_path, step):
    folder.mkdir(exist_ok=True)
    code = """
store = CuttingStore(folder, kill=True)
binder = open_binder(store)
store.arm(int(arguments[1]))
binder.commit(make_document(Path(arguments[0]), "item-1", b"%PDF-1.7 invoice"), announced=True)
"""
    process = child.start(code, folder, str(tmp_path / "child"), str(step))
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    binder = open_binder(CuttingStore(folder))
    assert to_tell(binder) == set(binder.ids())


def test_the_entry_of_a_commit_whose_bytes_another_took_goes_untold(store, document, folder):
    """It was written before it turned out that the document is a duplicate."""
    binder = open_binder(store)
    binder.commit(document("item-1"))
    second = document("item-2")
    record = binder.commit(second, announced=True).record
    (folder / "outbox").mkdir(exist_ok=True)
    (folder / record.outbox_key).write_text("{}")
    assert to_tell(binder) == set()
    assert entries(folder) == set()


def test_a_damaged_record_keeps_its_entry(store, document, folder):
    binder = open_binder(store)
    record = binder.commit(document(), announced=True).record
    (folder / record.key).write_text("{")
    assert to_tell(binder) == set()
    assert entries(folder) == {record.outbox_key}


# Verified, swept, copied


def old_entry_of_a_killed_commit(store, folder, new):
    """An entry without a record, as a commit of some days ago left it."""
    binder, put = open_binder(store), store.put_new_durable

    def cut(key, data):
        raise PowerCut(key)

    store.put_new_durable = cut
    with suppress(PowerCut):
        binder.commit(new, announced=True)
    store.put_new_durable = put
    when = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    for path in folder.rglob("*.*"):
        os.utime(path, (when, when))
    (key,) = entries(folder)
    return key


def test_a_verification_counts_those_that_wait_and_sweeps_those_that_never_come(store, document, folder):
    long_ago = datetime.now(UTC) - timedelta(days=3)
    old_entry_of_a_killed_commit(store, folder, document("item-1", collected_at=long_ago))
    record = open_binder(store).commit(document("item-2", b"other"), announced=True).record
    verification, findings = verified(store)
    assert (findings.untold, findings.leftovers[Leftover.OUTBOX_ENTRIES].count) == (1, 1)
    assert not findings.damage
    sweep = Sweep(store, older_than=timedelta(hours=24))
    sweep.run(verification.leftovers)
    assert sweep.swept[Leftover.OUTBOX_ENTRIES].count == 1
    assert entries(folder) == {record.outbox_key}


def test_an_entry_whose_record_comes_after_the_verification_is_not_swept(store, document, folder):
    long_ago = datetime.now(UTC) - timedelta(days=3)
    new = document(collected_at=long_ago)
    key = old_entry_of_a_killed_commit(store, folder, new)
    verification, _ = verified(store)
    binder = open_binder(store)
    binder.commit(document(collected_at=long_ago), announced=True)
    when = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    os.utime(folder / key, (when, when))
    Sweep(store, older_than=timedelta(hours=24)).run(verification.leftovers)
    assert to_tell(binder) == {new.id}


def test_an_old_entry_of_today_is_not_swept_since_a_commit_may_be_putting_it_anew(store, document, folder):
    key = old_entry_of_a_killed_commit(store, folder, document(collected_at=datetime.now(UTC)))
    verification, findings = verified(store)
    assert findings.leftovers[Leftover.OUTBOX_ENTRIES].count == 1
    Sweep(store, older_than=timedelta(hours=24)).run(verification.leftovers)
    assert entries(folder) == {key}


def test_a_copy_tells_of_what_its_source_has_not_told(store, document, tmp_path, folder):
    binder = open_binder(store)
    told, untold = (binder.commit(document(item, item.encode()), announced=True).record for item in ("one", "two"))
    binder.outbox.remove(told.outbox_key)
    (folder / "outbox" / f"20261124-{'0' * 32}.json").write_text("{}")
    there = open_store(StorePath(tmp_path / "there"))
    Copy(store, there, scratch=tmp_path).run()
    assert to_tell(open_binder(there)) == {untold.id}
    assert set(there.keys("outbox")) == {untold.outbox_key}
