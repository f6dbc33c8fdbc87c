"""Several writers at once: threads of one run, and overlapping runs."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import child
import pytest
from binder_documents import CuttingStore, document_id, files_below, open_binder

from bannette.binder import CommitOutcome, Record

WRITERS = 8


def race(commit, documents):
    """Commit all *documents* at the same moment; return how often each outcome came."""
    start = Barrier(len(documents))

    def one(new):
        start.wait(timeout=30)
        return commit(new).outcome

    with ThreadPoolExecutor(len(documents)) as pool:
        return Counter(pool.map(one, documents))


def test_threads_with_the_same_document_collect_it_once(binder, document):
    for turn in range(10):
        new = [document(f"item-{turn}", b"%d" % turn, derived={"text": b"%d" % n}) for n in range(WRITERS)]
        assert race(binder.commit, new) == {CommitOutcome.COLLECTED: 1, CommitOutcome.ALREADY_SEEN: WRITERS - 1}


def test_threads_with_the_same_bytes_of_different_items_deliver_them_once(binder, folder, document):
    for turn in range(10):
        new = [document(f"item-{turn}-{n}", b"%d" % turn) for n in range(WRITERS)]
        assert race(binder.commit, new) == {CommitOutcome.COLLECTED: 1, CommitOutcome.DUPLICATE: WRITERS - 1}
    assert len(list(binder.inbox())) == 10
    # No copy of a duplicate either.
    assert len([key for key in files_below(folder) if key.startswith("documents/")]) == 20


def test_binders_that_share_only_the_store_deliver_the_same_bytes_once(binder, folder, document):
    """As overlapping runs do: no lock in common."""
    for turn in range(10):
        binders = [open_binder(CuttingStore(folder), patience=20.0) for _ in range(4)]
        new = [document(f"item-{turn}-{n}", b"%d" % turn) for n in range(4)]
        committers = {each.id: each_binder for each, each_binder in zip(new, binders, strict=True)}
        outcomes = race(lambda new, committers=committers: committers[new.id].commit(new), new)
        assert outcomes == {CommitOutcome.COLLECTED: 1, CommitOutcome.DUPLICATE: 3}
    assert len(list(binder.inbox())) == 10


@pytest.mark.parametrize("items", ["same", "different"])
def test_processes_deliver_the_same_bytes_once(binder, folder, document, tmp_path, items):
    code = """
binder = open_binder(CuttingStore(folder), patience=20.0)
scratch, me, items = Path(arguments[0]), arguments[1], arguments[2]
new = [make_document(scratch, f"item-{n}" + (f"-{me}" if items == "different" else ""), b"%d" % n,
       derived={"text": me.encode()}, run=me) for n in range(40)]
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([binder.commit(each).outcome for each in new]))
"""
    processes = [child.start(code, folder, str(tmp_path / f"of-{n}"), str(n), items) for n in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = Counter(outcome for process in processes for outcome in json.loads(child.output_of(process)))
    other = "AlreadySeen" if items == "same" else "Duplicate"
    assert outcomes == {"Collected": 40, other: 80}
    assert len(list(binder.inbox())) == 40
    assert len(binder.known_ids()) == (40 if items == "same" else 120)
    for path in folder.glob("records/*/*.json"):
        record = Record.parse(path.read_bytes())
        assert all((folder / key).exists() for key in record.files.values())


def test_a_writer_that_was_taken_over_while_it_waited_becomes_the_duplicate(folder, document):
    """The first one stalls between its claim and its record for longer than the other's patience."""
    folder.mkdir()
    other = open_binder(CuttingStore(folder), patience=0.0)

    class StallingStore(CuttingStore):
        def make_durable(self, keys):
            super().make_durable(keys)
            if not other.has(document_id("item-2")):
                other.commit(document("item-2"))

    stalled = open_binder(StallingStore(folder), patience=0.0).commit(document("item-1"))
    assert stalled.outcome is CommitOutcome.DUPLICATE
    assert stalled.record.duplicate_of == document_id("item-2")
    assert [entry.record.id for entry in other.inbox()] == [document_id("item-2")]
    assert len(list(folder.glob("inbox/*"))) == 1
